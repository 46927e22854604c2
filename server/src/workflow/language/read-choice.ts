import type { ChoiceRule } from './choice-rule.ts';
import { COMPARISONS, isOperand, TESTS } from './comparison.ts';
import { ELSEWHERE, type Fields, JSONATA } from './fields.ts';
import type { Json } from './json.ts';

const JOINS: Readonly<Record<string, 'and' | 'or'>> = { And: 'and', Or: 'or' };
/** Rules within rules; far beyond what a person can read. */
const DEPTH_MAX = 16;

/** One rule of a Choice; `known` are the fields it may have besides the condition. */
export function readRule(fields: Fields, known: readonly string[], depth = 0): ChoiceRule | undefined {
  if (depth > DEPTH_MAX) return fields.wrong('', `rules nested more than ${DEPTH_MAX} deep`, 'unsupported');
  const operators = Object.keys(fields.object).filter(isOperator);
  fields.only([...known, ...operators, 'Variable'], { ...ELSEWHERE, Condition: JSONATA });
  if (fields.has('Condition')) return undefined;
  const [operator, second] = operators;
  if (operator === undefined) return fields.wrong('', 'a comparison, And, Or or Not is needed', 'missing');
  if (second !== undefined) return fields.wrong(second, `not together with ${operator}`, 'conflict');
  const join = JOINS[operator];
  if (join !== undefined) return readJoin(fields, operator, join, depth);
  if (operator === 'Not') {
    const inner = fields.inner('Not');
    const rule = inner && readRule(inner, ['Comment'], depth + 1);
    return rule && { kind: 'not', rule };
  }
  return readComparison(fields, operator);
}

function readJoin(fields: Fields, operator: string, kind: 'and' | 'or', depth: number): ChoiceRule | undefined {
  if (fields.has('Variable')) fields.wrong('Variable', `not together with ${operator}`, 'conflict');
  fields.list(operator);
  const rules = fields.objects(operator).map((one) => readRule(one, ['Comment'], depth + 1));
  return rules.every((rule) => rule !== undefined) ? { kind, rules } : undefined;
}

function readComparison(fields: Fields, operator: string): ChoiceRule | undefined {
  if (!fields.has('Variable')) return fields.wrong('Variable', 'is needed', 'missing');
  const variable = fields.path('Variable');
  if (operator === 'IsPresent' || TESTS.has(operator)) {
    const expected = fields.boolean(operator);
    if (variable === undefined || expected === undefined) return undefined;
    const test = TESTS.get(operator);
    return test === undefined ? { kind: 'present', variable, expected } : { kind: 'test', variable, test, expected };
  }
  const comparison = COMPARISONS.get(operator.replace(/Path$/, ''));
  if (comparison === undefined) return undefined;
  if (operator.endsWith('Path')) {
    const path = fields.path(operator);
    return variable && path && { kind: 'compare', variable, comparison, operand: { path } };
  }
  const value = fields.get(operator) as Json;
  if (!isOperand(value, comparison.operand)) return fields.wrong(operator, `must be a ${comparison.operand}`);
  return variable && { kind: 'compare', variable, comparison, operand: { value } };
}

function isOperator(name: string): boolean {
  if (Object.hasOwn(JOINS, name) || name === 'Not' || name === 'IsPresent' || TESTS.has(name)) return true;
  return (
    COMPARISONS.has(name) ||
    (name.endsWith('Path') && name !== 'StringMatchesPath' && COMPARISONS.has(name.slice(0, -4)))
  );
}
