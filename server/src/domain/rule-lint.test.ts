import { describe, expect, it } from 'vitest';
import type { ChangeRule, CombinationRule, LimitRule, RepeatedRule, Rule } from './rule.ts';
import { lintRules } from './rule-lint.ts';
import { rulesInForce } from './rules-in-force.ts';
import { VITAL_NAMES, VITALS } from './vital.ts';

const inherited = rulesInForce([]);
const problems = (...rules: readonly Rule[]) =>
  lintRules(rules, { inherited }).map(({ severity, code, field }) => `${severity} ${code} ${field}`);

const limit = (part: Partial<LimitRule> = {}): LimitRule => {
  const { vital = 'respiratoryRate', comparison = 'above', priority = 'medium' } = part;
  return {
    kind: 'limit',
    id: `${vital}.${comparison}.${priority}`,
    version: 1,
    vital,
    comparison,
    limit: 30,
    priority,
    ...part,
  };
};
const change = (part: Partial<ChangeRule> = {}): ChangeRule => ({
  kind: 'change',
  id: 'spo2.fall.medium',
  version: 1,
  vital: 'spo2',
  direction: 'fall',
  by: 6,
  windowMs: 60_000,
  priority: 'medium',
  ...part,
});
const repeated = (part: Partial<RepeatedRule> = {}): RepeatedRule => ({
  kind: 'repeated',
  id: 'repeated.rr',
  version: 1,
  rule: 'respiratoryRate.above.medium',
  times: 3,
  windowMs: 600_000,
  priority: 'high',
  ...part,
});
const combination = (
  of: CombinationRule['when']['of'],
  atLeast = of.length,
  part: Partial<CombinationRule> = {},
): CombinationRule => ({
  kind: 'combination',
  id: 'combination.x',
  version: 1,
  priority: 'low',
  when: { atLeast, of },
  ...part,
});

