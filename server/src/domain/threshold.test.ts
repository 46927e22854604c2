import { describe, expect, it } from 'vitest';
import type { LimitRule } from './rule.ts';
import { DEFAULT_LIMITS } from './rule-defaults.ts';
import { isBeyond, isWithin, limitCause } from './threshold.ts';

const rule = (id: string): LimitRule => {
  const found = DEFAULT_LIMITS.find((limit) => limit.id === id);
  if (found === undefined) throw new Error(`no default ${id}`);
  return found;
};

describe('the default limits', () => {
  it('are exactly heart rate above 160 and SpO2 below 85', () =>
    expect(DEFAULT_LIMITS.map((limit) => [limit.id, limit.comparison, limit.limit, limit.priority])).toEqual([
      ['heartRate.above.high', 'above', 160, 'high'],
      ['spo2.below.high', 'below', 85, 'high'],
    ]));
  it.each([
    ['heartRate.above.high', 160, false],
    ['heartRate.above.high', 160.1, true],
    ['heartRate.above.high', 161, true],
    ['heartRate.above.high', 0, false],
    ['spo2.below.high', 85, false],
    ['spo2.below.high', 84.9, true],
    ['spo2.below.high', 84, true],
    ['spo2.below.high', 0, true],
  ] as const)('%s at %d: beyond is %s', (id, value, beyond) => expect(isBeyond(rule(id), value)).toBe(beyond));
});

describe('hysteresis', () => {
  const high: LimitRule = { ...rule('heartRate.above.high'), limit: 130, clearAt: 120 };
  const low: LimitRule = { ...rule('spo2.below.high'), limit: 88, clearAt: 90 };
  it.each([
    [high, 130.1, true, false],
    [high, 130, false, false],
    [high, 120.1, false, false],
    [high, 120, false, true],
    [low, 87.9, true, false],
    [low, 88, false, false],
    [low, 89.9, false, false],
    [low, 90, false, true],
  ] as const)('%o at %d: beyond %s, within %s', (edges, value, beyond, within) => {
    expect([isBeyond(edges, value), isWithin(edges, value)]).toEqual([beyond, within]);
  });
  it('without it every value is one or the other', () => {
    for (const value of [84, 85, 86]) expect(isWithin(rule('spo2.below.high'), value)).toBe(value >= 85);
  });
});

describe('the cause says what was seen against its limit', () => {
  it.each([
    ['heartRate.above.high', 167, 'HR 167 > 160'],
    ['heartRate.above.high', 160.5, 'HR 161 > 160'],
    ['heartRate.above.high', 160.4, 'HR 160.4 > 160'],
    ['heartRate.above.high', 160.0001, 'HR 160.0001 > 160'],
    ['spo2.below.high', 82, 'SpO₂ 82 < 85'],
    ['spo2.below.high', 84.9, 'SpO₂ 84.9 < 85'],
  ] as const)('%s at %d reads "%s"', (id, value, text) => expect(limitCause(rule(id), value).text).toBe(text));
});
