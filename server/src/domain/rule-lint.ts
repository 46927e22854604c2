import { PRIORITY_RANK } from './assess-rules.ts';
import { TECHNICAL_IDS } from './assess-technical.ts';
import { assumedIntervalMs } from './freshness.ts';
import { lintCombination } from './lint-combination.ts';
import { lintEdges, lintSustained, type Report, type RuleProblem } from './lint-edges.ts';
import type { ChangeRule, LimitRule, News2Rule, RepeatedRule, Rule, RuleInForce, TechnicalRule } from './rule.ts';
import { VITALS } from './vital.ts';

/** What a rule is judged beside: the others of its own place, and what holds there without them. */
export interface LintContext {
  readonly inherited: readonly RuleInForce[];
}

/**
 * What is wrong, or doubtful, with these rules where they would hold: every problem at once, each with its field. Their
 * shape has been checked before (types, units, ids).
 */
export function lintRules(rules: readonly Rule[], { inherited }: LintContext): readonly RuleProblem[] {
  const problems: RuleProblem[] = [];
  const own = new Map(rules.map((rule) => [rule.id, rule]));
  const inForce = [...inherited.map(({ rule }) => rule).filter((rule) => !own.has(rule.id)), ...own.values()];
  const inherits = new Set(inherited.map(({ rule }) => rule.id));
  const seen = new Set<string>();
  rules.forEach((rule, index) => {
    const at = (field: string) => (field === '' ? `rules.${index}` : `rules.${index}.${field}`);
    const report: Report = (severity, code, field, detail) =>
      problems.push({ severity, code, field: at(field), detail });
    if (seen.has(rule.id)) report('error', 'named-twice', '', 'one rule of each id');
    seen.add(rule.id);
    lintId(rule, report);
    if (rule.off === true) lintOff(rule, inherits, report);
    else lintKind(rule, inForce, report);
  });
  return problems;
}

function lintKind(rule: Rule, inForce: readonly Rule[], report: Report): void {
  switch (rule.kind) {
    case 'limit':
      lintLimit(rule, inForce, report);
      break;
    case 'change':
      lintChange(rule, report);
      break;
    case 'repeated':
      lintRepeated(rule, inForce, report);
      break;
    case 'combination':
      lintCombination(rule, report);
      break;
    case 'news2':
      lintNews2(rule, inForce, report);
      break;
    case 'technical':
      lintTechnical(rule, report);
      break;
    default:
      rule satisfies never;
  }
}

/** The id is what people and alarms call the rule by: it must not say another thing than the rule. */
function lintId(rule: Rule, report: Report): void {
  const { id, priority } = rule;
  const expected = expectedId(rule);
  const isRight = rule.kind === 'technical' ? id === expected : id === expected || id.startsWith(`${expected}.`);
  if (!isRight)
    report(
      'error',
      'misleading-id',
      'id',
      `must be ${expected}${rule.kind === 'technical' ? '' : ', or that with .something'}`,
    );
  if (rule.kind === 'news2' && id !== expected && !id.endsWith(`.${priority}`))
    report('error', 'misleading-id', 'id', `must end in .${priority}`);
}

function expectedId(rule: Rule): string {
  switch (rule.kind) {
    case 'limit':
      return `${rule.vital}.${rule.comparison}.${rule.priority}`;
    case 'change':
      return `${rule.vital}.${rule.direction}.${rule.priority}`;
    case 'technical':
      return TECHNICAL_IDS[rule.condition];
    case 'repeated':
    case 'combination':
    case 'news2':
      return rule.kind;
    default:
      return rule satisfies never;
  }
}

function lintOff(rule: Rule, inherits: ReadonlySet<string>, report: Report): void {
  if (rule.kind === 'technical' && rule.condition === 'lost')
    report('error', 'must-stay-on', 'off', 'a patient nobody measures any more must not be silent');
  if (!inherits.has(rule.id))
    report('warning', 'switches-off-nothing', 'off', 'no rule of this id would hold here without it');
}

