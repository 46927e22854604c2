import { encodePng } from './png.ts';
import { blank, type Colour, drawStrokes, fillRectangle, type Point, type Raster } from './raster.ts';
import { writtenStrokes, writtenWidth } from './stroke-font.ts';

/** One vital over some time, as a mail shows it. */
export interface Trend {
  /** What it is and in which unit: `Heart rate /min`. */
  readonly label: string;
  /** In order of time; none may be older than `fromMs` to be shown. */
  readonly points: readonly { readonly atMs: number; readonly value: number }[];
  readonly fromMs: number;
  readonly toMs: number;
  /** What the alarm is about. */
  readonly limit?: { readonly comparison: 'above' | 'below'; readonly value: number };
  readonly raisedAtMs?: number;
  /** Two points further apart than this are not joined. By default a tenth of the time shown. */
  readonly gapMs?: number;
  /** IANA; UTC by default, and then said. */
  readonly timeZone?: string;
}

/** Twice what a mail shows it at, so that it is sharp on dense screens and large when opened. */
const WIDTH = 960;
const HEIGHT = 400;
const PLOT = { left: 84, top: 76, right: 936, bottom: 344 } as const;

const WHITE: Colour = [255, 255, 255];
const INK: Colour = [26, 32, 44];
const FAINT: Colour = [226, 230, 236];
const GREY: Colour = [84, 92, 106];
const LINE: Colour = [21, 78, 148];
const RED: Colour = [190, 24, 24];
/** What lies beyond the limit. */
const ROSE: Colour = [253, 236, 236];

/** PNG, 960 × 400, some ten kilobytes. */
export function trendChart(trend: Trend): Uint8Array {
  const raster = blank(WIDTH, HEIGHT, WHITE);
  const scale = scaleOf(trend);
  drawBeyond(raster, trend, scale);
  drawGrid(raster, trend, scale);
  drawRaised(raster, trend, scale);
  drawValues(raster, trend, scale);
  drawLimit(raster, trend, scale);
  drawTitle(raster, trend);
  return encodePng(raster);
}

interface Scale {
  readonly x: (atMs: number) => number;
  readonly y: (value: number) => number;
  readonly ticks: readonly number[];
}

function scaleOf({ points, limit, fromMs, toMs }: Trend): Scale {
  const values = [...points.map(({ value }) => value), ...(limit === undefined ? [] : [limit.value])];
  const [low, high] = values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
  // A little air, so that neither line nor limit lies on the frame.
  const air = Math.max((high - low) * 0.12, 0.5);
  const ticks = niceTicks(low - air, high + air);
  const [bottom = 0, top = 1] = [Math.min(low - air, ticks[0] ?? low), Math.max(high + air, ticks.at(-1) ?? high)];
  const spanMs = Math.max(1, toMs - fromMs);
  return {
    x: (atMs) => PLOT.left + ((atMs - fromMs) / spanMs) * (PLOT.right - PLOT.left),
    y: (value) => PLOT.bottom - ((value - bottom) / (top - bottom)) * (PLOT.bottom - PLOT.top),
    ticks,
  };
}

/** Four to seven round numbers within a span. */
function niceTicks(low: number, high: number): readonly number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const count = Math.floor(high / step) - Math.ceil(low / step) + 1;
  return Array.from({ length: count }, (_, index) => Number(((Math.ceil(low / step) + index) * step).toPrecision(12)));
}

function drawBeyond(raster: Raster, { limit }: Trend, { y }: Scale): void {
  if (limit === undefined) return;
  const at = y(limit.value);
  const [top, bottom] = limit.comparison === 'above' ? [PLOT.top, at] : [at, PLOT.bottom];
  fillRectangle(raster, { left: PLOT.left, right: PLOT.right, top, bottom }, ROSE);
}

function drawGrid(raster: Raster, { fromMs, toMs, timeZone }: Trend, { x, y, ticks }: Scale): void {
  for (const tick of ticks) {
    horizontal(raster, y(tick), FAINT);
    write(raster, String(tick), { x: PLOT.left - 14, y: y(tick) + 8 }, { size: 16, colour: GREY, align: 'right' });
  }
  const time = clock(timeZone);
  for (const atMs of timeTicks(fromMs, toMs)) {
    drawStrokes(
      raster,
      [
        [
          { x: x(atMs), y: PLOT.bottom },
          { x: x(atMs), y: PLOT.bottom + 8 },
        ],
      ],
      { radius: 1, colour: GREY },
    );
    write(raster, time.format(atMs), { x: x(atMs), y: PLOT.bottom + 36 }, { size: 16, colour: GREY, align: 'middle' });
  }
  horizontal(raster, PLOT.bottom, GREY);
}

