import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { buildWeb, openPage } from './web-page.ts';

let browser: Browser | undefined;
beforeAll(async () => {
  buildWeb();
  browser = await openBrowser();
});
afterAll(() => browser?.close());

const BIG = { width: 1440, height: 900 } as const;

describe('limits of a patient', () => {
  it('are changed with a reason, and what is wrong stands at its field', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/patients/P13', ...BIG });
    await page.waitForSelector('.cards');
    await page.keyboard.press('t');
    const field = page.getByLabel('HR above', { exact: true }).first();
    await field.fill('345');
    await page.getByText('between 0 and 350 /min').waitFor();
    expect(await page.getByRole('button', { name: /^Save limits/ }).isDisabled()).toBe(true);
    await field.fill('150');
    await page.getByText('between 0 and 350 /min').waitFor({ state: 'detached' });
    await page.getByLabel('Reason', { exact: false }).first().fill('Known tachycardia');
    await page.getByRole('button', { name: 'Save limits', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(mock.requests.filter((request) => request === 'PUT /api/patients/P13/rules')).toHaveLength(1);
    await close();
  });

  it('say when a second person is needed, and hold for a limited time where one says so', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/patients/P13', ...BIG });
    await page.waitForSelector('.cards');
    await page.keyboard.press('t');
    await page.getByLabel('HR above', { exact: true }).first().fill('180');
    await page.getByText('A second person is needed.').waitFor();
    await page.getByLabel('Reason', { exact: false }).first().fill('Pacing until noon');
    await page.getByRole('combobox', { name: 'For how long' }).click();
    await page.getByRole('option', { name: '8 hours' }).click();
    await page.getByRole('button', { name: 'Save limits', exact: true }).click();
    // The dialog stays: one that closed would look as if the new limit held.
    await page.getByText('Saved, but not in force yet: a second person has to confirm it.').waitFor();
    await page.getByRole('button', { name: 'Take it back' }).waitFor();
    expect(mock.requests).toContain('POST /api/patients/P13/rules/overrides');
    expect(mock.requests.filter((request) => request.startsWith('PUT'))).toEqual([]);
    await close();
  });
});

describe('what waits for a second person', () => {
  it('is seen in the bar of every page by whom may decide, and decided on a page of its own', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/wall', role: 'charge-nurse', ...BIG });
    await page.getByRole('banner').getByRole('link', { name: '1 to approve' }).click();
    await page.locator('.second-person').getByText('SpO₂ < 85 becomes SpO₂ < 80').first().waitFor();
    await page.getByRole('link', { name: /Mehta|Okafor|Lindqvist|Haddad|Nowak|Silva|Ito|Feather/ }).waitFor();
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByText('Nothing waits for you.').waitFor();
    await page.getByRole('link', { name: '1 to approve' }).waitFor({ state: 'detached' });
    expect(mock.requests).toContain('POST /api/rule-proposals/p1/confirm');
    await close();
  });

  it('does not concern a nurse', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/approvals', role: 'nurse', ...BIG });
    await page.getByText('You may not see this.').waitFor();
    await page.goto(`${mock.url}/wall`);
    await page.locator('.tile').first().waitFor();
    expect(await page.getByRole('link', { name: /to approve/ }).count()).toBe(0);
    await close();
  });
});

describe('the alarm-burden preview', () => {
  it('comes by itself before a change is saved: alarms per patient-day, and what would be missed or told later', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/patients/P13', ...BIG });
    await page.waitForSelector('.cards');
    await page.keyboard.press('t');
    await page.getByLabel('HR above', { exact: true }).first().fill('180');
    await page.getByRole('button', { name: 'Save limits without waiting for the preview' }).waitFor();
    await page.getByText('⚠ 2 sustained events would no longer ring; 3 would ring later, by up to 22 s.').waitFor();
    const main = page.locator('.burden-table tr[data-main]');
    expect((await main.innerText()).split(/\s*\t\s*/)).toEqual(['Alarms per patient-day', '14.2', '8.1', '−43 %']);
    await page.getByRole('button', { name: 'Save limits', exact: true }).waitFor();
    // Another value is another question.
    await page.getByLabel('HR above', { exact: true }).first().fill('150');
    await page.getByText('✓ None of 21 sustained events would be missed or told later.').waitFor();
    expect(mock.requests.filter((request) => request === 'POST /api/rules/preview')).toHaveLength(2);
    expect(mock.requests.some((request) => request.startsWith('PUT'))).toBe(false);
    await close();
  });
});

describe('the rules of a ward', () => {
  it('are added, each kind with its own fields, and taken away again', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/rules', ...BIG });
    for (const [kind, words] of [
      ['Change', 'HR rises by 30 /min within 10 min'],
      ['Repeated', 'SpO₂ < 85 %, for 15 s: the third time within 60 min'],
      ['Combination', '2 of: RR > 21; BP systolic < 101; consciousness C or V or P or U'],
    ] as const) {
      await page.getByRole('button', { name: 'Add a rule' }).click();
      await page.getByRole('menuitem', { name: kind }).click();
      await page.getByText(words, { exact: true }).first().waitFor();
    }
    await page.getByLabel('Reason', { exact: false }).first().fill('As agreed in the ward');
    await page.getByRole('button', { name: 'Save rules', exact: true }).click();
    await page.getByText('ward v2, Dr Ama Osei').first().waitFor();
    expect(mock.requests.filter((request) => request === 'PUT /api/wards/icu/rules')).toHaveLength(1);
    const row = page.getByRole('region', { name: 'HR rises by 30 /min within 10 min' });
    await row.getByRole('button', { name: 'Take away' }).click();
    await row.getByText('to be taken away').waitFor();
    await close();
  });
});

