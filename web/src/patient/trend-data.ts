import type { TrendResponse } from '@healthsync/contracts/patient';

/** One vital's trend as a chart draws it; `null` breaks the line. */
export interface TrendColumns {
  readonly at: number[];
  readonly mean: (number | null)[];
  readonly min: (number | null)[];
  readonly max: (number | null)[];
}

/** So many of its own usual intervals without a value is a gap, and is drawn as one. */
const GAP_INTERVALS = 4;

/**
 * History and what has come since, in one line. A gap is seen where a vital is missing for longer than it usually takes:
 * a cuff that measures each quarter of an hour has no gaps in between, a pulse of every second has one after seconds.
 */
export function trendColumns(
  history: TrendResponse['series'][string] | undefined,
  bucketMs: number,
  tail: readonly { readonly at: number; readonly v: number }[],
): TrendColumns {
  const columns: TrendColumns = { at: [], mean: [], min: [], max: [] };
  const points = [
    ...(history?.at ?? []).map((at, i) => ({
      at: at + bucketMs / 2,
      mean: history?.mean[i] ?? null,
      min: history?.min[i] ?? null,
      max: history?.max[i] ?? null,
    })),
  ];
  const historyEnd = (history?.at.at(-1) ?? Number.NEGATIVE_INFINITY) + bucketMs;
  for (const { at, v } of tail) if (at >= historyEnd) points.push({ at, mean: v, min: v, max: v });
  const gapMs = GAP_INTERVALS * Math.max(bucketMs, usualIntervalMs(history?.at ?? tail.map(({ at }) => at)));
  let before = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    if (before !== Number.NEGATIVE_INFINITY && point.at - before > gapMs) push(before + 1, null, null, null);
    push(point.at, point.mean, point.min, point.max);
    before = point.at;
  }
  return columns;

  function push(at: number, mean: number | null, min: number | null, max: number | null): void {
    // uPlot counts in seconds.
    columns.at.push(at / 1_000);
    columns.mean.push(mean);
    columns.min.push(min);
    columns.max.push(max);
  }
}

/** The median: a night without a device does not change what is usual. */
function usualIntervalMs(at: readonly number[]): number {
  const steps = at.slice(1).map((ms, i) => ms - (at[i] ?? ms));
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
}
