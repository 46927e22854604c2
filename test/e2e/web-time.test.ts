import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { buildWeb, openPage } from './web-page.ts';

let browser: Browser | undefined;
beforeAll(async () => {
  buildWeb();
  browser = await openBrowser();
});
afterAll(() => browser?.close());

describe('check 15: time', () => {
  it('draws a gap as a gap: no ink of the line across it, and the words', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, { path: '/patients/P13', width: 1440, height: 900 });
    await page.waitForSelector('.chart canvas');
    // From 42 % to 50 % of the hour the mock's device was off.
    await expect.poll(() => greenColumns(page, 0.44, 0.48)).toBe(0);
    expect(await greenColumns(page, 0.2, 0.24)).toBeGreaterThan(10);
    expect(await greenColumns(page, 0.6, 0.64)).toBeGreaterThan(10);
    await close();
  });

  it('keeps times in order through the night the clocks change, and says in which zone they are', async (context) => {
    if (browser === undefined) return context.skip();
    // 25 October 2026, 01:00 UTC: in Berlin 03:00 becomes 02:00 again.
    const mockAt = Date.parse('2026-10-25T01:20:00Z');
    const cause = { vital: 'heartRate', value: 165, comparison: 'above', limit: 160, text: 'HR 165 > 160' } as const;
    let [summer, winter] = ['', ''];
    const { page, close } = await openPage(browser, {
      path: '/alarms',
      timeZone: 'Europe/Berlin',
      prepare({ ward, setClockAhead }) {
        setClockAhead(mockAt - Date.now());
        const raise = (at: string, patient: string) =>
          ward.raise(patient, { kind: 'physiological', priority: 'high', cause }, Date.parse(at)).id;
        summer = raise('2026-10-25T00:50:00Z', 'P1');
        winter = raise('2026-10-25T01:10:00Z', 'P2');
      },
    });
    await page.waitForSelector('.work-row');
    // 02:50 summer time came before 02:10 winter time, and waits longer.
    const rows = await page
      .locator('.work-row')
      .evaluateAll((all) =>
        all.map((row) => [(row as HTMLElement).dataset['alarm'], row.querySelector('.work-age')?.textContent]),
      );
    expect(rows.map(([id]) => id)).toEqual([summer, winter]);
    expect(rows.map(([, age]) => age?.split(':')[0])).toEqual(['30', '10']);
    await expect.poll(() => page.locator('.clock').textContent()).toMatch(/02:2\d:\d\d (CET|GMT\+1)/);
    await close();
  });

  it('is the house’s on a screen set to another zone, which it names; what is typed there is the house’s too', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, {
      path: '/audit',
      role: 'privacy-officer',
      timeZone: 'America/New_York',
      houseZone: 'Europe/Berlin',
      width: 1440,
      height: 900,
    });
    const time = page.locator('.audit tbody time').first();
    const at = (await time.getAttribute('datetime')) ?? '';
    const berlin = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', timeStyle: 'medium' });
    expect(await time.textContent()).toContain(`${berlin.format(Date.parse(at))} CE`);
    expect(await time.getAttribute('title')).toBe(at);
    await page.getByLabel('From (CE').fill('2026-07-01T14:05');
    await page.getByLabel('From (CEST)').waitFor();
    const asked = page.waitForRequest((request) => request.url().includes('from='));
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    expect(new URL((await asked).url()).searchParams.get('from')).toBe('2026-07-01T12:05:00.000Z');
    expect(mock.requests.length).toBeGreaterThan(0);
    await close();
  });

  it('warns of 3 s of clock skew, and judges ages by the server’s clock all the same', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, { prepare: (mock) => mock.setClockAhead(-3_000) });
    await page.getByText('This screen’s clock is 3 s ahead').waitFor();
    expect(await page.locator('.figure[data-freshness="stale"]').count()).toBe(0);
    await close();
  });
});

/** Pixel columns of the heart rate's chart with its green in them, between two parts of the hour. */
function greenColumns(page: Page, from: number, to: number): Promise<number> {
  return page.evaluate(
    ([start, end]) => {
      const canvas = document.querySelector<HTMLCanvasElement>('.chart canvas');
      const over = document.querySelector<HTMLElement>('.chart .u-over');
      const pen = canvas?.getContext('2d');
      if (canvas === null || canvas === undefined || over === null || pen === null || pen === undefined) return -1;
      const ratio = canvas.width / canvas.clientWidth;
      const left = (over.offsetLeft + over.clientWidth * start) * ratio;
      const width = Math.floor(over.clientWidth * (end - start) * ratio);
      const top = over.offsetTop * ratio;
      const height = Math.floor(over.clientHeight * ratio);
      const { data } = pen.getImageData(left, top, width, height);
      let columns = 0;
      for (let x = 0; x < width; x += 1)
        for (let y = 0; y < height; y += 1) {
          const at = 4 * (y * width + x);
          if ((data[at + 1] ?? 0) > 150 && (data[at] ?? 0) < 120 && (data[at + 2] ?? 0) < 150) {
            columns += 1;
            break;
          }
        }
      return columns;
    },
    [from, to] as const,
  );
}
