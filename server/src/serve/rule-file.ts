import { RuleFile } from '@healthsync/contracts/rule';
import { Compile } from 'typebox/compile';
import { parsePatientId, parseWardId } from '../domain/ids.ts';
import type { RuleProblem } from '../domain/lint-edges.ts';
import type { Rule } from '../domain/rule.ts';
import { lintRules } from '../domain/rule-lint.ts';
import type { RulePlace } from '../domain/rule-place.ts';
import { rulesInForce } from '../domain/rules-in-force.ts';
import type { FieldError } from './problem.ts';
import { readRules } from './rule-shape.ts';
import { fieldErrors, unreadableIn } from './validation.ts';

/** Rules of several places, as they are exported and imported. */
export interface RuleFileSet {
  readonly place: RulePlace;
  readonly rules: readonly Rule[];
}

export type ReadRuleFile =
  | { readonly kind: 'ok'; readonly sets: readonly RuleFileSet[] }
  | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] };

const CHECK = Compile(RuleFile);

export function readRuleFile(text: string): ReadRuleFile {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    return { kind: 'invalid', errors: [{ code: 'malformed-json', field: '', detail: 'is not JSON' }] };
  }
  if (!CHECK.Check(input)) return { kind: 'invalid', errors: fieldErrors(CHECK.Errors(input)) };
  const unreadable = unreadableIn(input);
  if (unreadable.length > 0) return { kind: 'invalid', errors: unreadable };
  const errors: FieldError[] = [];
  const sets: RuleFileSet[] = [];
  for (const [index, { scope, id, rules }] of input.sets.entries()) {
    const place = placeOf(scope, id);
    if (place === undefined)
      errors.push({
        code: 'invalid-value',
        field: `sets.${index}.id`,
        detail: 'the ward’s or patient’s id; none for the house',
      });
    const read = readRules(rules, (rule) => `sets.${index}.rules.${rule}`);
    if (read.kind === 'invalid') errors.push(...read.errors);
    else if (place !== undefined) sets.push({ place, rules: read.rules });
  }
  return errors.length > 0 ? { kind: 'invalid', errors } : { kind: 'ok', sets };
}

/**
 * What the linter says of a file by itself: wards and patients are held against the house of the same file, as where a
 * patient lies is not in it.
 */
export function lintRuleFile(sets: readonly RuleFileSet[]): readonly RuleProblem[] {
  const house = sets.find(({ place }) => place.scope === 'house')?.rules ?? [];
  return sets.flatMap(({ place, rules }, index) => {
    const inherited = rulesInForce(place.scope === 'house' ? [] : [{ scope: 'house', rules: house }]);
    return lintRules(rules, { inherited }).map((problem) => ({ ...problem, field: `sets.${index}.${problem.field}` }));
  });
}

function placeOf(scope: 'house' | 'ward' | 'patient', id: string | undefined): RulePlace | undefined {
  if (scope === 'house') return id === undefined ? { scope } : undefined;
  const [wardId, patientId] = [parseWardId(id), parsePatientId(id)];
  if (scope === 'ward') return wardId && { scope, wardId };
  return patientId && { scope, patientId };
}
