import { describe, expect, it } from 'vitest';
import { assumedIntervalMs, freshnessOf, INTERVAL_MAX_MS, INTERVAL_MIN_MS, learnInterval } from './freshness.ts';

const learn = (start: number, gaps: readonly number[]) => gaps.reduce(learnInterval, start);
const times = (count: number, gap: number) => Array.from({ length: count }, () => gap);

describe('freshness', () => {
  it.each([
    [1_000, 5_000, 30_000],
    [100, 5_000, 30_000],
    [2_000, 10_000, 60_000],
    [60_000, 300_000, 1_800_000],
  ])('measured every %d ms: stale after %d, lost after %d', (intervalMs, staleAfterMs, lostAfterMs) =>
    expect(freshnessOf(intervalMs)).toEqual({ staleAfterMs, lostAfterMs }),
  );
});

describe('the usual interval', () => {
  it('stays where readings come regularly', () => expect(learn(1_000, times(100, 1_000))).toBe(1_000));
  it('follows a device set to another interval within a few readings', () => {
    expect(learn(1_000, times(8, 60_000))).toBeGreaterThan(50_000);
    expect(learn(60_000, times(8, 1_000))).toBeLessThan(1_500);
  });
  it('an hour without a device does not make its next silence go unnoticed', () => {
    expect(freshnessOf(learn(1_000, [3_600_000])).lostAfterMs).toBeLessThanOrEqual(150_000);
    expect(freshnessOf(learn(1_000, [3_600_000, ...times(4, 1_000)])).lostAfterMs).toBeLessThanOrEqual(45_000);
  });
  it('is bounded', () => {
    expect(learn(1_000, times(50, 0))).toBe(INTERVAL_MIN_MS);
    expect(learn(1_000, times(50, 1e12))).toBe(INTERVAL_MAX_MS);
  });
  it('is assumed continuous for heart rate, and hourly-ish for a cuff', () => {
    expect(assumedIntervalMs('heartRate')).toBe(1_000);
    expect(assumedIntervalMs('systolic')).toBe(900_000);
  });
});
