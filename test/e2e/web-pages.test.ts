import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MockRole } from '../../web/dev/mock-server.ts';
import { openBrowser } from './browser.ts';
import { buildWeb, type OpenPage, openPage, tileOf } from './web-page.ts';

let browser: Browser | undefined;
beforeAll(async () => {
  buildWeb();
  browser = await openBrowser();
});
afterAll(() => browser?.close());

const PAGES = [
  ['the sign-in page', { role: undefined, path: '/' }, 'text=Sign in'],
  ['the first-account page', { role: undefined, path: '/setup#abc' }, 'text=Make the first account'],
  ['the wall', { path: '/wall' }, `${tileOf('P13')}[data-look="high"]`],
  ['the wall on a phone', { path: '/wall', width: 360, height: 800 }, `${tileOf('P13')}[data-look="high"]`],
  ['a patient’s page', { path: '/patients/P13' }, '.alarm-bar[data-look="high"]'],
  ['the worklist', { path: '/alarms' }, '.ladder'],
  ['the worklist on a phone', { path: '/alarms', width: 390, height: 844 }, '.ladder'],
  ['what is over', { path: '/alarms', click: 'Over' }, 'text=None yet.'],
  ['an alarm', { path: '/alarms/A1' }, '.timeline'],
  ['a note', { path: '/alarms/A1', from: '.timeline', key: 'm' }, '[role=dialog] textarea'],
  ['a snooze', { path: '/alarms/A1', from: '.timeline', key: 'z' }, '[role=dialog] .choices'],
  ['an escalation by hand', { path: '/alarms/A1', from: '.timeline', key: 'e' }, '[role=dialog] .steps'],
  ['the limits of a patient', { path: '/patients/P13', from: '.cards', key: 't' }, '[role=dialog] .rule-row'],
  ['who would be told', { path: '/patients/P13', click: 'Who is told' }, '[role=dialog] .steps'],
  ['the rules', { path: '/rules' }, '.rule-row'],
  ['approvals', { path: '/approvals', role: 'charge-nurse' }, '.second-person'],
  ['an address without a page', { path: '/nowhere/at/all', role: 'nurse' }, '.bar >> text=Worklist'],
  ['a page that is not theirs', { path: '/audit', role: 'nurse' }, 'text=It needs'],
  ['the rota', { path: '/rota' }, '.week-span'],
  ['the rota on a phone', { path: '/rota', width: 390, height: 844 }, '.week-span'],
  ['a change of the rota', { path: '/rota', click: 'Change rota' }, '[role=dialog] .layer'],
  ['the care team', { path: '/teams' }, '.team-beds'],
  ['the channels', { path: '/channels', role: 'operator' }, '.channel'],
  ['a channel’s policy', { path: '/channels', role: 'operator', click: 'What it may say' }, '[role=dialog] .levels'],
  ['how I am told', { path: '/me' }, '.contact'],
  ['how I sign in', { path: '/my-sign-in', role: 'nurse' }, 'text=codes from an app'],
  ['where I am signed in', { path: '/my-access', role: 'nurse' }, '.access-list'],
  ['a new key', { path: '/my-access', role: 'nurse', click: 'Make a key' }, '[role=dialog] .scope-choice'],
  ['the service accounts', { path: '/apps', role: 'admin' }, '.client-table'],
  [
    'a new service account',
    { path: '/apps', role: 'admin', click: 'Make a service account' },
    '[role=dialog] textarea',
  ],
  ['everybody’s keys', { path: '/apps', role: 'security', click: 'Keys of people' }, 'text=Nightly export'],
  ['consents', { path: '/consents', role: 'privacy-officer' }, '.consent-table'],
  [
    'consents of one, on a phone',
    { path: '/consents', role: 'privacy-officer', width: 390, height: 844, click: 'P13' },
    '.consent-list',
  ],
  ['the runs', { path: '/executions', role: 'operator' }, '.table'],
  ['a run', { path: '/executions/escalation%3AA1', role: 'operator' }, '.events'],
  ['health', { path: '/status', role: 'operator' }, '.checks'],
  ['the menu of pages', { path: '/users', role: 'admin', click: 'More' }, '[role=menuitem]'],
  [
    'the menu of a nurse, on a phone',
    { path: '/alarms', role: 'nurse', width: 390, height: 844, click: 'More' },
    '[role=menuitem]',
  ],
  ['the menu of who is signed in', { path: '/me', role: 'nurse', click: 'Menu of' }, '[role=menuitem]'],
  ['the help', { path: '/alarms', from: '.ladder', key: '?' }, '.help'],
  ['the patients', { path: '/patients' }, 'text=Mehta'],
  ['the devices', { path: '/devices', role: 'operator' }, 'text=implausible-value'],
  [
    'the certificates of a device',
    { path: '/devices', role: 'operator', click: 'Certificates of D1' },
    '[role=dialog] .serial',
  ],
  ['the accounts', { path: '/users', role: 'admin' }, 'text=Kim Larsen'],
  [
    'wards and beds on a phone',
    { path: '/users', role: 'admin', width: 390, height: 844, click: 'Wards and beds' },
    'text=Nephrology',
  ],
  ['why they can see', { path: '/why', role: 'privacy-officer' }, '.policies'],
  ['emergencies to review', { path: '/emergencies', role: 'privacy-officer' }, '.emergency-reason'],
  ['a review', { path: '/emergencies', role: 'privacy-officer', click: 'Review it' }, '[role=dialog] textarea'],
  ['an emergency', { path: '/patients', click: 'Emergency in another ward' }, '[role=dialog] textarea'],
  ['the audit', { path: '/audit', role: 'privacy-officer' }, '.chain-badge[data-state="intact"]'],
  ['the audit on a phone', { path: '/audit', role: 'security', width: 390, height: 844 }, '.entry-button'],
  ['an entry of the audit', { path: '/audit', role: 'security', click: 'Open entry' }, '[role=dialog] .fine'],
  ['the audit’s chain', { path: '/audit', role: 'security', click: 'Chain verified' }, '[role=dialog] .heads'],
  ['security', { path: '/security', role: 'security' }, '.finds'],
  ['security on a phone', { path: '/security', role: 'privacy-officer', width: 390, height: 844 }, '.finds'],
  ['closing a security alert', { path: '/security', role: 'security', click: 'Close it' }, '[role=dialog] textarea'],
  ['the keys', { path: '/keys', role: 'security' }, 'text=kek-3'],
] as const;

