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

const PLACES = { high: 'P1', medium: 'P2', low: 'P3', technical: 'P4', none: 'P5' } as const;

describe.each(['achromatopsia', 'deuteranopia'] as const)('check 8: five alarms seen with %s', (type) => {
  it('differ in signs that need no colour, and weigh as they rank', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, {
      beds: 12,
      // The flash itself is off for half the time: what must be told apart must be so in both halves.
      reducedMotion: true,
      prepare: ({ ward }) => {
        const cause = {
          vital: 'respiratoryRate',
          value: 27,
          comparison: 'above',
          limit: 25,
          text: 'RR 27 > 25',
        } as const;
        for (const priority of ['high', 'medium', 'low'] as const)
          ward.raise(PLACES[priority], { kind: 'physiological', priority, cause }, Date.now());
        ward.raise(PLACES.technical, { kind: 'technical', priority: 'low', cause: { text: 'NO DATA' } }, Date.now());
      },
    });
    await page.waitForSelector(`${tileOf(PLACES.high)}[data-look="high"]`);
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Emulation.setEmulatedVisionDeficiency', { type });
    const signs: string[] = [];
    const weights: number[] = [];
    for (const patientId of Object.values(PLACES)) {
      signs.push(await signsOf(page, patientId));
      weights.push(await lightOf(page, patientId));
    }
    expect(new Set(signs).size).toBe(5);
    // More light the more urgent: the white frame and inverted header make up for a red that is dark to these eyes.
    expect(weights).toEqual(weights.toSorted((a, b) => b - a));
    const [high = 0, medium = 0, , , none = 0] = weights;
    expect(high).toBeGreaterThan(medium * 1.05);
    expect(medium).toBeGreaterThan(none * 1.1);
    // With it the eye goes.
    await cdp.detach();
    await close();
  });
});

/** Stars, symbol, and the shape of the frame. */
function signsOf(page: Page, patientId: string): Promise<string> {
  return page.locator(tileOf(patientId)).evaluate((tile) => {
    const body = getComputedStyle(tile.querySelector('.tile-body') as Element);
    const flash = getComputedStyle(tile.querySelector('.tile-flash') as Element);
    const stars = tile.querySelector('.tile-alarm')?.textContent?.split(' ')[0] ?? '';
    const symbol = tile.querySelector('.tile-symbol')?.textContent ?? '';
    return [stars, symbol, body.borderStyle, body.borderWidth, flash.borderWidth].join(' ');
  });
}

/** Mean luma of the tile as that eye sees it, from the pixels of a screenshot. */
async function lightOf(page: Page, patientId: string): Promise<number> {
  const png = (await page.locator(tileOf(patientId)).screenshot()).toString('base64');
  return page.evaluate(async (data) => {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const pen = canvas.getContext('2d');
    if (pen === null) throw new Error('no canvas');
    pen.drawImage(image, 0, 0);
    const { data: pixels } = pen.getImageData(0, 0, image.width, image.height);
    let sum = 0;
    for (let i = 0; i < pixels.length; i += 4)
      sum += 0.2126 * (pixels[i] ?? 0) + 0.7152 * (pixels[i + 1] ?? 0) + 0.0722 * (pixels[i + 2] ?? 0);
    return sum / (pixels.length / 4);
  }, png);
}

describe('check 14 in small: a wall of 200 beds', () => {
  it('keeps its heap and its page as they are through the updates of a quarter of an hour', {
    timeout: 900_000,
  }, async (context) => {
    if (browser === undefined) return context.skip();
    // Twelve hours at one a second, run shorter: as many updates as a quarter of an hour brings, as fast as they go.
    const { page, mock, close } = await openPage(browser, {
      beds: 200,
      prepare: ({ ward }) => ward.showEverything(Date.now()),
    });
    await page.waitForSelector('.tile .figure[data-freshness="live"]');
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('HeapProfiler.enable');
    const measure = async () => {
      await cdp.send('HeapProfiler.collectGarbage');
      const { usedSize } = await cdp.send('Runtime.getHeapUsage');
      return { heap: usedSize, nodes: await page.evaluate(() => document.querySelectorAll('*').length) };
    };
    let heartRate = 100;
    /** A minute's worth, and until the page has come to its end: on a busy machine it would pile up before the page. */
    const aMinute = async () => {
      await mock.hurry(59);
      heartRate += 1;
      mock.ward.fix('P1', { heartRate });
      await mock.hurry(1);
      await page
        .locator(`${tileOf('P1')} .value-hr .figure`, { hasText: String(heartRate) })
        .waitFor({ timeout: 300_000 });
    };
    for (let minute = 0; minute < 5; minute += 1) await aMinute();
    const before = await measure();
    for (let minute = 0; minute < 10; minute += 1) await aMinute();
    const after = await measure();
    process.stdout.write(`heap ${before.heap} → ${after.heap} bytes, ${before.nodes} → ${after.nodes} elements\n`);
    expect(after.nodes).toBe(before.nodes);
    // On a processor a quarter as fast what comes is still shown; how fluently, the bench of the wall measures.
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    mock.ward.raiseHeartRate('P2', Date.now(), 171);
    await page
      .locator(`${tileOf('P2')}[data-look="high"] .tile-alarm`, { hasText: 'HR 171' })
      .waitFor({ timeout: 300_000 });
    await page.locator('.feed-live').waitFor({ timeout: 300_000 });
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: 1 });
    // The sparklines of 200 beds still fill up to their quarter of an hour; a leak of tiles or events would be tenfold.
    expect(after.heap).toBeLessThan(before.heap * 1.25);
    await close();
  });
});