describe('the linter', () => {
  it('finds nothing in the defaults, nor in good rules of every kind', () => {
    expect(
      lintRules(
        inherited.map(({ rule }) => rule),
        { inherited },
      ),
    ).toEqual([]);
    expect(
      problems(
        limit({ clearAt: 28, sustainedMs: 15_000 }),
        change(),
        repeated(),
        combination([{ vital: 'spo2', comparison: 'below', limit: 92 }, { oxygen: true }]),
        { kind: 'news2', id: 'news2.single3.low', version: 1, single3: true, priority: 'low' },
      ),
    ).toEqual([]);
  });

  it.each(VITAL_NAMES)('refuses a limit on %s that no value can be beyond, or every one is', (vital) => {
    const { min, max } = VITALS[vital].plausible;
    const refused = (comparison: 'above' | 'below', value: number) =>
      problems(limit({ vital, comparison, limit: value })).includes('error implausible-limit rules.0.limit');
    expect([
      refused('above', max),
      refused('below', min),
      refused('above', max + 1),
      refused('below', min - 1),
    ]).toEqual([true, true, true, true]);
    expect(refused('above', Number.NaN)).toBe(true);
    expect(refused('above', max - 1)).toBe(false);
  });

  it('refuses hysteresis on the wrong side, and one that never ends', () => {
    expect(problems(limit({ clearAt: 31 }))).toEqual(['error hysteresis-wrong-side rules.0.clearAt']);
    expect(problems(limit({ comparison: 'below', limit: 8, clearAt: 7 }))).toEqual([
      'error hysteresis-wrong-side rules.0.clearAt',
    ]);
    expect(problems(limit({ clearAt: -1 }))).toEqual(['error never-ends rules.0.clearAt']);
    expect(problems(limit({ clearAt: 30 }))).toEqual([]);
  });

  it('refuses a lower limit at or above an upper one, own or inherited', () => {
    expect(problems(limit(), limit({ comparison: 'below', limit: 30 }))).toEqual([
      'error conflicting-limits rules.0.limit',
      'error conflicting-limits rules.1.limit',
    ]);
    expect(problems(limit(), limit({ comparison: 'below', limit: 29 }))).toEqual([]);
    expect(problems(limit({ vital: 'heartRate', comparison: 'below', limit: 165 }))).toEqual([
      'error conflicting-limits rules.0.limit',
    ]);
  });

  it('does not compare with what is switched off or replaced', () => {
    expect(
      problems(
        limit({ vital: 'heartRate', priority: 'high', limit: 160, off: true }),
        limit({ vital: 'heartRate', comparison: 'below', limit: 165 }),
      ),
    ).toEqual([]);
  });

  it('refuses hysteresis of a score that is none', () => {
    const news2 = { kind: 'news2', id: 'news2.at-least.high', version: 1, priority: 'high' } as const;
    expect(problems({ ...news2, atLeast: 7, clearAt: 6 })).toEqual([]);
    expect(problems({ ...news2, atLeast: 7, clearAt: 7 })).toEqual(['error hysteresis-wrong-side rules.0.clearAt']);
    expect(problems({ ...news2, id: 'news2.single3.high', single3: true, clearAt: 4 })).toEqual([
      'error invalid-value rules.0.clearAt',
    ]);
    expect(problems({ ...news2, atLeast: 7, sustainedMs: 120_000 })).toEqual([
      'warning slow-critical-alarm rules.0.sustainedMs',
    ]);
  });

  it('warns of hysteresis that reaches into another limit', () => {
    expect(problems(limit({ clearAt: 8 }), limit({ comparison: 'below', limit: 8 }))).toContain(
      'warning conflicting-limits rules.0.clearAt',
    );
  });

  it('warns of a rule that a more urgent one always precedes', () => {
    expect(problems(limit({ vital: 'heartRate', limit: 170 }))).toEqual(['warning shadowed rules.0.limit']);
    expect(problems(limit({ vital: 'heartRate', limit: 150 }))).toEqual([]);
    // The urgent one waits longer: this one may come first.
    expect(
      problems(
        limit({ vital: 'heartRate', limit: 170 }),
        limit({ vital: 'heartRate', limit: 160, priority: 'high', sustainedMs: 9_000 }),
      ),
    ).toEqual([]);
  });

  it('warns of a critical alarm that waits long, and of a delay shorter than its vital is measured', () => {
    expect(problems(limit({ priority: 'high', sustainedMs: 61_000 }))).toEqual([
      'warning slow-critical-alarm rules.0.sustainedMs',
    ]);
    expect(problems(limit({ vital: 'systolic', limit: 180, sustainedMs: 60_000 }))).toEqual([
      'warning needs-next-measurement rules.0.sustainedMs',
    ]);
  });

  it('refuses ids that say another thing than the rule, and two rules of one id', () => {
    expect(problems(limit({ id: 'heartRate.above.medium' }))).toEqual(['error misleading-id rules.0.id']);
    expect(problems(limit({ id: 'respiratoryRate.above.high' }))).toEqual(['error misleading-id rules.0.id']);
    expect(problems(limit({ id: 'respiratoryRate.above.medium.post-op' }))).toEqual([]);
    expect(problems(repeated({ id: 'rr-again' }), limit())).toEqual(['error misleading-id rules.0.id']);
    expect(problems({ kind: 'news2', id: 'news2.at-least.high', version: 1, atLeast: 8, priority: 'low' })).toContain(
      'error misleading-id rules.0.id',
    );
    expect(
      problems({ kind: 'technical', id: 'technical.gone', version: 1, condition: 'lost', priority: 'low' }),
    ).toEqual(['error misleading-id rules.0.id']);
    expect(problems(limit(), limit({ limit: 31 }))).toContain('error named-twice rules.1');
  });

  it('refuses changes that could never be seen', () => {
    expect(problems(change({ by: 100 }))).toEqual(['error unreachable rules.0.by']);
    expect(problems(change({ windowMs: 1_000 }))).toEqual(['error unreachable rules.0.windowMs']);
    expect(problems(change({ sustainedMs: 60_000 }))).toEqual(['error unreachable rules.0.sustainedMs']);
  });

  it('refuses repetition of nothing, of itself, or that raises nothing', () => {
    expect(problems(repeated())).toEqual(['error unknown-rule rules.0.rule']);
    expect(problems(repeated({ rule: 'repeated.rr' }))).toEqual(['error unknown-rule rules.0.rule']);
    expect(problems(limit(), repeated({ priority: 'medium' }))).toEqual(['error raises-nothing rules.1.priority']);
    expect(problems(limit({ off: true }), repeated())).toContain('warning unreachable rules.1.rule');
  });

  it('refuses combinations that contradict themselves, are always true, or can never be', () => {
    const above = { vital: 'heartRate', comparison: 'above', limit: 120 } as const;
    const below = { vital: 'heartRate', comparison: 'below', limit: 110 } as const;
    expect(problems(combination([above, below]))).toEqual(['error contradictory rules.0.when.of.1']);
    expect(problems(combination([above, { ...below, limit: 130 }], 1))).toEqual([
      'error always-true rules.0.when.of.1',
    ]);
    expect(problems(combination([above, below], 1))).toEqual([]);
    expect(problems(combination([{ oxygen: true }, { oxygen: false }]))).toEqual([
      'error contradictory rules.0.when.of.1',
    ]);
    expect(problems(combination([above], 2))).toEqual(['error unreachable rules.0.when.atLeast']);
    expect(problems(combination([above, { atLeast: 3, of: [below, { oxygen: true }] }]))).toEqual([
      'error unreachable rules.0.when.of.1.atLeast',
    ]);
    expect(problems(combination([above, above]))).toEqual(['error named-twice rules.0.when.of.1']);
    expect(problems(combination([{ ...above, limit: 900 }]))).toEqual([
      'error implausible-limit rules.0.when.of.0.limit',
    ]);
    expect(problems(combination([{ ...above, clearAt: 130 }]))).toEqual([
      'error hysteresis-wrong-side rules.0.when.of.0.clearAt',
    ]);
    expect(problems(combination([{ consciousness: ['A', 'C', 'V', 'P', 'U'] }]))).toEqual([
      'error always-true rules.0.when.of.0.consciousness',
    ]);
  });

  it('refuses a combination that must be sustained for longer than its values count', () => {
    const fact = { vital: 'spo2', comparison: 'below', limit: 92, maxAgeMs: 10_000 } as const;
    expect(problems(combination([fact], 1, { sustainedMs: 11_000 }))).toEqual([
      'error sustained-beyond-freshness rules.0.sustainedMs',
    ]);
  });

  it('refuses NEWS2 without or with both of score and single 3', () => {
    const news2 = { kind: 'news2', id: 'news2.own.low', version: 1, priority: 'low' } as const;
    expect(problems(news2)).toEqual(['error invalid-value rules.0.atLeast']);
    expect(problems({ ...news2, atLeast: 3, single3: true })).toEqual(['error invalid-value rules.0.atLeast']);
    expect(problems({ ...news2, atLeast: 8 })).toEqual(['warning shadowed rules.0.atLeast']);
  });

  it('lets nobody switch off that nobody measures any more', () => {
    const lost = {
      kind: 'technical',
      id: 'technical.lost',
      version: 1,
      condition: 'lost',
      priority: 'medium',
    } as const;
    expect(problems({ ...lost, off: true })).toEqual(['error must-stay-on rules.0.off']);
    expect(problems({ ...lost, priority: 'high' })).toEqual([]);
  });

  it('warns where what is switched off would not hold anyway', () => {
    expect(problems(limit({ off: true }))).toEqual(['warning switches-off-nothing rules.0.off']);
  });

  it('names every problem at once', () => {
    expect(problems(limit({ limit: 999, clearAt: 1_000 }), change({ by: 900 }), repeated())).toHaveLength(4);
  });
});
