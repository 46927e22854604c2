import type { LimitRule } from '@healthsync/contracts/patient';
import uPlot from 'uplot';
import { HOUSE_ZONE, SCREEN_ZONE } from '../times/house-zone.ts';
import { timeText } from '../times/time-text.ts';
import type { TrendColumns } from './trend-data.ts';

/** A mark on the time axis: an alarm was raised then. */
export interface AlarmMark {
  readonly at: number;
  readonly colour: string;
}

export interface TrendChart {
  show(lines: readonly TrendColumns[], range: { readonly from: number; readonly to: number }): void;
  resize(width: number): void;
  destroy(): void;
}

export const CHART_HEIGHT = 132;
/** All charts of a page move their cursor together. */
const SYNC = 'patient';
const GRID = { stroke: '#1f2932', width: 1 };
const FONT = "12px 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif";

/** One vital's trend (two lines for blood pressure): mean as a line, lowest to highest as its shade, limits as bands. */
export function createTrendChart(
  host: HTMLElement,
  options: {
    readonly width: number;
    readonly colour: string;
    readonly lines: number;
    readonly decimals: number;
    readonly limits: readonly LimitRule[];
    readonly marks: () => readonly AlarmMark[];
    /** The least that the axis spans, so that noise does not look like a storm. */
    readonly span: readonly [low: number, high: number];
  },
): TrendChart {
  const { colour, decimals } = options;
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (let line = 0; line < options.lines; line += 1) {
    const at = series.length;
    series.push(
      {
        stroke: colour,
        width: 1.6,
        points: { show: (u, i) => isSparse(u, i), size: 5, fill: colour },
        value: (_, v) => v?.toFixed(decimals) ?? '–',
      },
      { stroke: 'transparent', width: 0, points: { show: false } },
      { stroke: 'transparent', width: 0, points: { show: false } },
    );
    bands.push({ series: [at + 1, at + 2], fill: `${colour}38` });
  }
  const plot = new uPlot(
    {
      width: options.width,
      height: CHART_HEIGHT,
      // Where the axis is divided: at the house's midnight. Reckoned in another zone it costs, so only where it is one.
      ...(HOUSE_ZONE !== SCREEN_ZONE && {
        tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1_000), HOUSE_ZONE),
      }),
      padding: [8, 20, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: SYNC, scales: ['x', null] }, y: false, points: { size: 7 } },
      scales: { x: { time: true }, y: { range: (_, low, high) => spanOf(options, low, high) } },
      axes: [
        { stroke: '#a9b6c2', font: FONT, grid: GRID, ticks: GRID, size: 30, values: timeLabels },
        { stroke: '#a9b6c2', font: FONT, grid: GRID, ticks: GRID, size: 44, space: 26 },
      ],
      series,
      bands,
      hooks: {
        drawAxes: [(u) => drawGaps(u), (u) => drawLimits(u, options.limits)],
        draw: [(u) => drawMarks(u, options.marks())],
      },
    },
    [[], ...series.slice(1).map(() => [])],
    host,
  );
  return {
    show(lines, { from, to }) {
      plot.batch(() => {
        plot.setData(joined(lines), false);
        plot.setScale('x', { min: from / 1_000, max: to / 1_000 });
      });
    },
    resize: (width) => plot.setSize({ width, height: CHART_HEIGHT }),
    destroy: () => plot.destroy(),
  };
}

/** Lines of one chart share their times: systolic and diastolic come together, or one has a hole. */
function joined(lines: readonly TrendColumns[]): uPlot.AlignedData {
  const tables = lines.map(
    ({ at, mean, max, min }): uPlot.AlignedData => [at, mean, max, min] as unknown as uPlot.AlignedData,
  );
  return tables.length === 1 && tables[0] !== undefined ? tables[0] : uPlot.join(tables);
}

/** Few points are shown as points: each is a measurement of its own. */
function isSparse(u: uPlot, seriesIndex: number): boolean {
  const values = u.data[seriesIndex] ?? [];
  return values.length < u.width / 12;
}

function spanOf(
  { span, limits }: { readonly span: readonly [number, number]; readonly limits: readonly LimitRule[] },
  low: number | null,
  high: number | null,
): [number, number] {
  const [lowest, highest] = [Math.min(span[0], low ?? span[0]), Math.max(span[1], high ?? span[1])];
  // A limit far away would press the values into a flat line; its band begins where the axis ends.
  const edges = limits
    .map((rule) => rule.limit)
    .filter((limit) => limit > 2 * lowest - highest && limit < 2 * highest - lowest);
  const bottom = Math.min(lowest, ...edges);
  const top = Math.max(highest, ...edges);
  const air = (top - bottom) * 0.06;
  return [bottom - air, top + air];
}

/** 24-hour clock of the house; at midnight, and where steps are days, the date. */
function timeLabels(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  return splits.map((seconds) => {
    const clock = timeText(seconds * 1_000, 'clock', 'never');
    return step >= 86_400 || clock === '00:00' ? timeText(seconds * 1_000, 'recent-day') : clock;
  });
}

/** Narrower than this and the words would not fit; the shade alone says it. */
const GAP_WORDS_MIN = 60;

/** Where a line is broken nothing was measured: shaded and said, so that it is not taken for a flat stretch. */
function drawGaps(u: uPlot): void {
  const [at, mean = []] = u.data;
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  u.ctx.textAlign = 'center';
  u.ctx.font = `${11 * devicePixelRatio}px sans-serif`;
  for (let i = 1; i < at.length - 1; i += 1) {
    if (mean[i] !== null) continue;
    const from = u.valToPos(at[i - 1] ?? 0, 'x', true);
    const to = u.valToPos(at[i + 1] ?? 0, 'x', true);
    u.ctx.fillStyle = '#ffffff10';
    u.ctx.fillRect(from, top, to - from, height);
    u.ctx.fillStyle = '#a9b6c2';
    if (to - from > GAP_WORDS_MIN * devicePixelRatio) u.ctx.fillText('no data', (from + to) / 2, top + height * 0.55);
  }
  u.ctx.restore();
}

function drawLimits(u: uPlot, limits: readonly LimitRule[]): void {
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  for (const rule of limits) {
    const y = u.valToPos(rule.limit, 'y', true);
    const colour = rule.priority === 'high' ? '#ff3b45' : rule.priority === 'medium' ? '#ffd60a' : '#35d6e8';
    u.ctx.fillStyle = `${colour}1c`;
    if (rule.comparison === 'above') u.ctx.fillRect(left, top, width, y - top);
    else u.ctx.fillRect(left, y, width, top + height - y);
    u.ctx.strokeStyle = colour;
    u.ctx.lineWidth = devicePixelRatio;
    u.ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    u.ctx.beginPath();
    u.ctx.moveTo(left, y);
    u.ctx.lineTo(left + width, y);
    u.ctx.stroke();
  }
  u.ctx.restore();
}

function drawMarks(u: uPlot, marks: readonly AlarmMark[]): void {
  const { left, top, width, height } = u.bbox;
  const size = 5 * devicePixelRatio;
  for (const { at, colour } of marks) {
    const x = u.valToPos(at / 1_000, 'x', true);
    if (x < left || x > left + width) continue;
    u.ctx.fillStyle = colour;
    u.ctx.fillRect(x - devicePixelRatio / 2, top, devicePixelRatio, height);
    u.ctx.beginPath();
    u.ctx.moveTo(x - size, top);
    u.ctx.lineTo(x + size, top);
    u.ctx.lineTo(x, top + 1.6 * size);
    u.ctx.fill();
  }
}
