import { readContextPath } from './context.ts';
import { type Expression, evaluate, parseIntrinsic, type Scope } from './intrinsic.ts';
import { isList, isObject, type Json, setMember } from './json.ts';
import type { Path } from './path-syntax.ts';
import type { Report } from './problem.ts';
import { SyntaxFault } from './scanner.ts';

/** States Language, "Payload Template": JSON in which a field `x.$` becomes `x` with the value that its path names. */
export type Template =
  | { readonly kind: 'constant'; readonly value: Json }
  | { readonly kind: 'expression'; readonly expression: Expression }
  | { readonly kind: 'object'; readonly members: readonly (readonly [name: string, template: Template])[] }
  | { readonly kind: 'list'; readonly elements: readonly Template[] };

export function fill(template: Template, scope: Scope): Json {
  switch (template.kind) {
    case 'constant':
      return template.value;
    case 'expression':
      return evaluate(template.expression, scope);
    case 'object': {
      const filled: Record<string, Json> = {};
      for (const [name, member] of template.members) setMember(filled, name, fill(member, scope));
      return filled;
    }
    case 'list':
      return template.elements.map((element) => fill(element, scope));
    default:
      return template satisfies never;
  }
}

export function readTemplate(value: Json, at: string, report: Report): Template {
  if (isList(value)) return asList(value.map((element, index) => readTemplate(element, `${at}[${index}]`, report)));
  if (!isObject(value)) return { kind: 'constant', value };
  const members = Object.entries(value).map(([name, member]) => {
    const path = `${at}.${name}`;
    if (!name.endsWith('.$')) return [name, readTemplate(member, path, report)] as const;
    return [name.slice(0, -2), { kind: 'expression', expression: readExpression(member, path, report) }] as const;
  });
  const names = members.map(([name]) => name);
  for (const name of new Set(names.filter((one, index) => names.indexOf(one) !== index)))
    report(`${at}.${name}`, 'conflict', 'given twice: with .$ and without');
  return asObject(members);
}

function readExpression(value: Json, at: string, report: Report): Expression {
  const nothing: Expression = { kind: 'literal', value: null };
  if (typeof value !== 'string') {
    report(at, 'malformed', 'a field that ends in .$ takes a path or an intrinsic function as text');
    return nothing;
  }
  if (value.startsWith('$')) {
    const path = readContextPath(value, at, report);
    return path === undefined ? nothing : { kind: 'path', path };
  }
  try {
    const expression = parseIntrinsic(value);
    for (const path of pathsOf(expression)) readContextPath(path.text, at, report);
    return expression;
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    report(at, error.message.includes('not supported') ? 'unsupported' : 'malformed', error.message);
    return nothing;
  }
}

function pathsOf(expression: Expression): readonly Path[] {
  if (expression.kind === 'path') return [expression.path];
  return expression.kind === 'call' ? expression.arguments.flatMap(pathsOf) : [];
}

/** What holds no path is one constant, filled in at no cost. */
function asObject(members: readonly (readonly [string, Template])[]): Template {
  if (members.some(([, member]) => member.kind !== 'constant')) return { kind: 'object', members };
  const value: Record<string, Json> = {};
  for (const [name, member] of members) setMember(value, name, (member as { value: Json }).value);
  return { kind: 'constant', value };
}

function asList(elements: readonly Template[]): Template {
  if (elements.some(({ kind }) => kind !== 'constant')) return { kind: 'list', elements };
  return { kind: 'constant', value: elements.map((element) => (element as { value: Json }).value) };
}
