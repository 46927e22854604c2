import { INTRINSICS, type IntrinsicName } from './intrinsic-functions.ts';
import type { Json } from './json.ts';
import { readPath } from './path.ts';
import { scanPath } from './path-parser.ts';
import type { Path } from './path-syntax.ts';
import { Scanner } from './scanner.ts';
import { StateError } from './state-error.ts';

/** States Language, appendix B: `States.Format('bed {}', $.bed)`. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: null | boolean | number | string }
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'call'; readonly name: IntrinsicName; readonly arguments: readonly Expression[] };

export interface Scope {
  readonly data: Json;
  readonly context: Json;
  readonly random: () => number;
}

/** Throws a `StateError`: States.ParameterPathFailure for a path that leads nowhere, States.IntrinsicFailure. */
export function evaluate(expression: Expression, scope: Scope): Json {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'path': {
      const value = readPath(expression.path, scope);
      if (value === undefined)
        throw new StateError('States.ParameterPathFailure', `There is nothing at ${expression.path.text}.`);
      return value;
    }
    case 'call':
      return call(expression, scope);
    default:
      return expression satisfies never;
  }
}

function call({ name, arguments: given }: Extract<Expression, { kind: 'call' }>, scope: Scope): Json {
  const values = given.map((one) => evaluate(one, scope));
  const result = INTRINSICS[name].apply(values, scope.random);
  if (result === undefined) throw new StateError('States.IntrinsicFailure', `${name} cannot take what it was given.`);
  return result;
}

/** Throws a `SyntaxFault`. */
export function parseIntrinsic(text: string): Expression {
  const scanner = new Scanner(text);
  const expression = scanCall(scanner, 1);
  scanner.skipBlanks();
  if (!scanner.isAtEnd) scanner.fail('the call should have ended');
  return expression;
}

/** As Step Functions bounds it. */
const NESTING_MAX = 10;
const NAME = /States\.[A-Za-z0-9]+/y;

function scanCall(scanner: Scanner, depth: number): Expression {
  if (depth > NESTING_MAX) scanner.fail('calls nested more than ten deep');
  const name = scanner.match(NAME) ?? scanner.fail('an intrinsic function expected');
  if (!isKnown(name)) scanner.fail(`the intrinsic function ${name} is not supported`);
  scanner.skipBlanks();
  scanner.expect('(');
  const given = scanArguments(scanner, depth).map((one, index) =>
    name === 'States.Format' && index === 0 ? one : unescaped(one),
  );
  const { min, max } = INTRINSICS[name];
  if (given.length < min || given.length > max) scanner.fail(`${name} takes other arguments`);
  const [template] = given;
  if (name === 'States.Format' && template?.kind === 'literal' && placeholders(template.value) !== given.length - 1)
    scanner.fail('as many {} as further arguments expected');
  return { kind: 'call', name, arguments: given };
}

function scanArguments(scanner: Scanner, depth: number): readonly Expression[] {
  const given: Expression[] = [];
  scanner.skipBlanks();
  if (scanner.take(')')) return given;
  for (;;) {
    scanner.skipBlanks();
    given.push(scanArgument(scanner, depth));
    scanner.skipBlanks();
    if (scanner.take(')')) return given;
    scanner.expect(',');
  }
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function scanArgument(scanner: Scanner, depth: number): Expression {
  const next = scanner.peek();
  if (next === '$') return { kind: 'path', path: scanPath(scanner) };
  if (next === "'") return { kind: 'literal', value: scanText(scanner) };
  if (next === 'S') return scanCall(scanner, depth + 1);
  for (const [word, value] of Object.entries({ null: null, true: true, false: false }))
    if (scanner.take(word)) return { kind: 'literal', value };
  const number = scanner.match(NUMBER) ?? scanner.fail("a path, a '…', a number, null or a call expected");
  return { kind: 'literal', value: Number(number) };
}

/** Appendix B: only `\'`, `\{`, `\}` and `\\`; the last three keep their backslash for States.Format to read. */
function scanText(scanner: Scanner): string {
  scanner.expect("'");
  let text = '';
  for (;;) {
    const next = scanner.peek();
    if (next === '') scanner.fail('the string does not end');
    scanner.at++;
    if (next === "'") return text;
    if (next !== '\\') {
      text += next;
      continue;
    }
    const escaped = scanner.peek();
    if (escaped === '' || !"'{}\\".includes(escaped)) scanner.fail("after a backslash only ', {, } and \\ are taken");
    scanner.at++;
    text += escaped === "'" ? "'" : `\\${escaped}`;
  }
}

function unescaped(expression: Expression): Expression {
  if (expression.kind !== 'literal' || typeof expression.value !== 'string') return expression;
  return { kind: 'literal', value: expression.value.replaceAll(/\\(.)/gs, '$1') };
}

function placeholders(template: unknown): number {
  return typeof template === 'string' ? template.replaceAll(/\\./g, '').split('{}').length - 1 : 0;
}

function isKnown(name: string): name is IntrinsicName {
  return Object.hasOwn(INTRINSICS, name);
}