/** Of one role after the other; the app is loaded once for each, and what comes next is gone to as by a link. */
const BY_ROLE = PAGES.map(([title, steps, ready]): [string, Steps, string] => [title, steps, ready]).toSorted(
  ([, a], [, b]) => roleOf(a).localeCompare(roleOf(b)),
);

interface Steps {
  readonly path: string;
  readonly role?: MockRole | undefined;
  readonly width?: number;
  readonly height?: number;
  /** What must be there before the key is pressed. */
  readonly from?: string;
  readonly key?: string;
  readonly click?: string;
}

function roleOf(steps: Steps): string {
  return 'role' in steps ? (steps.role ?? '') : 'physician';
}

let opened: { readonly role: string; readonly app: OpenPage } | undefined;

/** The app as this role sees it, at that address, with nothing open in it. */
async function goTo(chromium: Browser, steps: Steps): Promise<OpenPage> {
  const role = roleOf(steps);
  if (opened?.role !== role) {
    await opened?.app.close();
    opened = undefined;
    const app = await openPage(chromium, {
      ...SIZE,
      beds: 40,
      // What fades in is there at once.
      reducedMotion: true,
      ...steps,
      prepare: ({ ward }) => ward.showEverything(Date.now()),
    });
    opened = { role, app };
    return app;
  }
  const { page } = opened.app;
  while ((await page.locator(OVER_THE_PAGE).count()) > 0) {
    const over = page.locator(OVER_THE_PAGE).last();
    await page.keyboard.press('Escape');
    await over.waitFor({ state: 'detached' });
  }
  await page.setViewportSize({ width: steps.width ?? SIZE.width, height: steps.height ?? SIZE.height });
  await page.evaluate((to) => history.pushState(null, '', to), steps.path);
  return opened.app;
}

