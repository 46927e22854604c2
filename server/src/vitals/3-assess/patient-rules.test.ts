import { describe, expect, it } from 'vitest';
import type { DeviceId, PatientId, WardId } from '../../domain/ids.ts';
import type { LimitRule } from '../../domain/rule.ts';
import type { RuleOverride, RulePlace } from '../../domain/rule-place.ts';
import type { RegistrySnapshot } from '../../ports/registry.ts';
import { patientRules } from './patient-rules.ts';

const NOW = Date.parse('2026-11-22T03:00:00Z');
const [P1, P2] = ['P1', 'P2'] as PatientId[];
const WARD: RulePlace = { scope: 'ward', wardId: 'W1' as WardId };
const OWN: RulePlace = { scope: 'patient', patientId: P1 as PatientId };

const rule = (limit: number, version = 1): LimitRule => ({
  kind: 'limit',
  id: 'heartRate.above.high',
  version,
  vital: 'heartRate',
  comparison: 'above',
  limit,
  priority: 'high',
});
const override = (place: RulePlace, limit: number, fromMs: number, untilMs: number): RuleOverride => ({
  id: `o${limit}`,
  place,
  rule: rule(limit),
  fromMs,
  untilMs,
});

function snapshot(part: Partial<RegistrySnapshot> = {}): RegistrySnapshot {
  return {
    wards: [],
    beds: [],
    patients: [P1, P2].map((id) => ({ id: id as PatientId, wardId: 'W1' as WardId, spo2Scale: 1 as const })),
    devices: [],
    assignments: [{ deviceId: 'D1' as DeviceId, patientId: P1 as PatientId, fromMs: 0 }],
    revokedSerials: [],
    deviceTokens: [],
    ...part,
  };
}

function limitOf(rules: ReturnType<typeof patientRules>, patient = P1) {
  const [found] = rules.of(patient as PatientId).compiled.limits.heartRate ?? [];
  return found && [found.rule.limit, found.scope, found.untilMs];
}

describe('the rules of a patient', () => {
  it('are the most specific of each id: default, house, ward, its override, patient, their override', () => {
    const set = (place: RulePlace, limit: number) => ({ place, revision: 1, rules: [rule(limit)] });
    const house: RulePlace = { scope: 'house' };
    const layers = [
      [{ sets: [], overrides: [] }, [160, 'default', undefined]],
      [{ sets: [set(house, 150)], overrides: [] }, [150, 'house', undefined]],
      [{ sets: [set(house, 150), set(WARD, 145)], overrides: [] }, [145, 'ward', undefined]],
      [{ sets: [set(WARD, 145)], overrides: [override(WARD, 140, 0, NOW + 5)] }, [140, 'ward', NOW + 5]],
      [{ sets: [set(OWN, 135)], overrides: [override(WARD, 140, 0, NOW + 5)] }, [135, 'patient', undefined]],
      [{ sets: [set(OWN, 135)], overrides: [override(OWN, 130, 0, NOW + 5)] }, [130, 'patient', NOW + 5]],
    ] as const;
    for (const [rules, expected] of layers) expect(limitOf(patientRules(snapshot({ rules }), NOW))).toEqual(expected);
  });

  it('a reread that changes nothing for a patient changes nothing, and makes nothing anew', () => {
    const rules = patientRules(snapshot(), NOW);
    const before = rules.of(P1 as PatientId);
    rules.of(P2 as PatientId);
    rules.follow(
      snapshot({ rules: { sets: [{ place: OWN, revision: 1, rules: [rule(140)] }], overrides: [] } }),
      NOW + 1,
    );
    expect([rules.update(P1 as PatientId), rules.update(P2 as PatientId)]).toEqual([true, false]);
    const after = rules.of(P1 as PatientId);
    expect(after).not.toBe(before);
    rules.follow(
      snapshot({ rules: { sets: [{ place: OWN, revision: 1, rules: [rule(140)] }], overrides: [] } }),
      NOW + 2,
    );
    expect(rules.update(P1 as PatientId)).toBe(false);
    expect(rules.of(P1 as PatientId)).toBe(after);
  });

  it('patients of one ward share what was made of their rules', () => {
    const rules = patientRules(snapshot(), NOW);
    expect(rules.of(P1 as PatientId).compiled).toBe(rules.of(P2 as PatientId).compiled);
  });

  it('overrides begin and end by the clock', () => {
    const overrides = [override(OWN, 130, NOW + 10, NOW + 20)];
    const registry = snapshot({ rules: { sets: [], overrides } });
    const rules = patientRules(registry, NOW);
    expect([limitOf(rules)?.[0], rules.dueMs()]).toEqual([160, NOW + 10]);
    rules.follow(registry, NOW + 10);
    expect([rules.update(P1 as PatientId), limitOf(rules)?.[0], rules.dueMs()]).toEqual([true, 130, NOW + 20]);
    rules.follow(registry, NOW + 20);
    expect([rules.update(P1 as PatientId), limitOf(rules)?.[0], rules.dueMs()]).toEqual([
      true,
      160,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('NEWS2 applies from the sixteenth birthday on, unless it is taken off', () => {
    const born = (birthDate: string, why?: 'pregnancy') =>
      patientRules(
        snapshot({
          patients: [
            {
              id: P1 as PatientId,
              spo2Scale: 1,
              birthDate,
              ...(why === undefined ? {} : { news2Use: { kind: 'off', why } as const }),
            },
          ],
        }),
        NOW,
      ).of(P1 as PatientId).news2NotApplicable;
    expect([born('2010-11-23'), born('2010-11-22'), born('1990-01-01'), born('1990-01-01', 'pregnancy')]).toEqual([
      'under-16',
      undefined,
      undefined,
      'pregnancy',
    ]);
  });

  it('a patient the registry does not know is judged by the house, whatever device speaks for them', () => {
    const house = { place: { scope: 'house' } as const, revision: 1, rules: [rule(150)] };
    const rules = patientRules(snapshot({ patients: [], rules: { sets: [house], overrides: [] } }), NOW);
    expect([limitOf(rules)?.[0], rules.of(P1 as PatientId).devices]).toEqual([150, undefined]);
  });
});
