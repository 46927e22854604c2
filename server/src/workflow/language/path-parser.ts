import type { Comparison, Filter, Operand, Path, Segment } from './path-syntax.ts';
import { integer, Scanner } from './scanner.ts';

/** States Language, "Paths". Throws a `SyntaxFault`, also for what Jayway's JsonPath has beyond it: functions, `=~`. */
export function parsePath(text: string): Path {
  const scanner = new Scanner(text);
  const path = scanPath(scanner);
  if (!scanner.isAtEnd) scanner.fail('the path should have ended');
  return path;
}

/** Reads a path that stands at the scanner, as far as it goes. */
export function scanPath(scanner: Scanner): Path {
  const start = scanner.at;
  scanner.expect('$');
  const isContext = scanner.take('$');
  const segments = scanSegments(scanner);
  return {
    text: scanner.text.slice(start, scanner.at),
    isContext,
    isDefinite: isDefinite(segments),
    segments,
  };
}

function isDefinite(segments: readonly Segment[]): boolean {
  return segments.every(({ kind }) => kind === 'name' || kind === 'index');
}

function scanSegments(scanner: Scanner): readonly Segment[] {
  const segments: Segment[] = [];
  for (;;) {
    if (scanner.take('..')) {
      segments.push({ kind: 'descend' });
      segments.push(scanner.peek() === '[' ? bracketed(scanner) : named(scanner));
    } else if (scanner.take('.')) segments.push(named(scanner));
    else if (scanner.peek() === '[') segments.push(bracketed(scanner));
    else return segments;
  }
}

/** Letters of any script, digits, `_` and `-`; anything else goes in brackets and quotes. */
const NAME = /[\p{L}\p{N}_-]+/uy;

function named(scanner: Scanner): Segment {
  if (scanner.take('*')) return { kind: 'every' };
  const name = scanner.match(NAME);
  if (name === undefined) scanner.fail('a name expected');
  if (scanner.peek() === '(') scanner.fail('functions in paths are not supported');
  return { kind: 'name', name };
}

function bracketed(scanner: Scanner): Segment {
  scanner.expect('[');
  scanner.skipBlanks();
  const segment = selector(scanner);
  scanner.skipBlanks();
  if (segment.kind === 'name' && scanner.peek() === ',') scanner.fail('several names at once are not supported');
  scanner.expect(']');
  return segment;
}

function selector(scanner: Scanner): Segment {
  if (scanner.take('*')) return { kind: 'every' };
  if (scanner.peek() === '?') {
    scanner.expect('?');
    return { kind: 'filter', filter: parseFilter(scanner) };
  }
  if (scanner.peek() === "'" || scanner.peek() === '"') return { kind: 'name', name: scanner.quoted() };
  return numbers(scanner);
}

function numbers(scanner: Scanner): Segment {
  const first = integer(scanner);
  scanner.skipBlanks();
  if (scanner.take(':')) return sliceFrom(scanner, first);
  if (first === undefined) scanner.fail('a name in quotes, an index, * or ? expected');
  const indices = [first];
  while (scanner.take(',')) {
    scanner.skipBlanks();
    indices.push(integer(scanner) ?? scanner.fail('an index expected'));
    scanner.skipBlanks();
  }
  return indices.length === 1 ? { kind: 'index', index: first } : { kind: 'indices', indices };
}

function sliceFrom(scanner: Scanner, from: number | undefined): Segment {
  scanner.skipBlanks();
  const to = integer(scanner);
  scanner.skipBlanks();
  const step = scanner.take(':') ? (integer(scanner) ?? 1) : 1;
  if (step < 1) scanner.fail('a step of 1 or more expected');
  return { kind: 'slice', step, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

/** What stands after `[?`. Jayway wants parentheses around the whole; RFC 9535 does without. */
function parseFilter(scanner: Scanner): Filter {
  return either(scanner);
}

function either(scanner: Scanner): Filter {
  const filters = [all(scanner)];
  while (taken(scanner, '||')) filters.push(all(scanner));
  return filters.length === 1 ? (filters[0] as Filter) : { kind: 'or', filters };
}

function all(scanner: Scanner): Filter {
  const filters = [one(scanner)];
  while (taken(scanner, '&&')) filters.push(one(scanner));
  return filters.length === 1 ? (filters[0] as Filter) : { kind: 'and', filters };
}

function one(scanner: Scanner): Filter {
  if (taken(scanner, '!')) return { kind: 'not', filter: one(scanner) };
  if (taken(scanner, '(')) {
    const filter = either(scanner);
    if (!taken(scanner, ')')) scanner.fail(') expected');
    return filter;
  }
  const left = operand(scanner);
  const by = comparison(scanner);
  if (by !== undefined) return { kind: 'compare', left, by, right: operand(scanner) };
  if (left.kind === 'literal') scanner.fail('a comparison expected');
  return { kind: 'exists', operand: left };
}

const COMPARISONS: readonly Comparison[] = ['==', '!=', '<=', '>=', '<', '>'];

function comparison(scanner: Scanner): Comparison | undefined {
  return COMPARISONS.find((by) => taken(scanner, by));
}

const LITERALS = { true: true, false: false, null: null } as const;
/** RFC 8259 §6. */
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function operand(scanner: Scanner): Operand {
  scanner.skipBlanks();
  const next = scanner.peek();
  if (next === '@' || next === '$') return pathOperand(scanner, next);
  if (next === "'" || next === '"') return { kind: 'literal', value: scanner.quoted() };
  for (const [word, value] of Object.entries(LITERALS)) if (scanner.take(word)) return { kind: 'literal', value };
  const number = scanner.match(NUMBER);
  if (number === undefined) scanner.fail('@, $, a string, a number, true, false or null expected');
  return { kind: 'literal', value: Number(number) };
}

function pathOperand(scanner: Scanner, sign: '@' | '$'): Operand & { kind: 'element' | 'path' } {
  const start = scanner.at;
  if (sign === '$') {
    const path = scanPath(scanner);
    if (path.isContext || !path.isDefinite) scanner.fail('a path to one place in the data expected');
    return { kind: 'path', path };
  }
  scanner.expect('@');
  const segments = scanSegments(scanner);
  if (!isDefinite(segments)) scanner.fail('a path to one place in the element expected');
  const text = scanner.text.slice(start, scanner.at);
  return { kind: 'element', path: { text, isContext: false, isDefinite: true, segments } };
}

function taken(scanner: Scanner, sign: string): boolean {
  scanner.skipBlanks();
  return scanner.take(sign);
}