describe('the rota', () => {
  it('shows who is on call, where nobody is, and lets somebody stand in', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/rota', ...BIG });
    await page.getByText('⚠ Nobody on call').waitFor();
    await page.locator('.week-span[data-by="nobody"]').first().waitFor();
    await page.locator('.week-span[data-by="nobody"] button').first().click();
    await page.getByRole('combobox', { name: 'Who stands in' }).click();
    await page.getByRole('option', { name: 'Kim Larsen' }).click();
    await page.getByLabel('Reason').fill('Second doctor is away');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(mock.requests).toContain('POST /api/rotas/doctors/overrides');
    await close();
  });

  it('checks a change for gaps before it is saved', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/rota', ...BIG });
    await page.getByRole('button', { name: 'Change rota' }).click();
    await page.getByLabel('Reason', { exact: false }).fill('Spring plan');
    await page.getByRole('button', { name: 'Check for gaps' }).click();
    await page.getByRole('dialog').getByText('Nobody on call').waitFor();
    expect(mock.requests.some((request) => request.startsWith('PUT'))).toBe(false);
    await close();
  });
});

describe('channels', () => {
  it('send a test and say what became of it', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, { path: '/channels', role: 'operator', ...BIG });
    const mail = page.locator('.channel').filter({ hasText: 'mail' }).first();
    await mail.getByRole('button', { name: 'Send a test to me' }).click();
    await mail.getByText('✓ Delivered in 143 ms (r-17)').waitFor();
    const sms = page.locator('.channel').filter({ hasText: 'sms' }).first();
    await sms.getByText('7 failed in a row').waitFor();
    await sms.getByRole('button', { name: 'Send a test to me' }).click();
    await sms.getByText('HTTP 503. An alarm would be tried again.').waitFor();
    await close();
  });

  it('say more only by a new policy with its reason, shown in its own words, and no name unless confidential', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, { path: '/channels', role: 'operator', ...BIG });
    const mail = page.locator('.channel').filter({ hasText: 'mail' }).first();
    await mail.getByRole('button', { name: 'What it may say' }).click();
    const rich = page.getByRole('radio', { name: 'also the name, and a chart' });
    expect(await rich.isDisabled()).toBe(true);
    await page.getByText('“High alarm at bed W3-01: HR 167 > 160, 01:02.”').waitFor();
    await page.getByRole('radio', { name: 'also value and limit' }).check();
    await page.getByLabel('Reason').fill('Doctors asked for it');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await mail.getByText('also value and limit').waitFor();
    await mail.getByText('version 1').waitFor();
    await close();
  });
});

describe('how I am told', () => {
  it('proves an address by the code that was sent there, and refuses another', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, { path: '/me', ...BIG });
    await page.getByRole('button', { name: 'Send a code there' }).click();
    const code = page.getByLabel('Code sent to +4930123456');
    await code.fill('000000');
    await page.getByRole('button', { name: 'Prove' }).click();
    await page.getByText('That is not the code.').waitFor();
    await code.fill('123456');
    await page.getByRole('button', { name: 'Prove' }).click();
    await expect.poll(() => page.getByText('✓ proved').count()).toBe(2);
    await close();
  });
});

describe('runs of the workflow engine', () => {
  it('are read step by step', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, {
      path: '/executions',
      role: 'operator',
      prepare: ({ ward }) => ward.raiseHeartRate('P3', Date.now() - 60_000),
      ...BIG,
    });
    await page.locator('main').getByRole('link', { name: 'escalation' }).first().click();
    await page.getByText('TaskStateEntered').first().waitFor();
    await page.getByText('now in WaitForAnswer').waitFor();
    await page.getByText('Event 2: input').click();
    await page.locator('.events .payload').filter({ hasText: '"alarmId": "A1"', visible: true }).first().waitFor();
    expect(mock.requests).toContain('GET /api/workflows/executions/escalation%3AA1');
    await close();
  });
});

describe('health', () => {
  it('shows what lags, what is not delivered and what the installation itself complains of', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, {
      path: '/status',
      role: 'operator',
      prepare: ({ house }) =>
        house.raiseSystem({
          id: 'channel.sms.failing',
          rule: 'channel.failing',
          priority: 'medium',
          text: 'sms does not deliver',
          state: 'active',
          raisedAt: new Date().toISOString(),
        }),
      ...BIG,
    });
    await page.getByText('sms does not deliver').first().waitFor();
    await page.getByText('12 readings').waitFor();
    await page.getByText('7 failed in a row').waitFor();
    await page.locator('.state[data-state="degraded"]').waitFor();
    await close();
  });
});
