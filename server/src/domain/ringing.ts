import type { AlarmKind, ConditionTransition, Priority } from './alarm.ts';
import { type CompiledRules, factsOf, PRIORITY_RANK } from './assess-rules.ts';
import { NEWS2_ALARM } from './rule.ts';
import type { RingingFor } from './sustained-events.ts';
import type { VitalName } from './vital.ts';

/** Which conditions are present for one patient under one set of rules, followed from transition to transition. */
export interface Ringing {
  readonly present: ReadonlyMap<string, PresentCondition>;
  /** How many of them are physiological. */
  physiological(): number;
  take(transition: ConditionTransition): void;
  readonly ringingFor: RingingFor;
}

export interface PresentCondition {
  readonly sinceMs: number;
  readonly kind: AlarmKind;
  priority: Priority;
}

/** `looksAt`: by rule, from `vitalsLookedAt`. */
export function followRinging(looksAt: ReadonlyMap<string, ReadonlySet<VitalName>>): Ringing {
  const present = new Map<string, PresentCondition>();
  let physiological = 0;
  return {
    present,
    physiological: () => physiological,
    take({ kind, rule, alarmKind, priority, atMs }) {
      const known = present.get(rule);
      if (kind === 'ended') {
        if (known?.kind === 'physiological') physiological--;
        present.delete(rule);
      } else if (known !== undefined) known.priority = priority;
      else {
        if (alarmKind === 'physiological') physiological++;
        present.set(rule, { sinceMs: atMs, kind: alarmKind, priority });
      }
    },
    ringingFor(vital) {
      if (physiological === 0) return undefined;
      let most: PresentCondition | undefined;
      let sinceMs = Number.POSITIVE_INFINITY;
      for (const [rule, condition] of present) {
        if (looksAt.get(rule)?.has(vital) !== true) continue;
        sinceMs = Math.min(sinceMs, condition.sinceMs);
        if (most === undefined || PRIORITY_RANK[condition.priority] > PRIORITY_RANK[most.priority]) most = condition;
      }
      return most && { priority: most.priority, sinceMs };
    },
  };
}

/**
 * The vitals each physiological rule looks at. A critical value of any parameter of NEWS2 is part of the score that
 * rings, so its rules look at all of them.
 */
export function vitalsLookedAt(compiled: CompiledRules): ReadonlyMap<string, ReadonlySet<VitalName>> {
  const looksAt = new Map<string, ReadonlySet<VitalName>>();
  for (const byVital of [compiled.limits, compiled.changes])
    for (const rules of Object.values(byVital))
      for (const { rule } of rules ?? []) looksAt.set(rule.id, new Set([rule.vital]));
  for (const { rule } of compiled.combinations)
    looksAt.set(rule.id, new Set(factsOf(rule).flatMap((fact) => ('vital' in fact ? [fact.vital] : []))));
  if (compiled.news2.length > 0) looksAt.set(NEWS2_ALARM, NEWS2_VITALS);
  return looksAt;
}

const NEWS2_VITALS: ReadonlySet<VitalName> = new Set([
  'heartRate',
  'spo2',
  'respiratoryRate',
  'temperature',
  'systolic',
]);
