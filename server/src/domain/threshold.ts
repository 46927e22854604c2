import type { Cause, Priority } from './alarm.ts';
import { roundToChart } from './news2.ts';
import { VITALS, type VitalName } from './vital.ts';

/** A limit on one vital: the condition is present while the value is beyond it. */
export interface LimitRule {
  /** `heartRate.above.high`: vital, side and priority, so that a patient's own rule replaces the default of that name. */
  readonly id: string;
  readonly version: number;
  readonly vital: VitalName;
  readonly comparison: 'above' | 'below';
  /** Canonical unit of the vital; the limit itself is still within. */
  readonly limit: number;
  readonly priority: Priority;
  /** A switched-off rule replaces the default and never rings; needs a reason, kept with the change. */
  readonly off?: boolean;
}

/** The critical limits of the source documents, and no others: every further default would ring in wards that did not ask. */
export const DEFAULT_LIMITS: readonly LimitRule[] = [
  { id: 'heartRate.above.high', version: 1, vital: 'heartRate', comparison: 'above', limit: 160, priority: 'high' },
  { id: 'spo2.below.high', version: 1, vital: 'spo2', comparison: 'below', limit: 85, priority: 'high' },
];

/** The rules in force for a patient: the defaults, each replaced by the patient's own of the same id, without those off. */
export function limitsInForce(own: readonly LimitRule[]): readonly LimitRule[] {
  const byId = new Map(DEFAULT_LIMITS.map((rule) => [rule.id, rule]));
  for (const rule of own) byId.set(rule.id, rule);
  return [...byId.values()].filter((rule) => rule.off !== true);
}

/** The value as measured is compared, not the rounded one: 84.9 % is below 85 %. */
export function isBeyond(rule: LimitRule, value: number): boolean {
  return rule.comparison === 'above' ? value > rule.limit : value < rule.limit;
}

export function limitCause(rule: LimitRule, value: number): Cause {
  const sign = rule.comparison === 'above' ? '>' : '<';
  return {
    vital: rule.vital,
    value,
    comparison: rule.comparison,
    limit: rule.limit,
    text: `${VITALS[rule.vital].label} ${shown(rule, value)} ${sign} ${rule.limit}`,
  };
}

/** At chart precision, unless that would read `85 < 85`: then with as many decimals as tell the two apart. */
function shown(rule: LimitRule, value: number): string {
  const { decimals } = VITALS[rule.vital];
  const rounded = roundToChart(rule.vital, value);
  if (isBeyond(rule, rounded)) return rounded.toFixed(decimals);
  const finer = [1, 2, 3].map((more) => value.toFixed(decimals + more));
  return finer.find((text) => isBeyond(rule, Number(text))) ?? String(value);
}
