import type { RuleInput, RuleSetResponse, ShownRule } from '@healthsync/contracts/rule';
import { describe, expect, it } from 'vitest';
import { changesOf, putRule, removeRule, rowsOf } from './rule-draft.ts';

const limit = (limit: number, more: object = {}): RuleInput => ({
  id: 'heartRate.above.high',
  kind: 'limit',
  priority: 'high',
  vital: 'heartRate',
  comparison: 'above',
  limit,
  ...more,
});
const shown = (rule: RuleInput, scope: 'default' | 'patient'): ShownRule => ({ rule, origin: { scope, version: 1 } });
const spo2: RuleInput = { ...limit(85), id: 'spo2.below.high', vital: 'spo2', comparison: 'below' } as RuleInput;

function known(own: readonly RuleInput[]): RuleSetResponse {
  const ids = new Set(own.map(({ id }) => id));
  const inherited = [spo2, limit(160)].filter(({ id }) => !ids.has(id)).map((rule) => shown(rule, 'default'));
  const mine = own.map((rule) => shown(rule, 'patient'));
  return {
    scope: 'patient',
    scopeId: 'P1',
    revision: 1,
    own: mine,
    inForce: [...inherited, ...mine],
    overrides: [],
    proposals: [],
  };
}

describe('the draft of a rule set', () => {
  it('shows what is inherited until it is touched, and then as changed', () => {
    const set = known([]);
    expect(rowsOf(set, []).map(({ rule, state }) => [rule.id, state])).toEqual([
      ['heartRate.above.high', 'inherited'],
      ['spo2.below.high', 'inherited'],
    ]);
    const own = putRule([], limit(170));
    expect(rowsOf(set, own)[0]).toMatchObject({ state: 'changed', rule: { limit: 170 } });
    expect(changesOf(set, own)).toEqual({ changed: [limit(170)], removed: [] });
  });

  it('knows an own rule that was not changed, whatever the order of its members', () => {
    const set = known([limit(170, { clearAt: 165 })]);
    const { clearAt, ...rest } = limit(170, { clearAt: 165 }) as RuleInput & { clearAt: number };
    const own = [{ clearAt, ...rest } as RuleInput];
    expect(rowsOf(set, own)[0]?.state).toBe('own');
    expect(changesOf(set, own).changed).toEqual([]);
  });

  it('shows an own rule that is to go, and names it', () => {
    const set = known([limit(170)]);
    const own = removeRule([limit(170)], 'heartRate.above.high');
    expect(rowsOf(set, own)[0]).toMatchObject({ state: 'removed', rule: { limit: 170 } });
    expect(changesOf(set, own)).toEqual({ changed: [], removed: ['heartRate.above.high'] });
  });
});
