import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, isBeyond, type LimitRule, limitCause, limitsInForce } from './threshold.ts';

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

describe("a patient's own rules", () => {
  const own: LimitRule = { ...rule('heartRate.above.high'), version: 2, limit: 140 };
  it('replace the default of the same id and leave the others', () =>
    expect(limitsInForce([own])).toEqual([own, rule('spo2.below.high')]));
  it('that are off remove the default', () =>
    expect(limitsInForce([{ ...own, off: true }])).toEqual([rule('spo2.below.high')]));
  it('of another id stand beside the defaults', () => {
    const low: LimitRule = {
      id: 'heartRate.below.medium',
      version: 1,
      vital: 'heartRate',
      comparison: 'below',
      limit: 40,
      priority: 'medium',
    };
    expect(limitsInForce([low])).toEqual([...DEFAULT_LIMITS, low]);
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
