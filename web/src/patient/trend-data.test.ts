import { describe, expect, it } from 'vitest';
import { trendColumns } from './trend-data.ts';

const series = (at: number[]) => ({ at, mean: at.map(() => 80), min: at.map(() => 78), max: at.map(() => 82) });

describe('a trend', () => {
  it('breaks its line where a vital is missing for longer than is usual for it', () => {
    const { mean } = trendColumns(series([0, 1_000, 2_000, 60_000, 61_000]), 1_000, []);
    expect(mean).toEqual([80, 80, 80, null, 80, 80]);
  });

  it('has no gap between the measurements of a cuff each quarter of an hour', () => {
    const { mean } = trendColumns(series([0, 900_000, 1_800_000]), 1_000, []);
    expect(mean).toEqual([80, 80, 80]);
  });

  it('goes on with what came on the stream, once', () => {
    const { at } = trendColumns(series([0, 1_000]), 1_000, [
      { at: 1_400, v: 81 },
      { at: 2_000, v: 82 },
      { at: 3_000, v: 83 },
    ]);
    expect(at).toEqual([0.5, 1.5, 2, 3]);
  });
});
