import { describe, expect, it } from 'vitest';
import type { ConditionTransition } from './alarm.ts';
import { assessRules } from './assess-rules.ts';
import { evaluate } from './evaluate.ts';
import type { PatientId } from './ids.ts';
import type { LimitRule } from './rule.ts';
import { readingOf, T0 } from './test-patient.ts';

const RULES = assessRules({});

function told(readings: readonly ReturnType<typeof readingOf>[], rules = RULES, untilMs?: number) {
  const all: ConditionTransition[] = [];
  evaluate(
    readings,
    () => rules,
    (each) => all.push(each),
    untilMs === undefined ? {} : { untilMs },
  );
  return all.map(({ kind, rule, atMs, patientId }) => `${patientId} ${rule} ${kind} ${(atMs - T0) / 1_000}`);
}

describe('judging a series of readings', () => {
  it('tells what the live path would have told, each patient by themselves', () => {
    const second = (at: number, heartRate: number) => ({
      ...readingOf({ at, vitals: { heartRate } }),
      patientId: 'P2' as PatientId,
    });
    expect(
      told([
        readingOf({ at: 0, vitals: { heartRate: 170 } }),
        second(1, 80),
        readingOf({ at: 2, vitals: { heartRate: 80 } }),
      ]),
    ).toEqual(['P1 heartRate.above.high began 0', 'P1 heartRate.above.high ended 2']);
  });

  it('notices silence when it is due, between readings and after the last', () => {
    const stream = [0, 1, 2, 100].map((at) => readingOf({ at, vitals: { heartRate: 80 } }));
    expect(told(stream, RULES, T0 + 300_000)).toEqual([
      'P1 technical.lost began 32',
      'P1 technical.lost ended 100',
      `P1 technical.lost began ${100 + lostAfter()}`,
    ]);
  });

  it('the same readings under two rules: what a ward wants to know before it changes one', () => {
    const rates = [140, 140, 80, 140, 140, 140, 140, 140, 140, 140, 80];
    const stream = rates.map((heartRate, at) => readingOf({ at, vitals: { heartRate } }));
    const raw: LimitRule = {
      kind: 'limit',
      id: 'heartRate.above.high',
      version: 1,
      vital: 'heartRate',
      comparison: 'above',
      limit: 130,
      priority: 'high',
    };
    const count = (rule: LimitRule) =>
      told(stream, assessRules({ own: [rule] })).filter((each) => each.includes('began')).length;
    expect([count(raw), count({ ...raw, sustainedMs: 5_000 })]).toEqual([2, 1]);
  });
});

/** The gap of 97 s counts as eight intervals at most: (1 + 8) / 2 = 4.5 s, stale after five of them, lost after six times that. */
function lostAfter(): number {
  return 4.5 * 5 * 6;
}
