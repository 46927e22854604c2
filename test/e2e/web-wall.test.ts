import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { buildWeb, openPage, pulses, tileOf } from './web-page.ts';

let browser: Browser | undefined;
beforeAll(async () => {
  buildWeb();
  browser = await openBrowser();
});
afterAll(() => browser?.close());

describe('the wall', () => {
  it('check 1: shows a heart rate of 165 as a high alarm within 2 s and announces it', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser);
    await page.waitForSelector(tileOf('P3'));
    mock.ward.raiseHeartRate('P3', Date.now());
    const tile = page.locator(tileOf('P3'));
    await tile.and(page.locator('[data-look="high"][data-call="calling"]')).waitFor({ timeout: 2_000 });
    expect(await tile.locator('.tile-alarm').textContent()).toBe('*** HR 165 > 160');
    await page
      .locator('[aria-live="assertive"]')
      .filter({ hasText: 'Bed ICU-03: high alarm, HR 165 above 160' })
      .waitFor({ state: 'attached', timeout: 2_000 });
    expect(await page.locator('.count[data-look="high"]').textContent()).toContain('1 high');
    await close();
  });

  it('check 2: says within 7 s that the feed is down, keeps the alarm, dims what is old, and comes back by itself', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser);
    await page.waitForSelector(tileOf('P3'));
    mock.ward.raiseHeartRate('P3', Date.now());
    await page.waitForSelector(`${tileOf('P3')}[data-look="high"]`);
    mock.freeze();
    await page.locator('.banner').filter({ hasText: 'CONNECTION LOST' }).waitFor({ timeout: 7_000 });
    const tile = page.locator(tileOf('P3'));
    expect(await tile.getAttribute('data-look')).toBe('high');
    await page.waitForSelector(`${tileOf('P5')} .value-hr .figure[data-freshness="stale"]`);
    await page.waitForSelector(`${tileOf('P5')} .value-hr .figure[data-freshness="lost"]`, { timeout: 32_000 });
    expect(await page.locator(`${tileOf('P5')} .value-hr .figure`).textContent()).toBe('-?-');
    expect(await page.locator(`${tileOf('P5')} .value-news .figure`).textContent()).toBe('-?-');
    expect(await tile.getAttribute('data-look')).toBe('high');
    expect(await tile.locator('.tile-alarm').textContent()).toBe('*** HR 165 > 160');
    mock.thaw();
    await page
      .locator('.banner')
      .filter({ hasText: 'CONNECTION LOST' })
      .waitFor({ state: 'detached', timeout: 20_000 });
    await page.waitForSelector(`${tileOf('P5')} .value-hr .figure[data-freshness="live"]`);
    await close();
  });

  it('check 3: marks one silent device as stale, then lost, while the others stay live', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, {
      prepare: ({ ward }) => ward.stop('P7', Date.now() - 25_000),
    });
    await page.waitForSelector(`${tileOf('P7')} .value-hr .figure[data-freshness="stale"]`);
    expect(await page.locator(`${tileOf('P7')} .tile-age`).textContent()).toMatch(/^\d+ s$/);
    await page.waitForSelector(`${tileOf('P7')}[data-connection="lost"]`, { timeout: 10_000 });
    expect(await page.locator(`${tileOf('P7')} .tile-notice`).textContent()).toMatch(/^! NO DATA 0:3\d$/);
    expect(await page.locator(`${tileOf('P8')}`).getAttribute('data-connection')).toBe('live');
    mock.ward.setConnection('P8', 'leads-off');
    await page.getByText('! LEADS OFF').waitFor();
    await close();
  });

  it('keeps an ended, unacknowledged alarm, marked as over', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser);
    await page.waitForSelector(tileOf('P3'));
    const { id } = mock.ward.raiseHeartRate('P3', Date.now());
    mock.ward.end(id, Date.now());
    await page.waitForSelector(`${tileOf('P3')}[data-look="high"][data-call="latched"]`);
    expect(await page.locator(`${tileOf('P3')} .tile-note`).textContent()).toMatch(/^ended \d+ s$/);
    await close();
  });

  it('check 10: is worked by keyboard alone: next alarm, acknowledge, arrows, open', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, {
      role: 'nurse',
      prepare: ({ ward }) => ward.raiseHeartRate('P12', Date.now()),
    });
    await page.waitForSelector(`${tileOf('P12')}[data-call="calling"]`);
    await page.keyboard.press('n');
    expect(await focusedBed(page)).toBe('P12');
    await page.keyboard.press('a');
    await page.waitForSelector(`${tileOf('P12')}[data-call="taken"]`);
    expect(await page.locator(`${tileOf('P12')} .tile-note`).textContent()).toBe('✓ Nurse Kim Larsen');
    expect(mock.requests.filter((request) => request.includes('acknowledge'))).toHaveLength(1);
    await page.keyboard.press('ArrowRight');
    expect(await focusedBed(page)).toBe('P13');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/patients/P13');
    await page.keyboard.press('g');
    await page.keyboard.press('w');
    await page.waitForURL('**/wall');
    await close();
  });

  it('check 6: tells the second of two people who has the alarm', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser);
    await page.waitForSelector(tileOf('P3'));
    const { id } = mock.ward.raiseHeartRate('P3', Date.now());
    await page.waitForSelector(`${tileOf('P3')}[data-call="calling"]`);
    await page.route('**/acknowledge', async (route) => {
      mock.ward.acknowledge(id, 'Nurse Kim Larsen', Date.now());
      await route.continue();
    });
    await page.locator(`${tileOf('P3')} .tile-take`).click();
    await page.getByText('Not acknowledged: Nurse Kim Larsen has it.').waitFor();
    await page.waitForSelector(`${tileOf('P3')}[data-call="taken"]`);
    await close();
  });

  it('check 10: sorts by priority without moving the bed that has the focus', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser);
    await page.getByLabel('Order').selectOption('priority');
    await page.locator(`${tileOf('P2')} .tile-link`).focus();
    const before = await page.locator(tileOf('P2')).boundingBox();
    mock.ward.raiseHeartRate('P30', Date.now());
    await page.waitForSelector(`${tileOf('P30')}[data-look="high"]`);
    await expect.poll(async () => (await page.locator(tileOf('P30')).boundingBox())?.x).toBeLessThan(20);
    expect(await page.locator(tileOf('P2')).boundingBox()).toEqual(before);
    expect(await focusedBed(page)).toBe('P2');
    await close();
  });

  it('check 9: flashes all alarms of a kind together, never three times a second, and not for those who asked for less', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { prepare: ({ ward }) => ward.showEverything(Date.now()) });
    await page.waitForSelector(`${tileOf('P13')}[data-call="calling"]`);
    await page.waitForTimeout(330);
    mock.ward.raiseHeartRate('P1', Date.now());
    await page.waitForSelector(`${tileOf('P1')}[data-call="calling"]`);
    await page.waitForTimeout(100);
    const flashes = await page.evaluate(() =>
      document
        .getAnimations()
        .filter((one) => one instanceof CSSAnimation && one.animationName.startsWith('flash-'))
        .map((one) => ({ start: one.startTime, ms: Number(one.effect?.getTiming().duration) })),
    );
    expect(flashes.length).toBe(4);
    expect(new Set(flashes.map(({ start }) => start))).toEqual(new Set([0]));
    expect(Math.min(...flashes.map(({ ms }) => ms))).toBe(500);
    await close();
    const calm = await openPage(browser, {
      reducedMotion: true,
      prepare: ({ ward }) => ward.showEverything(Date.now()),
    });
    await calm.page.waitForSelector(`${tileOf('P13')}[data-call="calling"]`);
    expect(await calm.page.evaluate(() => document.getAnimations().length)).toBe(0);
    await calm.close();
  });

  it('check 4: sounds once somebody has clicked, is paused, and sounds again for a new high alarm', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser);
    await page.waitForSelector(tileOf('P3'));
    const cause = { vital: 'respiratoryRate', value: 27, comparison: 'above', limit: 25, text: 'RR 27 > 25' } as const;
    mock.ward.raise('P3', { kind: 'physiological', priority: 'medium', cause }, Date.now());
    await page.getByText('Sound is off until you click').waitFor();
    expect(await pulses(page)).toBe(0);
    await page.getByText('Sound is off until you click').click();
    await expect.poll(() => pulses(page), { timeout: 20_000 }).toBeGreaterThan(0);
    await page.keyboard.press('s');
    await page.getByText(/Sound paused (2:00|1:5\d)/).waitFor();
    const before = await pulses(page);
    mock.ward.raiseHeartRate('P4', Date.now());
    await page.getByText('Pause sound').waitFor();
    // Ten pulses of four harmonics each.
    await expect.poll(() => pulses(page)).toBe(before + 40);
    await close();
  });

  it('check 11: brings no name to a kiosk: neither on the page nor over the network', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, {
      role: 'kiosk',
      prepare: ({ ward }) => ward.showEverything(Date.now()),
    });
    await page.waitForSelector(`${tileOf('P13')}[data-look="high"]`);
    await page.waitForTimeout(1_500);
    expect(await page.content()).not.toMatch(/Mehta|Okafor|Nowak/);
    expect(mock.requests.filter((request) => request.includes('/api/patients'))).toEqual([]);
    expect(await page.getByLabel('Names').count()).toBe(0);
    expect(await page.locator('.tile-take').count()).toBe(0);
    await close();
  });

  it('shows a snoozed alarm as snoozed, silent, and calling again by itself', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse' });
    await page.waitForSelector(tileOf('P3'));
    const { id } = mock.ward.raiseHeartRate('P3', Date.now());
    const until = new Date(Date.now() + 240_000).toISOString();
    mock.ward.alter(id, 'snoozed', { snooze: { until, by: 'Kim Larsen', at: new Date().toISOString() } });
    const tile = page.locator(tileOf('P3'));
    await tile.and(page.locator('[data-call="snoozed"]')).waitFor();
    expect(await tile.locator('.tile-note').textContent()).toMatch(/^zZ (4:00|3:5\d)$/);
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
    mock.ward.endSnooze(id);
    await tile.and(page.locator('[data-call="calling"]')).waitFor();
    await close();
  });

  it('says that nobody can be told, wherever one looks', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse' });
    await page.waitForSelector(tileOf('P3'));
    const alarm = {
      id: 'channels.all.failing',
      rule: 'channels.all.failing',
      priority: 'high',
      text: 'No channel delivers: look after alarms on the screens',
      state: 'active',
      raisedAt: new Date().toISOString(),
    } as const;
    mock.raiseSystem(alarm);
    await page.locator('.system[data-priority="high"]').filter({ hasText: 'No channel delivers' }).waitFor();
    mock.raiseSystem({ ...alarm, state: 'cleared' });
    await page.locator('.system').waitFor({ state: 'detached' });
    await close();
  });

  it('shows names only when asked, and forgets them when not', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse' });
    await page.waitForSelector(tileOf('P1'));
    expect(mock.requests.some((request) => request.includes('/api/patients'))).toBe(false);
    await page.getByLabel('Names').check();
    await page.getByText('Mehta, D.').first().waitFor();
    await page.getByLabel('Names').uncheck();
    expect(await page.content()).not.toContain('Mehta');
    await close();
  });

  it('check 15: warns when the browser’s clock differs from the server’s', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, { prepare: (mock) => mock.setClockAhead(9_000) });
    await page.getByText(/This screen’s clock is \d+ s behind/).waitFor();
    await close();
  });

  it('leaves single keys to the browser when they are switched off, and in inputs', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse' });
    await page.waitForSelector(tileOf('P3'));
    mock.ward.raiseHeartRate('P3', Date.now());
    await page.waitForSelector(`${tileOf('P3')}[data-call="calling"]`);
    await page.keyboard.press('n');
    await page.getByRole('button', { name: /^Menu of/ }).click();
    await page.getByText('Single-key shortcuts on').click();
    await page.keyboard.press('Escape');
    await page.locator(`${tileOf('P3')} .tile-link`).focus();
    await page.keyboard.press('a');
    await page.goto(`${mock.url}/patients`);
    await page.getByLabel('Search patients').fill('a');
    expect(mock.requests.filter((request) => request.includes('acknowledge'))).toEqual([]);
    await close();
  });
});

function focusedBed(page: import('playwright-core').Page): Promise<string | undefined> {
  return page.evaluate(() => document.activeElement?.closest<HTMLElement>('.tile')?.dataset['patient']);
}
