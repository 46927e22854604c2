import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MockServer } from '../../web/dev/mock-server.ts';
import { openBrowser } from './browser.ts';
import { buildWeb, openPage } from './web-page.ts';

const SIZES = [
  [360, 800],
  [768, 1024],
  [1280, 720],
  [1440, 900],
  [1920, 1080],
  [2560, 1440],
  [3840, 2160],
] as const;

let browser: Browser | undefined;
beforeAll(async () => {
  buildWeb();
  browser = await openBrowser();
});
afterAll(() => browser?.close());

describe.each(SIZES)('check 7: the wall at %i × %i with the widest values there can be', (width, height) => {
  it('lets nothing overlap and clips nothing', async (context) => {
    if (browser === undefined) return context.skip();
    wall ??= await openWall(browser);
    await wall.setViewportSize({ width, height });
    // What measures itself does so when the next frame is drawn.
    await expect.poll(() => wall?.evaluate(findFaults)).toEqual([]);
    // The check can fail: the same page with figures much larger does not pass.
    try {
      await wall.evaluate(enlarge, 1.7);
      expect(await wall.evaluate(findFaults)).not.toEqual([]);
    } finally {
      await wall.evaluate(enlarge, 1);
    }
  });
});

/** One screen, made larger. */
let wall: Page | undefined;

async function openWall(chromium: Browser): Promise<Page> {
  const [[width, height]] = SIZES;
  const prepare = ({ ward }: MockServer) => ward.showWorst(Date.now());
  const { page } = await openPage(chromium, { width, height, beds: 40, prepare });
  await page.getByLabel('Names').check();
  await page.waitForSelector('.tile-name');
  return page;
}

/** Runs in the page: figures so many times as large; 1 leaves them to the style sheet again. */
function enlarge(times: number): void {
  for (const figure of document.querySelectorAll<HTMLElement>('.figure')) {
    figure.style.fontSize = '';
    if (times !== 1) figure.style.fontSize = `${Number.parseFloat(getComputedStyle(figure).fontSize) * times}px`;
  }
}

/** Runs in the page. Texts of one tile may not touch each other nor leave the tile; only notes and names may be cut. */
function findFaults(): string[] {
  const faults: string[] = [];
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) faults.push(`the page is ${root.scrollWidth} wide`);
  const PARTS =
    '.figure, .label, .tile-bed, .tile-name, .tile-marks, .tile-age, .tile-symbol, .tile-alarm, .tile-note, .tile-take';
  const inkOf = (element: Element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const box = element.getBoundingClientRect();
    const text = range.getBoundingClientRect();
    // A line's box is taller than its figures; what may be cut counts as far as it is shown.
    const air = text.height * 0.16;
    return { left: text.left, right: Math.min(text.right, box.right), top: text.top + air, bottom: text.bottom - air };
  };
  for (const tile of document.querySelectorAll('.tile')) {
    const bed = tile.querySelector('.tile-bed')?.textContent;
    const frame = tile.getBoundingClientRect();
    const inks = [...tile.querySelectorAll(PARTS)]
      .filter((element) => element.textContent !== '' && getComputedStyle(element).display !== 'none')
      .map((element) => ({ element, name: element.className, ...inkOf(element) }));
    for (const ink of inks) {
      if (ink.left < frame.left || ink.right > frame.right || ink.top < frame.top || ink.bottom > frame.bottom)
        faults.push(`${bed}: ${ink.name} leaves the tile`);
      const mayBeCut = ink.element.matches('.tile-note, .tile-name');
      if (!mayBeCut && ink.element.scrollWidth > ink.element.clientWidth + 1 && ink.element.clientWidth > 0)
        faults.push(`${bed}: ${ink.name} is cut`);
    }
    inks.forEach((a, i) => {
      for (const b of inks.slice(i + 1))
        if (
          !a.element.contains(b.element) &&
          a.left < b.right - 0.5 &&
          b.left < a.right - 0.5 &&
          a.top < b.bottom - 0.5 &&
          b.top < a.bottom - 0.5
        )
          faults.push(`${bed}: ${a.name} "${a.element.textContent}" over ${b.name} "${b.element.textContent}"`);
    });
    const alarm = tile.querySelector('.tile-alarm')?.getBoundingClientRect();
    const strip = tile.querySelector('.tile-strip')?.getBoundingClientRect();
    if (alarm !== undefined && strip !== undefined && alarm.right > strip.right)
      faults.push(`${bed}: the alarm is cut`);
  }
  return faults.slice(0, 10);
}
