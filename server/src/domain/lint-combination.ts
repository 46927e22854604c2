import { maxAgeOf } from './assess-combination.ts';
import { factsOf } from './assess-rules.ts';
import { assumedIntervalMs } from './freshness.ts';
import { lintEdges, lintSustained, type Report } from './lint-edges.ts';
import type { CombinationRule, Fact, FactGroup } from './rule.ts';
import type { VitalName } from './vital.ts';

/** A combination that could never be true, or would always be. */
export function lintCombination(rule: CombinationRule, report: Report): void {
  const { when, sustainedMs = 0, priority } = rule;
  lintGroup(when, 'when', report);
  when.of.forEach((member, index) => {
    const field = `when.of.${index}`;
    if ('of' in member) {
      lintGroup(member, field, report);
      for (const [inner, fact] of member.of.entries()) lintFact(fact, `${field}.of.${inner}.`, report);
    } else lintFact(member, `${field}.`, report);
  });
  const facts = factsOf(rule);
  const ages = facts.map((fact) => fact.maxAgeMs ?? maxAgeOf(fact));
  if (sustainedMs > Math.min(...ages))
    report(
      'error',
      'sustained-beyond-freshness',
      'sustainedMs',
      'a value that counts for less long than that would be needed',
    );
  const every = facts.flatMap((fact) => ('vital' in fact ? [assumedIntervalMs(fact.vital)] : []));
  lintSustained({ sustainedMs, priority, everyMs: every.length === 0 ? 0 : Math.min(...every) }, report);
}

function lintGroup(group: FactGroup<Fact | FactGroup<Fact>>, field: string, report: Report): void {
  const { atLeast, of } = group;
  if (atLeast > of.length) {
    report('error', 'unreachable', `${field}.atLeast`, `at most ${of.length}, as many as there are`);
    return;
  }
  for (const [index, fact] of of.entries()) {
    if ('of' in fact) continue;
    const before = of.slice(0, index).filter((member): member is Fact => !('of' in member));
    const at = `${field}.of.${index}`;
    if (before.some((other) => isSame(fact, other))) report('error', 'named-twice', at, 'the same fact twice');
    if (atLeast === of.length && before.some((other) => exclude(fact, other)))
      report('error', 'contradictory', at, 'cannot be true together with another one here');
    if (atLeast === 1 && before.some((other) => coverAll(fact, other)))
      report('error', 'always-true', at, 'with another one here every value rings');
  }
}

function lintFact(fact: Fact, prefix: string, report: Report): void {
  if ('vital' in fact) lintEdges(fact, prefix, report);
  else if ('consciousness' in fact && new Set(fact.consciousness).size === 5)
    report('error', 'always-true', `${prefix}consciousness`, 'names every level');
}

type VitalFact = Extract<Fact, { vital: VitalName }>;

/** `HR above 120` and `HR below 110` are never true of one value. */
function exclude(a: Fact, b: Fact): boolean {
  if ('oxygen' in a && 'oxygen' in b) return a.oxygen !== b.oxygen;
  if ('consciousness' in a && 'consciousness' in b)
    return !a.consciousness.some((level) => b.consciousness.includes(level));
  const pair = sides(a, b);
  return pair !== undefined && pair.above.limit >= pair.below.limit;
}

/** Of `HR above 100` and `HR below 110` one is true of every value. */
function coverAll(a: Fact, b: Fact): boolean {
  if ('oxygen' in a && 'oxygen' in b) return a.oxygen !== b.oxygen;
  const pair = sides(a, b);
  return pair !== undefined && pair.above.limit < pair.below.limit;
}

function sides(a: Fact, b: Fact): { readonly above: VitalFact; readonly below: VitalFact } | undefined {
  if (!('vital' in a && 'vital' in b) || a.vital !== b.vital || a.comparison === b.comparison) return undefined;
  return a.comparison === 'above' ? { above: a, below: b } : { above: b, below: a };
}

function isSame(a: Fact, b: Fact): boolean {
  if ('vital' in a && 'vital' in b) return a.vital === b.vital && a.comparison === b.comparison;
  return 'oxygen' in a && 'oxygen' in b && a.oxygen === b.oxygen;
}
