import { describe, expect, it } from 'vitest';
import { changeLimits, type RequestedLimit } from './limit-change.ts';
import { type LimitRule, limitsInForce } from './threshold.ts';
import { VITAL_NAMES, VITALS } from './vital.ts';

const above = (vital: string, limit: number, more: Partial<RequestedLimit> = {}): RequestedLimit => ({
  vital,
  comparison: 'above',
  limit,
  priority: 'high',
  ...more,
});
const below = (vital: string, limit: number, more: Partial<RequestedLimit> = {}): RequestedLimit => ({
  ...above(vital, limit, more),
  comparison: 'below',
});
const own = (rule: RequestedLimit, version = 1): LimitRule => ({
  ...(rule as RequestedLimit & { vital: LimitRule['vital'] }),
  id: `${rule.vital}.${rule.comparison}.${rule.priority}`,
  version,
});

function problemsOf(requested: readonly RequestedLimit[], before: readonly LimitRule[] = []) {
  const change = changeLimits(before, requested);
  return change.kind === 'refused' ? change.problems.map((problem) => `${problem.code} ${problem.field}`) : [];
}

describe('changing a patient’s limits', () => {
  it('replaces the default of the same name, and counts versions on', () => {
    const change = changeLimits([], [above('heartRate', 140)]);
    expect(change).toEqual({
      kind: 'ok',
      rules: [
        {
          id: 'heartRate.above.high',
          version: 2,
          vital: 'heartRate',
          comparison: 'above',
          limit: 140,
          priority: 'high',
        },
      ],
      remove: [],
    });
  });

  it('takes away the patient’s own rules that are not on the list any more', () => {
    const change = changeLimits([own(above('heartRate', 140)), own(below('spo2', 90))], [above('heartRate', 150)]);
    expect(change).toMatchObject({ kind: 'ok', remove: ['spo2.below.high'] });
  });

  it('an empty list brings every default back', () => {
    const change = changeLimits([own(above('heartRate', 140))], []);
    expect(change).toEqual({ kind: 'ok', rules: [], remove: ['heartRate.above.high'] });
    expect(limitsInForce([]).find((rule) => rule.id === 'heartRate.above.high')?.limit).toBe(160);
  });

  it('a rule switched off stays off, and contradicts nothing', () => {
    const change = changeLimits([], [above('heartRate', 30, { off: true }), below('heartRate', 40)]);
    expect(change).toMatchObject({ kind: 'ok' });
    if (change.kind === 'ok')
      expect(limitsInForce(change.rules).map((rule) => rule.id)).not.toContain('heartRate.above.high');
  });

  it.each(VITAL_NAMES)('refuses a limit on %s that no value can be beyond', (vital) => {
    const { min, max } = VITALS[vital].plausible;
    expect(problemsOf([above(vital, max)])).toContain('implausible-limit rules.0.limit');
    expect(problemsOf([below(vital, min)])).toContain('implausible-limit rules.0.limit');
    expect(problemsOf([above(vital, max + 1)])).toContain('implausible-limit rules.0.limit');
    expect(problemsOf([below(vital, min - 1)])).toContain('implausible-limit rules.0.limit');
    expect(problemsOf([above(vital, Number.NaN)])).toContain('implausible-limit rules.0.limit');
    expect(problemsOf([above(vital, max - 1)])).toEqual([]);
  });

  it('refuses a lower limit at or above the upper one: it would never be silent', () => {
    expect(problemsOf([below('heartRate', 120), above('heartRate', 120)])).toEqual([
      'conflicting-limits rules.0.limit',
      'conflicting-limits rules.1.limit',
    ]);
    expect(problemsOf([below('heartRate', 119), above('heartRate', 120)])).toEqual([]);
  });

  it('compares with the default that stays in force, and with other priorities', () => {
    expect(problemsOf([below('heartRate', 165)])).toEqual(['conflicting-limits rules.0.limit']);
    expect(
      problemsOf([below('heartRate', 60, { priority: 'low' }), above('heartRate', 50, { priority: 'medium' })]),
    ).toHaveLength(2);
  });

  it('does not compare with an own rule that this very change takes away', () => {
    expect(problemsOf([below('respiratoryRate', 20)], [own(above('respiratoryRate', 15))])).toEqual([]);
  });

  it('names every problem at once', () => {
    expect(
      problemsOf([
        above('pulse', 100),
        above('__proto__', 1),
        above('spo2', 400),
        above('spo2', 90),
        above('spo2', 91),
      ]),
    ).toEqual([
      'unknown-vital rules.0.vital',
      'unknown-vital rules.1.vital',
      'implausible-limit rules.2.limit',
      'named-twice rules.3',
      'named-twice rules.4',
    ]);
  });
});
