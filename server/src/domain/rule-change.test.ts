import { describe, expect, it } from 'vitest';
import type { LimitRule, Rule } from './rule.ts';
import { changeRules, sameRule, wideningOf } from './rule-change.ts';
import { rulesInForce } from './rules-in-force.ts';

const inherited = rulesInForce([]);
const high = (part: Partial<LimitRule> = {}): LimitRule => ({
  kind: 'limit',
  id: 'heartRate.above.high',
  version: 1,
  vital: 'heartRate',
  comparison: 'above',
  limit: 160,
  priority: 'high',
  ...part,
});
const medium = high({ id: 'heartRate.above.medium', priority: 'medium', limit: 130 });

function change(own: readonly Rule[], requested: readonly Rule[]) {
  const result = changeRules({ own, requested, inherited });
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.problems));
  return result;
}

describe('changing the rules of a place', () => {
  it('puts what is new or other, takes away what is not on the list, and leaves the same alone', () => {
    const { put, remove, wait } = change([high({ limit: 140 }), medium], [high({ limit: 135 })]);
    expect([put, remove, wait]).toEqual([[high({ limit: 135 })], [medium.id], []]);
    expect(change([medium], [{ ...medium, version: 9 }])).toMatchObject({ put: [], remove: [], wait: [] });
  });
  it('is refused with every error, and nothing else, where one rule is wrong', () => {
    const result = changeRules({ own: [], requested: [high({ limit: 999 }), { ...medium, clearAt: 200 }], inherited });
    expect(result.kind === 'refused' && result.problems.map(({ field }) => field)).toEqual([
      'rules.0.limit',
      'rules.1.clearAt',
    ]);
  });
  it('what loosens a critical rule waits, everything else holds at once', () => {
    const { put, wait } = change([], [high({ limit: 170 }), medium]);
    expect(put).toEqual([medium]);
    expect(wait).toEqual([{ ruleId: high().id, rule: high({ limit: 170 }), effect: 'limit 160 → 170 /min' }]);
  });
  it('taking away a stricter own rule loosens what holds then', () => {
    const { remove, wait } = change([high({ limit: 140 })], []);
    expect([remove, wait]).toEqual([[], [{ ruleId: high().id, effect: 'limit 140 → 160 /min' }]]);
  });
  it('taking away a looser one tightens, and holds at once', () => {
    expect(change([high({ limit: 170 })], [])).toMatchObject({ remove: [high().id], wait: [] });
  });
});

describe('a critical rule is loosened', () => {
  const spo2 = high({ id: 'spo2.below.high', vital: 'spo2', comparison: 'below', limit: 85 });
  const news2 = { kind: 'news2', id: 'news2.at-least.high', version: 1, atLeast: 7, priority: 'high' } as const;
  it.each([
    [high(), high({ limit: 161 }), 'limit 160 → 161 /min'],
    [spo2, { ...spo2, limit: 84 }, 'limit 85 → 84 %'],
    [high(), high({ sustainedMs: 10_000 }), 'rings after 10 s instead of 0 s'],
    [high(), high({ off: true }), 'switched off'],
    [news2, { ...news2, atLeast: 8 }, 'from NEWS2 8 instead of 7'],
    [news2, { ...news2, sustainedMs: 15_000 }, 'rings after 15 s instead of 0 s'],
    [news2, { ...news2, priority: 'low' }, 'low instead of high'],
    [high(), undefined, 'taken away'],
  ] as const)('%o by %o: %s', (before, after, effect) => expect(wideningOf(before, after)).toBe(effect));

  it.each([
    [high(), high({ limit: 159 })],
    [spo2, { ...spo2, limit: 86 }],
    [high({ sustainedMs: 10_000 }), high()],
    [high(), high({ clearAt: 150 })],
    [high(), high({ note: 'as before' })],
    [medium, { ...medium, limit: 200 }],
    [high({ off: true }), high()],
    [undefined, high()],
  ] as const)('but not %o by %o', (before, after) => expect(wideningOf(before, after)).toBeUndefined());

  it('where it cannot be told, it counts as loosened', () => {
    const when = { atLeast: 1, of: [{ oxygen: true }] } as const;
    const before: Rule = { kind: 'combination', id: 'combination.x', version: 1, priority: 'high', when };
    expect(wideningOf(before, { ...before, when: { atLeast: 1, of: [{ oxygen: false }] } })).toBe('other facts');
    expect(wideningOf(before, { ...before, version: 4 })).toBeUndefined();
  });
});

describe('the same rule', () => {
  it('whatever its version and the order of its fields', () => {
    const { limit, ...rest } = high({ note: 'x' });
    expect(sameRule(high({ note: 'x' }), { ...rest, version: 5, limit })).toBe(true);
    expect(sameRule(high(), high({ note: 'x' }))).toBe(false);
  });
});