const SIZE = { width: 1440, height: 900 } as const;
const OVER_THE_PAGE = '[role=dialog], [role=menu]';

describe.each(BY_ROLE)('%s', (_, steps, ready) => {
  it('check 13: breaks no rule that axe knows, nothing of the content security policy, and asks nobody outside', async (context) => {
    if (browser === undefined) return context.skip();
    // Whatever state it is in, it is not the next one's.
    context.onTestFailed(() => {
      opened = undefined;
    });
    const { page, complaints } = await goTo(browser, steps);
    if (steps.from !== undefined) await page.waitForSelector(steps.from);
    if (steps.key !== undefined) await page.keyboard.press(steps.key);
    if (steps.click !== undefined) await page.getByRole('button', { name: steps.click }).first().click();
    await page.waitForSelector(ready);
    await page.waitForFunction(() => document.querySelector('.skeletons') === null);
    expect(await violationsOf(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

async function violationsOf(page: Page): Promise<readonly string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source);
  return page.evaluate(async () => {
    interface Violation {
      id: string;
      nodes: { html: string }[];
    }
    const { axe } = window as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } };
    // Only what is broken is described: to name every element that is not takes most of the time.
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
  });
}

describe('signing in', () => {
  it('refuses a wrong password in words and takes the right one', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, { role: undefined, path: '/' });
    await page.getByLabel('Name').fill('nurse');
    await page.getByLabel('Password', { exact: true }).or(page.locator('input[name=password]')).first().fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Name or password is wrong.').waitFor();
    await page.locator('input[name=password]').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForSelector(tileOf('P1'));
    await page.getByRole('button', { name: /^Menu of/ }).click();
    await page.getByText('Sign out').click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await close();
  });

  it('asks again when the session ends, without losing what was being typed, and the alarm stays', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, {
      path: '/patients/P13',
      prepare: ({ ward }) => ward.raiseHeartRate('P13', Date.now()),
    });
    await page.waitForSelector('.alarm-bar[data-look="high"]');
    await page.keyboard.press('t');
    await page.getByLabel('HR above', { exact: true }).first().fill('150');
    await page.getByLabel('Reason', { exact: false }).first().fill('Athlete at rest');
    mock.expire();
    await page.getByText('Your session has ended').waitFor();
    expect(await page.locator('.alarm-bar[data-look="high"]').count()).toBe(1);
    await page.locator('input[name=password]').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Your session has ended').waitFor({ state: 'detached' });
    expect(await page.getByLabel('Reason', { exact: false }).first().inputValue()).toBe('Athlete at rest');
    await page.locator('.feed-live').waitFor();
    await close();
  });
});

describe('a patient’s page', () => {
  it('says plainly that NEWS2 is not for somebody under 16', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, {
      path: '/patients/P3',
      prepare: ({ ward }) => ward.setYoung('P3'),
    });
    await page.getByText('Not applicable: under 16 years.').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('w');
    await page
      .locator(`${tileOf('P3')} .value-news .figure`)
      .filter({ hasText: /^n\/a$/ })
      .waitFor();
    await close();
  });

  it('names what is missing from NEWS2 and draws a trend for each vital', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, { path: '/patients/P13', width: 1440, height: 900 });
    await page.getByText('Partial: 1 of 7 missing').waitFor();
    await page.getByText('never measured').waitFor();
    expect(await page.locator('.chart canvas').count()).toBe(5);
    await close();
  });
});
