import { PRIORITY_RANK } from './assess-rules.ts';
import type { RuleProblem } from './lint-edges.ts';
import type { ChangeRule, CombinationRule, LimitRule, News2Rule, RepeatedRule, Rule, RuleInForce } from './rule.ts';
import { lintRules } from './rule-lint.ts';
import { VITALS } from './vital.ts';

export type RuleChange =
  | { readonly kind: 'refused'; readonly problems: readonly RuleProblem[] }
  | {
      readonly kind: 'ok';
      /** Rules that are new, or other than before. */
      readonly put: readonly Rule[];
      /** Ids of own rules to take away. */
      readonly remove: readonly string[];
      /** What has to wait for a second person: until then the rule that holds now goes on. */
      readonly wait: readonly WaitingChange[];
      readonly warnings: readonly RuleProblem[];
    };

export interface WaitingChange {
  readonly ruleId: string;
  /** Absent: the own rule is to be taken away. */
  readonly rule?: Rule;
  /** For a person: `limit 160 → 180`. */
  readonly effect: string;
}

/**
 * What a place's own rules become when a person puts this complete list in their place: an own rule that is not on it is
 * taken away, and what it replaced holds again. Refused with every problem at once. What makes a critical rule ring later
 * or less waits for a second person; everything else holds at once.
 */
export function changeRules({
  own,
  requested,
  inherited,
  inheritedLater = [],
}: {
  readonly own: readonly Rule[];
  readonly requested: readonly Rule[];
  /** What holds there without the own ones. */
  readonly inherited: readonly RuleInForce[];
  /**
   * The same whenever an override above begins or ends: what is no looser than an override of some minutes would else
   * stay when that has gone.
   */
  readonly inheritedLater?: readonly (readonly RuleInForce[])[];
}): RuleChange {
  const problems = lintRules(requested, { inherited });
  if (problems.some(({ severity }) => severity === 'error')) return { kind: 'refused', problems };
  const inheritedOf = (id: string) =>
    [inherited, ...inheritedLater].map((rules) => rules.find(({ rule }) => rule.id === id)?.rule);
  const ownOf = (id: string) => own.find((rule) => rule.id === id);
  const put: Rule[] = [];
  const wait: WaitingChange[] = [];
  const remove: string[] = [];
  for (const rule of requested) {
    const before = ownOf(rule.id);
    if (before !== undefined && sameRule(before, rule)) continue;
    const effect = anyWidening(before === undefined ? inheritedOf(rule.id) : [before], [rule]);
    if (effect === undefined) put.push(rule);
    else wait.push({ ruleId: rule.id, rule, effect });
  }
  for (const { id } of own) {
    if (requested.some((rule) => rule.id === id)) continue;
    const effect = anyWidening([ownOf(id)], inheritedOf(id));
    if (effect === undefined) remove.push(id);
    else wait.push({ ruleId: id, effect });
  }
  return { kind: 'ok', put, remove, wait, warnings: problems };
}

/**
 * How a critical rule would ring later or less than now; undefined: it is not critical, or not loosened. Where that
 * cannot be told (another combination), it counts as loosened.
 */
export function wideningOf(before: Rule | undefined, after: Rule | undefined): string | undefined {
  if (before === undefined || before.priority !== 'high' || before.off === true) return undefined;
  if (after === undefined) return 'taken away';
  if (after.off === true) return 'switched off';
  if (PRIORITY_RANK[after.priority] < PRIORITY_RANK[before.priority]) return `${after.priority} instead of high`;
  if (after.kind !== before.kind) return `a rule of another kind (${after.kind})`;
  switch (before.kind) {
    case 'limit':
      return limitWidening(before, after as LimitRule);
    case 'change':
      return changeWidening(before, after as ChangeRule);
    case 'repeated':
      return repeatedWidening(before, after as RepeatedRule);
    case 'combination':
      return combinationWidening(before, after as CombinationRule);
    case 'news2':
      return news2Widening(before, after as News2Rule);
    case 'technical':
      return undefined;
    default:
      return before satisfies never;
  }
}

/** The same for rules that hold one after another. */
export function anyWidening(
  before: readonly (Rule | undefined)[],
  after: readonly (Rule | undefined)[],
): string | undefined {
  for (const was of before)
    for (const is of after) {
      const effect = wideningOf(was, is);
      if (effect !== undefined) return effect;
    }
  return undefined;
}

function limitWidening(before: LimitRule, after: LimitRule): string | undefined {
  const { unit } = VITALS[before.vital];
  const isFurther = before.comparison === 'above' ? after.limit > before.limit : after.limit < before.limit;
  if (isFurther) return `limit ${before.limit} → ${after.limit} ${unit}`;
  return laterBy(before, after);
}

function laterBy(
  { sustainedMs: before = 0 }: { readonly sustainedMs?: number },
  { sustainedMs: after = 0 }: { readonly sustainedMs?: number },
): string | undefined {
  return after > before ? `rings after ${after / 1_000} s instead of ${before / 1_000} s` : undefined;
}

function changeWidening(before: ChangeRule, after: ChangeRule): string | undefined {
  if (after.by > before.by) return `change ${before.by} → ${after.by} ${VITALS[before.vital].unit}`;
  if (after.windowMs < before.windowMs)
    return `within ${after.windowMs / 1_000} s instead of ${before.windowMs / 1_000} s`;
  return laterBy(before, after);
}

function repeatedWidening(before: RepeatedRule, after: RepeatedRule): string | undefined {
  if (after.rule !== before.rule) return `counts ${after.rule}`;
  if (after.times > before.times) return `${before.times} → ${after.times} times`;
  if (after.windowMs < before.windowMs)
    return `within ${after.windowMs / 1_000} s instead of ${before.windowMs / 1_000} s`;
  return undefined;
}

function combinationWidening(before: CombinationRule, after: CombinationRule): string | undefined {
  if (JSON.stringify(sorted(before.when)) !== JSON.stringify(sorted(after.when))) return 'other facts';
  return laterBy(before, after);
}

function news2Widening(before: News2Rule, after: News2Rule): string | undefined {
  if (before.single3 !== after.single3) return 'another part of the score';
  const [was = 0, is = 0] = [before.atLeast, after.atLeast];
  return is > was ? `from NEWS2 ${is} instead of ${was}` : laterBy(before, after);
}

/** The same rule, whatever its version and the order of its fields. */
export function sameRule(a: Rule, b: Rule): boolean {
  return JSON.stringify(sorted({ ...a, version: 0 })) === JSON.stringify(sorted({ ...b, version: 0 }));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, sorted(each)]));
}
