import { RULE_SHAPES, type RuleInput } from '@healthsync/contracts/rule';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { LimitRule, Rule } from '../domain/rule.ts';
import { conversion, toCanonical, unitsOf } from '../domain/unit.ts';
import { VITALS } from '../domain/vital.ts';
import type { FieldError } from './problem.ts';
import { fieldErrors } from './validation.ts';

export type ReadRules =
  | { readonly kind: 'ok'; readonly rules: readonly Rule[] }
  | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] };

/** Rules as people and files write them: checked each by its own kind, so that every error names its field. */
export function readRules(inputs: readonly unknown[], fieldOf = (index: number) => `rules.${index}`): ReadRules {
  const rules: Rule[] = [];
  const errors: FieldError[] = [];
  inputs.forEach((input, index) => {
    const wrong = readRule(input, (rule) => rules.push(rule));
    for (const error of wrong)
      errors.push({ ...error, field: [fieldOf(index), error.field].filter((part) => part !== '').join('.') });
  });
  return errors.length > 0 ? { kind: 'invalid', errors } : { kind: 'ok', rules };
}

/** A rule as it is shown and written to files: everything but its version, which the store counts. */
export function writeRule({ version: _, ...rule }: Rule): RuleInput {
  return rule as RuleInput;
}

const CHECKS = Object.fromEntries(
  Object.entries(RULE_SHAPES).map(([kind, shape]) => [kind, Compile(shape as TSchema)]),
);

function readRule(input: unknown, take: (rule: Rule) => void): readonly FieldError[] {
  const kind = (input as { readonly kind?: unknown } | null)?.kind;
  const check = typeof kind === 'string' && Object.hasOwn(CHECKS, kind) ? CHECKS[kind] : undefined;
  if (check === undefined)
    return [{ code: 'invalid-value', field: 'kind', detail: `one of ${Object.keys(CHECKS).join(', ')}` }];
  if (!check.Check(input)) return fieldErrors(check.Errors(input));
  const rule = { ...(input as RuleInput), version: 1 };
  if (rule.kind !== 'limit') {
    take(rule as Rule);
    return [];
  }
  const { unit, loinc, ...limit } = rule;
  const errors: FieldError[] = [];
  const { vital } = limit;
  if (loinc !== undefined && loinc !== VITALS[vital].loinc)
    errors.push({ code: 'wrong-code', field: 'loinc', detail: `of ${vital} it is ${VITALS[vital].loinc}` });
  const way = conversion(vital, unit ?? VITALS[vital].unit);
  if (way === undefined)
    errors.push({ code: 'unknown-unit', field: 'unit', detail: `one of ${unitsOf(vital).join(' ')}` });
  else if (errors.length === 0)
    take({
      ...limit,
      limit: toCanonical(limit.limit, way),
      ...(limit.clearAt === undefined ? undefined : { clearAt: toCanonical(limit.clearAt, way) }),
    } as LimitRule);
  return errors;
}
