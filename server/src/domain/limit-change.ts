import type { Priority } from './alarm.ts';
import { DEFAULT_LIMITS, type LimitRule, limitsInForce } from './threshold.ts';
import { VITALS, type VitalName } from './vital.ts';

/** One rule as a clinician asks for it. */
export interface RequestedLimit {
  readonly vital: string;
  readonly comparison: 'above' | 'below';
  readonly limit: number;
  readonly priority: Priority;
  readonly off?: boolean;
}

export type LimitChange =
  | {
      readonly kind: 'ok';
      readonly rules: readonly LimitRule[];
      /** Ids of own rules to take away. */
      readonly remove: readonly string[];
    }
  | { readonly kind: 'refused'; readonly problems: readonly LimitProblem[] };

export interface LimitProblem {
  readonly code: 'unknown-vital' | 'implausible-limit' | 'named-twice' | 'conflicting-limits';
  /** Such as `rules.2.limit`. */
  readonly field: string;
  readonly detail: string;
}

/**
 * What a patient's own rules become when a clinician puts this list in their place: the complete list, so a rule of the
 * patient's own that is not on it is taken away, and the default of its name, if any, holds again. Refused, with every
 * problem at once, where a limit could never ring, would always ring, or contradicts another.
 */
export function changeLimits(own: readonly LimitRule[], requested: readonly RequestedLimit[]): LimitChange {
  const problems: LimitProblem[] = [];
  const named = new Map<string, LimitRule>();
  requested.forEach((request, index) => {
    const rule = toRule(request, index, own, problems);
    if (rule === undefined) return;
    if (named.has(rule.id))
      problems.push({
        code: 'named-twice',
        field: `rules.${index}`,
        detail: 'one limit for each vital, side and priority',
      });
    named.set(rule.id, rule);
  });
  const rules = [...named.values()];
  const remove = own.map((rule) => rule.id).filter((id) => !named.has(id));
  problems.push(...conflicts(rules, requested));
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'ok', rules, remove };
}

function toRule(
  request: RequestedLimit,
  index: number,
  own: readonly LimitRule[],
  problems: LimitProblem[],
): LimitRule | undefined {
  const { vital, comparison, limit, priority, off } = request;
  if (!Object.hasOwn(VITALS, vital)) {
    problems.push({ code: 'unknown-vital', field: `rules.${index}.vital`, detail: Object.keys(VITALS).join(', ') });
    return undefined;
  }
  const { plausible, unit } = VITALS[vital as VitalName];
  // At the very edge it could never be crossed: beyond is not plausible and is rejected at the door.
  const isReachable = comparison === 'above' ? limit < plausible.max : limit > plausible.min;
  if (!(limit >= plausible.min && limit <= plausible.max && isReachable))
    problems.push({
      code: 'implausible-limit',
      field: `rules.${index}.limit`,
      detail: `between ${plausible.min} and ${plausible.max} ${unit}, so that a value can be beyond it`,
    });
  const id = `${vital}.${comparison}.${priority}`;
  const before = own.find((rule) => rule.id === id) ?? DEFAULT_LIMITS.find((rule) => rule.id === id);
  const version = (before?.version ?? 0) + 1;
  return { id, version, vital: vital as VitalName, comparison, limit, priority, ...(off === true && { off }) };
}

/** No value could lie between a lower limit and an upper one at or below it: the alarm would never be silent. */
function conflicts(rules: readonly LimitRule[], requested: readonly RequestedLimit[]): readonly LimitProblem[] {
  const inForce = limitsInForce(rules);
  return requested.flatMap((request, index): LimitProblem[] => {
    if (request.off === true) return [];
    const against = inForce.find(
      (rule) =>
        rule.vital === request.vital &&
        rule.comparison !== request.comparison &&
        (request.comparison === 'below' ? request.limit >= rule.limit : request.limit <= rule.limit),
    );
    if (against === undefined) return [];
    const side = request.comparison === 'below' ? 'below the upper' : 'above the lower';
    return [
      { code: 'conflicting-limits', field: `rules.${index}.limit`, detail: `must be ${side} limit ${against.limit}` },
    ];
  });
}
