import type { AlarmKind, Priority } from './alarm.ts';
import type { Consciousness } from './reading.ts';
import type { RuleScope } from './rule-reasons.ts';
import type { VitalName } from './vital.ts';

/**
 * When an alarm rings, as data. Each rule has an id; of all rules of one id the most specific holds (`rulesInForce`).
 * Limits are in the vital's canonical unit, durations in milliseconds of event time.
 */
export type Rule = LimitRule | ChangeRule | RepeatedRule | CombinationRule | News2Rule | TechnicalRule;

interface RuleFace {
  readonly id: string;
  /** Counted by the store, for each place of its own. A default's is ours. */
  readonly version: number;
  readonly priority: Priority;
  /** A switched-off rule replaces what it inherits and never rings. */
  readonly off?: boolean;
  readonly note?: string;
}

/** Present while the value is beyond the limit; the limit itself is still within. */
export interface LimitRule extends RuleFace {
  readonly kind: 'limit';
  readonly vital: VitalName;
  readonly comparison: 'above' | 'below';
  readonly limit: number;
  /** Hysteresis: once present it ends only at this value or further within. Absent: at the limit. */
  readonly clearAt?: number;
  /** Rings once readings show it for this long (`assess-sustained.ts`). Absent or 0: at once. */
  readonly sustainedMs?: number;
}

/** Present while the value has risen or fallen by at least `by` within the window. */
export interface ChangeRule extends RuleFace {
  readonly kind: 'change';
  readonly vital: VitalName;
  readonly direction: 'rise' | 'fall';
  readonly by: number;
  readonly windowMs: number;
  readonly sustainedMs?: number;
}

/** From the n-th beginning of another rule within the window on, that rule's alarm has this priority. */
export interface RepeatedRule extends RuleFace {
  readonly kind: 'repeated';
  readonly rule: string;
  readonly times: number;
  readonly windowMs: number;
}

/** Present while at least so many of the facts are true. */
export interface CombinationRule extends RuleFace {
  readonly kind: 'combination';
  readonly when: FactGroup<Fact | FactGroup<Fact>>;
  readonly sustainedMs?: number;
}

/** `atLeast` 1 is OR, `atLeast` as many as there are is AND. */
export interface FactGroup<Member> {
  readonly atLeast: number;
  readonly of: readonly Member[];
}

/** What is missing, or older than `maxAgeMs`, is neither true nor false. */
export type Fact =
  | {
      readonly vital: VitalName;
      readonly comparison: 'above' | 'below';
      readonly limit: number;
      readonly clearAt?: number;
      readonly maxAgeMs?: number;
    }
  | { readonly oxygen: boolean; readonly maxAgeMs?: number }
  | { readonly consciousness: readonly Consciousness[]; readonly maxAgeMs?: number };

/**
 * NEWS2 at or above a score, or any single parameter at 3. Exactly one of the two. All rules about the score make one
 * alarm of a patient, `NEWS2_ALARM`: a more urgent one raises its priority instead of ringing beside it.
 */
export interface News2Rule extends RuleFace {
  readonly kind: 'news2';
  readonly atLeast?: number;
  readonly single3?: true;
  /** Rings once it was observed for this long (`assess-news2-lasting.ts`). Absent or 0: at once. */
  readonly sustainedMs?: number;
  /** Hysteresis of `atLeast`: once present it ends only at this score or below. Absent: below `atLeast`. */
  readonly clearAt?: number;
  /** It ends once it was observed to be over for this long. Absent or 0: at once. */
  readonly clearAfterMs?: number;
}

/** What the alarm about the score is called, whichever rule began it. */
export const NEWS2_ALARM = 'news2.score';

/** What is wrong with the measurement, not with the patient. */
export interface TechnicalRule extends RuleFace {
  readonly kind: 'technical';
  readonly condition: 'lost' | 'leads-off' | 'battery';
  /** Of `battery`: low below this share, well again from `clearAt` on. */
  readonly below?: number;
  readonly clearAt?: number;
}

export type { RuleScope };

/** A rule together with where it comes from: what a decision names as its reason. */
export interface RuleInForce<R extends Rule = Rule> {
  readonly rule: R;
  readonly scope: RuleScope;
  /** It is an override: until then. */
  readonly untilMs?: number;
}

export function alarmKindOf(rule: Rule): AlarmKind {
  return rule.kind === 'technical' ? 'technical' : 'physiological';
}
