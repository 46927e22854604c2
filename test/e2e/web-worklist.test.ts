import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { buildWeb, openPage, tileOf } from './web-page.ts';

let browser: Browser | undefined;
beforeAll(async () => {
  buildWeb();
  browser = await openBrowser();
});
afterAll(() => browser?.close());

const RR = { vital: 'respiratoryRate', value: 27, comparison: 'above', limit: 25, text: 'RR 27 > 25' } as const;
const rowOf = (page: Page, id: string) => page.locator(`.work-row[data-alarm="${id}"]`);
const order = (page: Page) =>
  page.locator('.work-row').evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset['alarm']));
const focusedRow = (page: Page) =>
  page.evaluate(() => document.activeElement?.closest<HTMLElement>('.work-row')?.dataset['alarm']);

describe('the worklist', () => {
  it('check 5: an alarm acknowledged on one screen shows its owner on all, and calls again when the acknowledgement runs out', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse', path: '/alarms' });
    const wall = await openPage(browser, { mock, path: '/wall' });
    await wall.page.waitForSelector(tileOf('P3'));
    const { id } = mock.ward.raiseHeartRate('P3', Date.now());
    await rowOf(page, id).getByRole('button', { name: 'Acknowledge' }).click();
    const tile = wall.page.locator(tileOf('P3'));
    await tile.and(wall.page.locator('[data-call="taken"]')).waitFor();
    expect(await tile.locator('.tile-note').textContent()).toBe('✓ Nurse Kim Larsen');
    await rowOf(page, id).getByText('acknowledgement runs out in').waitFor();
    mock.ward.expireAcknowledgement(id);
    await tile.and(wall.page.locator('[data-call="calling"]')).waitFor();
    await wall.page
      .locator('[aria-live="assertive"]')
      .filter({ hasText: 'Bed ICU-03: high alarm, HR 165 above 160' })
      .waitFor({ state: 'attached' });
    // Its ladder runs again, with a countdown to who is told next.
    await rowOf(page, id)
      .locator('.ladder[data-state="running"] .ladder-next')
      .filter({ hasText: /^in \d+:\d\d$/ })
      .waitFor();
    await wall.close();
    await close();
  });

  it('stands in the order in which alarms want somebody, and says who was told and whether it reached them', async (context) => {
    if (browser === undefined) return context.skip();
    const now = Date.now();
    const { page, mock, close } = await openPage(browser, { path: '/alarms' });
    await page.getByText(/^No open alarms — feed live \d+ s ago$/).waitFor();
    const physiological = { kind: 'physiological', cause: RR } as const;
    const low = mock.ward.raise('P1', { ...physiological, priority: 'low' }, now - 60_000).id;
    const medium = mock.ward.raise('P2', { ...physiological, priority: 'medium' }, now - 660_000).id;
    const young = mock.ward.raiseHeartRate('P3', now - 5_000).id;
    const old = mock.ward.raiseHeartRate('P4', now - 50_000).id;
    const taken = mock.ward.raiseHeartRate('P5', now - 500_000).id;
    mock.ward.acknowledge(taken, 'Nurse Kim Larsen', now - 400_000);
    await expect.poll(() => order(page)).toEqual([old, young, medium, low, taken]);
    const ladder = rowOf(page, medium).locator('.ladder');
    await ladder.getByText('Nurse', { exact: false }).first().waitFor();
    expect((await ladder.innerText()).replaceAll(/\s+/g, ' ')).toMatch(
      /● Nurse ✓✓ read ● Charge nurse, doctor ✓ delivered ○ On call in [34]:\d\d ○ Everyone/,
    );
    await close();
  });

  it('check 10: by keyboard alone finds, acknowledges, snoozes, notes and escalates', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse' });
    await page.waitForSelector(tileOf('P3'));
    const first = mock.ward.raiseHeartRate('P3', Date.now() - 60_000).id;
    const second = mock.ward.raiseHeartRate('P4', Date.now() - 30_000).id;
    await page.waitForSelector(`${tileOf('P4')}[data-call="calling"]`);
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.waitForSelector('.work-row');
    await page.keyboard.press('j');
    expect(await focusedRow(page)).toBe(first);
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    expect(await focusedRow(page)).toBe(first);
    await page.keyboard.press('m');
    await page.getByLabel('Note', { exact: true }).fill('Patient is walking');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await rowOf(page, first).getByText('Note (1)').waitFor();
    expect(await focusedRow(page)).toBe(first);
    await page.keyboard.press('e');
    await page.getByRole('dialog').getByText('Dr Ama Osei').waitFor();
    await page.keyboard.press('Tab');
    await page.getByRole('button', { name: 'Tell the next people now' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await rowOf(page, first).locator('.ladder li[data-step="told"]').nth(1).waitFor();
    await page.keyboard.press('z');
    await page.getByRole('dialog').getByRole('button', { name: '5 min', exact: false }).first().waitFor();
    await page.keyboard.press('1');
    await rowOf(page, first).getByText('snoozed by Nurse Kim Larsen').waitFor();
    // Less urgent now, but what the keyboard is on keeps its place and the focus.
    expect(await focusedRow(page)).toBe(first);
    await page.keyboard.press('a');
    await rowOf(page, first).and(page.locator('[data-call="taken"]')).waitFor();
    await page.keyboard.press('j');
    expect(await focusedRow(page)).toBe(second);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/alarms/${second}`);
    await page.getByText('Who was told').waitFor();
    await close();
  });

  it('check 10: never loses the focus: what one is on keeps its place while others come, and what goes leaves it to the next', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse', path: '/alarms' });
    const ids = ['P1', 'P2', 'P3'].map(
      (patient, i) =>
        mock.ward.raise(patient, { kind: 'physiological', priority: 'low', cause: RR }, Date.now() - (3 - i) * 60_000)
          .id,
    );
    await page.waitForSelector('.work-row');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    expect(await focusedRow(page)).toBe(ids[1]);
    const before = await rowOf(page, ids[1] ?? '').boundingBox();
    const high = mock.ward.raiseHeartRate('P9', Date.now()).id;
    await rowOf(page, high).waitFor();
    await page.waitForTimeout(300);
    expect(await focusedRow(page)).toBe(ids[1]);
    expect((await order(page)).indexOf(ids[1])).toBe(1);
    expect(Math.abs(((await rowOf(page, ids[1] ?? '').boundingBox())?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(40);
    // So while a dialog about it is open: nothing has moved when the dialog closes.
    await page.keyboard.press('m');
    await page.getByRole('dialog').waitFor();
    const higher = mock.ward.raiseHeartRate('P8', Date.now()).id;
    await rowOf(page, higher).waitFor({ state: 'attached' });
    expect((await order(page)).indexOf(ids[1])).toBe(1);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focusedRow(page)).toBe(ids[1]);
    expect((await order(page)).indexOf(ids[1])).toBe(1);
    // Over and taken by somebody else: its row goes, the focus stays in the list.
    mock.ward.end(ids[1] ?? '', Date.now());
    mock.ward.acknowledge(ids[1] ?? '', 'Somebody', Date.now());
    await rowOf(page, ids[1] ?? '').waitFor({ state: 'detached' });
    expect(await focusedRow(page)).toBeDefined();
    // A key pressed in that moment takes nothing that moved up under it.
    await page.keyboard.press('a');
    expect(mock.requests.filter((request) => request.includes('acknowledge'))).toEqual([]);
    await close();
  });

  it('previews an escalation from where it stands, and not from its beginning', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse', path: '/alarms' });
    // Eleven minutes old: the nurse was told, and charge nurse and doctor.
    const { id } = mock.ward.raiseHeartRate('P3', Date.now() - 660_000);
    await rowOf(page, id).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('e');
    const steps = page.getByRole('dialog').locator('.steps > li');
    await steps.first().waitFor();
    expect(await steps.locator('strong').allTextContents()).toEqual(['On call', 'Everyone']);
    expect(await steps.first().locator('.step-head').textContent()).toContain('now');
    expect(await steps.nth(1).locator('.step-head').textContent()).toMatch(/at \d\d:\d\d/);
    await page.getByRole('dialog').locator('.ladder li[data-step="told"]').nth(1).waitFor();
    await close();
  });

  it('opens nothing for a key whose wish cannot be done, and says why', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse', path: '/alarms' });
    const ended = mock.ward.raiseHeartRate('P3', Date.now() - 60_000).id;
    mock.ward.end(ended, Date.now());
    await rowOf(page, ended).waitFor();
    expect(await rowOf(page, ended).getByRole('button', { name: 'Snooze' }).count()).toBe(0);
    await page.keyboard.press('j');
    await page.keyboard.press('z');
    await page.getByText('It has ended and is quiet').waitFor();
    const taken = mock.ward.raiseHeartRate('P4', Date.now()).id;
    mock.ward.acknowledge(taken, 'Rui Tavares', Date.now());
    await rowOf(page, taken).and(page.locator('[data-call="taken"]')).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('e');
    await page.getByText('Rui Tavares has it: an alarm calls others once it is given back.').waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
    await close();
  });

  it('says who it is where there is no bed, to whom may know, and how often it has called in vain', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse', path: '/alarms' });
    const { id } = mock.ward.raiseHeartRate('P3', Date.now() - 300_000);
    mock.ward.leaveBed(id);
    await rowOf(page, id).getByText('Lindqvist, J. · left ICU-03').waitFor();
    await rowOf(page, id).getByRole('link', { name: 'No bed', exact: true }).waitFor();
    mock.ward.alter(id, 'reminder', { reminders: 2 });
    await rowOf(page, id).getByText('reminded 2×').waitFor();
    await close();
  });

  it('explains its keys, by the pointer too', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse', path: '/alarms' });
    mock.ward.raiseHeartRate('P3', Date.now());
    await page.getByRole('banner').getByRole('button', { name: 'Keys and signs' }).click();
    await page.getByRole('dialog').getByText('On the worklist (this page)').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.locator('.key-line').getByText('snooze').waitFor();
    await close();
  });

  it('acknowledges many at once, but no high one among them', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse', path: '/alarms' });
    const high = mock.ward.raiseHeartRate('P9', Date.now()).id;
    const others = ['P1', 'P2'].map(
      (patient) => mock.ward.raise(patient, { kind: 'physiological', priority: 'medium', cause: RR }, Date.now()).id,
    );
    await page.getByRole('button', { name: 'Mark all but high (2)' }).click();
    expect(await rowOf(page, high).locator('input[type=checkbox]').count()).toBe(0);
    await page.getByRole('button', { name: 'Acknowledge 2' }).click();
    for (const id of others) await rowOf(page, id).and(page.locator('[data-call="taken"]')).waitFor();
    expect(await rowOf(page, high).getAttribute('data-call')).toBe('calling');
    await close();
  });

  it('reverts what failed, says why, and keeps the note', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { role: 'nurse', path: '/alarms' });
    const { id } = mock.ward.raiseHeartRate('P3', Date.now());
    await page.waitForSelector('.work-row');
    mock.routes.failNext('/acknowledge');
    await page.keyboard.press('j');
    await page.keyboard.press('a');
    await page.getByText('Not acknowledged: The database is away.').waitFor();
    expect(await rowOf(page, id).getAttribute('data-call')).toBe('calling');
    mock.routes.failNext('/notes');
    await page.keyboard.press('m');
    await page.getByLabel('Note', { exact: true }).fill('Walking in the corridor');
    await page.getByRole('button', { name: 'Save note' }).click();
    await page.getByRole('dialog').getByText('The database is away.').waitFor();
    expect(await page.getByLabel('Note', { exact: true }).inputValue()).toBe('Walking in the corridor');
    // Closed and opened again: still there.
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('m');
    expect(await page.getByLabel('Note', { exact: true }).inputValue()).toBe('Walking in the corridor');
    await close();
  });

  it('hands out what is over page by page', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, {
      path: '/alarms',
      prepare: ({ ward }) => {
        for (let i = 0; i < 60; i += 1) {
          const { id } = ward.raise(
            'P1',
            { kind: 'physiological', priority: 'low', cause: RR },
            Date.now() - i * 60_000,
          );
          ward.end(id, Date.now());
          ward.acknowledge(id, 'Nurse Kim Larsen', Date.now());
        }
      },
    });
    await page.getByRole('button', { name: 'Over' }).click();
    await expect.poll(() => page.locator('.table tbody tr').count()).toBe(50);
    await page.getByRole('button', { name: 'Earlier ones' }).click();
    await expect.poll(() => page.locator('.table tbody tr').count()).toBe(60);
    await close();
  });
});