function lintLimit(rule: LimitRule, inForce: readonly Rule[], report: Report): void {
  const { vital, comparison, limit, clearAt, sustainedMs = 0, priority } = rule;
  const { plausible, unit } = VITALS[vital];
  lintEdges(rule, '', report);
  const others = inForce.filter(
    (other): other is LimitRule =>
      other.kind === 'limit' && other.vital === vital && other.off !== true && other.id !== rule.id,
  );
  const against = others.find((other) =>
    other.comparison === comparison ? false : comparison === 'below' ? limit >= other.limit : limit <= other.limit,
  );
  if (against !== undefined) {
    const side = comparison === 'below' ? 'below the upper' : 'above the lower';
    report('error', 'conflicting-limits', 'limit', `must be ${side} limit ${against.limit}`);
  }
  const urgent = others.find(
    (other) =>
      other.comparison === comparison &&
      PRIORITY_RANK[other.priority] >= PRIORITY_RANK[priority] &&
      (comparison === 'above' ? other.limit <= limit : other.limit >= limit) &&
      (other.sustainedMs ?? 0) <= sustainedMs &&
      (other.priority !== priority || other.limit !== limit || other.id < rule.id),
  );
  if (urgent !== undefined)
    report('warning', 'shadowed', 'limit', `${urgent.id} (${urgent.limit} ${unit}) always rings before it`);
  const opposite = others.find(
    (other) =>
      clearAt !== undefined &&
      other.comparison !== comparison &&
      (comparison === 'above' ? clearAt <= other.limit : clearAt >= other.limit),
  );
  if (opposite !== undefined)
    report(
      'warning',
      'conflicting-limits',
      'clearAt',
      `is well again only beyond ${opposite.id} (${opposite.limit} ${unit})`,
    );
  if (clearAt !== undefined && (clearAt < plausible.min || clearAt > plausible.max))
    report('error', 'never-ends', 'clearAt', `between ${plausible.min} and ${plausible.max} ${unit}`);
  lintSustained({ sustainedMs, priority, everyMs: assumedIntervalMs(vital) }, report);
}

function lintChange({ vital, by, windowMs, sustainedMs = 0, priority }: ChangeRule, report: Report): void {
  const { plausible, unit } = VITALS[vital];
  if (by >= plausible.max - plausible.min)
    report(
      'error',
      'unreachable',
      'by',
      `less than ${plausible.max - plausible.min} ${unit}, so that a value can change by it`,
    );
  const everyMs = assumedIntervalMs(vital);
  if (windowMs < 2 * everyMs)
    report(
      'error',
      'unreachable',
      'windowMs',
      `at least ${(2 * everyMs) / 1_000} s, so that two measurements fall into it`,
    );
  if (sustainedMs >= windowMs)
    report(
      'error',
      'unreachable',
      'sustainedMs',
      'shorter than the window: what it is compared with has left it by then',
    );
  lintSustained({ sustainedMs, priority, everyMs }, report);
}

function lintRepeated({ rule: counted, priority, id }: RepeatedRule, inForce: readonly Rule[], report: Report): void {
  const base = inForce.find((other) => other.id === counted);
  if (base === undefined || base.id === id || base.kind === 'repeated')
    report(
      'error',
      'unknown-rule',
      'rule',
      'must be the id of another rule that holds here, and not one about repetition',
    );
  else if (base.off === true) report('warning', 'unreachable', 'rule', 'is switched off');
  else if (PRIORITY_RANK[priority] <= PRIORITY_RANK[base.priority])
    report('error', 'raises-nothing', 'priority', `must be more urgent than ${base.id} is (${base.priority})`);
}

function lintNews2(rule: News2Rule, inForce: readonly Rule[], report: Report): void {
  const { atLeast, single3, clearAt, sustainedMs = 0, id, priority } = rule;
  if ((atLeast === undefined) === (single3 === undefined))
    report('error', 'invalid-value', 'atLeast', 'either a score or single3');
  if (clearAt !== undefined && single3 === true)
    report('error', 'invalid-value', 'clearAt', 'is a score; a single parameter scores 3 or does not');
  if (clearAt !== undefined && atLeast !== undefined && clearAt >= atLeast)
    report('error', 'hysteresis-wrong-side', 'clearAt', `must be below ${atLeast}: from there on it rings`);
  // The vitals that are measured most often.
  lintSustained({ sustainedMs, priority, everyMs: assumedIntervalMs('heartRate') }, report);
  const urgent = inForce.find(
    (other) =>
      other.kind === 'news2' &&
      other.off !== true &&
      other.id !== id &&
      atLeast !== undefined &&
      other.atLeast !== undefined &&
      PRIORITY_RANK[other.priority] >= PRIORITY_RANK[priority] &&
      other.atLeast <= atLeast &&
      (other.sustainedMs ?? 0) <= sustainedMs,
  );
  if (urgent !== undefined) report('warning', 'shadowed', 'atLeast', `${urgent.id} always rings before it`);
}

function lintTechnical({ condition, below, clearAt }: TechnicalRule, report: Report): void {
  if (condition === 'battery') {
    if (below === undefined) report('error', 'invalid-value', 'below', 'is needed: 0 empty to 1 full');
    else if (clearAt !== undefined && clearAt < below)
      report('error', 'hysteresis-wrong-side', 'clearAt', `at least ${below}`);
  } else if (below !== undefined || clearAt !== undefined)
    report('error', 'invalid-value', below === undefined ? 'clearAt' : 'below', 'only of the battery');
}
