import type { LimitRule, Rule } from './rule.ts';
import { VITALS } from './vital.ts';

export interface RuleProblem {
  /** With an error the rules are refused; a warning is for people to think about. */
  readonly severity: 'error' | 'warning';
  readonly code: RuleProblemCode;
  /** Such as `rules.2.limit`. */
  readonly field: string;
  readonly detail: string;
}

/** Stable: the editor and scripts look at these. */
export type RuleProblemCode =
  | 'named-twice'
  | 'misleading-id' // its id says another vital, side or priority
  | 'implausible-limit' // no value could be beyond it, or every one is
  | 'hysteresis-wrong-side'
  | 'never-ends' // no plausible value is well again
  | 'conflicting-limits' // a lower one at or above an upper one
  | 'shadowed' // a more urgent rule always rings first
  | 'slow-critical-alarm'
  | 'needs-next-measurement' // of a vital that is measured more seldom than this asks
  | 'unreachable'
  | 'contradictory'
  | 'always-true'
  | 'sustained-beyond-freshness'
  | 'unknown-rule'
  | 'raises-nothing'
  | 'invalid-value'
  | 'switches-off-nothing'
  | 'must-stay-on';

export type Report = (severity: RuleProblem['severity'], code: RuleProblemCode, field: string, detail: string) => void;

/** At the very edge a limit could never be crossed: beyond is not plausible and is rejected at the door. */
export function lintEdges(
  { vital, comparison, limit, clearAt }: Pick<LimitRule, 'vital' | 'comparison' | 'limit' | 'clearAt'>,
  prefix: string,
  report: Report,
): void {
  const { plausible, unit } = VITALS[vital];
  const isReachable = comparison === 'above' ? limit < plausible.max : limit > plausible.min;
  if (!(limit >= plausible.min && limit <= plausible.max && isReachable))
    report(
      'error',
      'implausible-limit',
      `${prefix}limit`,
      `between ${plausible.min} and ${plausible.max} ${unit}, so that a value can be beyond it`,
    );
  if (clearAt !== undefined && (comparison === 'above' ? clearAt > limit : clearAt < limit))
    report(
      'error',
      'hysteresis-wrong-side',
      `${prefix}clearAt`,
      `must be at ${limit} or ${comparison === 'above' ? 'below' : 'above'}: it ends away from the limit`,
    );
}

/** Beyond a minute a critical alarm is late by what most wards would accept; our own bound, and a warning only. */
const SLOW_CRITICAL_MS = 60_000;

export function lintSustained(
  {
    sustainedMs,
    priority,
    everyMs,
  }: { readonly sustainedMs: number; readonly priority: Rule['priority']; readonly everyMs: number },
  report: Report,
): void {
  if (priority === 'high' && sustainedMs > SLOW_CRITICAL_MS)
    report('warning', 'slow-critical-alarm', 'sustainedMs', `a critical alarm would wait for ${sustainedMs / 1_000} s`);
  if (sustainedMs > 0 && sustainedMs < everyMs)
    report(
      'warning',
      'needs-next-measurement',
      'sustainedMs',
      `usually measured every ${everyMs / 60_000} min: it rings at the second measurement at the earliest`,
    );
}
