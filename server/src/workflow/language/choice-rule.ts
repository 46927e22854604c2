import type { Comparison } from './comparison.ts';
import type { Scope } from './intrinsic.ts';
import type { Json } from './json.ts';
import { readPath } from './path.ts';
import type { Path } from './path-syntax.ts';
import { StateError } from './state-error.ts';

/** A condition of a Choice, read by `read-choice.ts`. */
export type ChoiceRule =
  | { readonly kind: 'and' | 'or'; readonly rules: readonly ChoiceRule[] }
  | { readonly kind: 'not'; readonly rule: ChoiceRule }
  | { readonly kind: 'present'; readonly variable: Path; readonly expected: boolean }
  | {
      readonly kind: 'test';
      readonly variable: Path;
      readonly test: (value: Json) => boolean;
      readonly expected: boolean;
    }
  | {
      readonly kind: 'compare';
      readonly variable: Path;
      readonly comparison: Comparison;
      readonly operand: { readonly value: Json } | { readonly path: Path };
    };

/** Throws a `StateError` where a path other than that of IsPresent leads nowhere. */
export function holds(rule: ChoiceRule, scope: Scope): boolean {
  switch (rule.kind) {
    case 'and':
      return rule.rules.every((one) => holds(one, scope));
    case 'or':
      return rule.rules.some((one) => holds(one, scope));
    case 'not':
      return !holds(rule.rule, scope);
    case 'present':
      return (readPath(rule.variable, scope) !== undefined) === rule.expected;
    case 'test':
      return rule.test(valueAt(rule.variable, scope)) === rule.expected;
    case 'compare': {
      const { operand } = rule;
      const other = 'path' in operand ? valueAt(operand.path, scope) : operand.value;
      return rule.comparison.holds(valueAt(rule.variable, scope), other);
    }
    default:
      return rule satisfies never;
  }
}

function valueAt(path: Path, scope: Scope): Json {
  const value = readPath(path, scope);
  if (value === undefined)
    throw new StateError('States.Runtime', `Invalid path '${path.text}': the choice state's condition path is empty.`);
  return value;
}