/** Five or so, at round minutes. */
function timeTicks(fromMs: number, toMs: number): readonly number[] {
  const step = (STEPS_MINUTES.find((minutes) => (toMs - fromMs) / (minutes * 60_000) <= 6) ?? 1_440) * 60_000;
  const first = Math.ceil(fromMs / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((toMs - first) / step) + 1) }, (_, index) => first + index * step);
}

const STEPS_MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480] as const;

function drawRaised(raster: Raster, { raisedAtMs, fromMs, toMs }: Trend, scale: Scale): void {
  if (raisedAtMs === undefined || raisedAtMs < fromMs || raisedAtMs > toMs) return;
  const at = scale.x(raisedAtMs);
  dashed(raster, { x: at, y: PLOT.top }, { x: at, y: PLOT.bottom }, { dash: 3, gap: 7, radius: 1, colour: GREY });
  const x = Math.min(at, PLOT.right - writtenWidth('alarm', 15) / 2);
  write(raster, 'alarm', { x, y: PLOT.top - 6 }, { size: 15, colour: GREY, align: 'middle' });
}

/** Lines where readings follow each other, a dot where one stands alone, and the last one large. */
function drawValues(
  raster: Raster,
  { points, fromMs, toMs, gapMs = (toMs - fromMs) / 10 }: Trend,
  { x, y }: Scale,
): void {
  const runs: Point[][] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const { atMs, value } of points) {
    if (atMs < fromMs || atMs > toMs) continue;
    const point = { x: x(atMs), y: y(value) };
    if (atMs - lastMs > gapMs) runs.push([point]);
    else runs.at(-1)?.push(point);
    lastMs = atMs;
  }
  for (const run of runs) drawStrokes(raster, [run], { radius: run.length === 1 ? 4 : 2, colour: LINE });
  const last = runs.at(-1)?.at(-1);
  if (last !== undefined) drawStrokes(raster, [[last]], { radius: 7, colour: LINE });
}

function drawLimit(raster: Raster, { limit, points }: Trend, { y }: Scale): void {
  if (limit === undefined) return;
  const at = y(limit.value);
  dashed(raster, { x: PLOT.left, y: at }, { x: PLOT.right, y: at }, { dash: 14, gap: 10, radius: 1.5, colour: RED });
  const text = `limit ${limit.value}`;
  // On the side where no value is beyond it; below the line there is always room for an upper limit, above it for a lower.
  const first = points[0]?.value ?? limit.value;
  const isAbove = limit.comparison === 'below' ? first <= limit.value : first < limit.value;
  write(raster, text, { x: PLOT.left + 12, y: isAbove ? at - 12 : at + 28 }, { size: 16, colour: RED, align: 'left' });
}

function drawTitle(raster: Raster, { label, points, timeZone }: Trend): void {
  write(raster, label, { x: PLOT.left, y: 36 }, { size: 22, colour: INK, align: 'left' });
  const last = points.at(-1);
  if (last === undefined) return;
  const zone = timeZone === undefined ? ' UTC' : '';
  const text = `${last.value} at ${clock(timeZone).format(last.atMs)}${zone}`;
  write(raster, text, { x: PLOT.right, y: 36 }, { size: 22, colour: INK, align: 'right' });
}

function clock(timeZone = 'UTC'): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone });
}

function horizontal(raster: Raster, at: number, colour: Colour): void {
  fillRectangle(
    raster,
    { left: PLOT.left, right: PLOT.right, top: Math.round(at) - 1, bottom: Math.round(at) + 1 },
    colour,
  );
}

function dashed(
  raster: Raster,
  from: Point,
  to: Point,
  {
    dash,
    gap,
    ...pen
  }: { readonly dash: number; readonly gap: number; readonly radius: number; readonly colour: Colour },
): void {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const at = (along: number): Point => ({
    x: from.x + ((to.x - from.x) * along) / length,
    y: from.y + ((to.y - from.y) * along) / length,
  });
  for (let along = 0; along < length; along += dash + gap)
    drawStrokes(raster, [[at(along), at(Math.min(length, along + dash))]], pen);
}

function write(
  raster: Raster,
  text: string,
  at: Point,
  {
    size,
    colour,
    align,
  }: { readonly size: number; readonly colour: Colour; readonly align: 'left' | 'middle' | 'right' },
): void {
  const width = writtenWidth(text, size);
  const x = align === 'left' ? at.x : align === 'right' ? at.x - width : at.x - width / 2;
  drawStrokes(raster, writtenStrokes(text, { x, y: at.y }, size), { radius: size / 14, colour });
}
