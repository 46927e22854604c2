import type { Json } from './json.ts';
import { parseTimestamp } from './timestamp.ts';

/** The comparison operators of Choice, States Language "Choice State". Values of another type are never matched. */
export interface Comparison {
  /** What a literal operand must be. */
  readonly operand: 'string' | 'number' | 'boolean' | 'timestamp';
  holds(value: Json, operand: Json): boolean;
}

type Order = (difference: number) => boolean;
const ORDERS: Readonly<Record<string, Order>> = {
  Equals: (difference) => difference === 0,
  LessThan: (difference) => difference < 0,
  GreaterThan: (difference) => difference > 0,
  LessThanEquals: (difference) => difference <= 0,
  GreaterThanEquals: (difference) => difference >= 0,
};

/** By name without `Path`; each but StringMatches exists with it too. */
export const COMPARISONS: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  ...Object.entries(ORDERS).flatMap(([name, holds]): [string, Comparison][] => [
    [`String${name}`, ordered('string', holds, compareTexts)],
    [`Numeric${name}`, ordered('number', holds, compareNumbers)],
    [`Timestamp${name}`, ordered('timestamp', holds, compareTimestamps)],
  ]),
  ['BooleanEquals', { operand: 'boolean', holds: (value, operand) => typeof value === 'boolean' && value === operand }],
  [
    'StringMatches',
    {
      operand: 'string',
      holds: (value, pattern) =>
        typeof value === 'string' && typeof pattern === 'string' && matchesPattern(value, pattern),
    },
  ],
]);

/** The type tests; the operand says whether the test is to hold. IsPresent is asked of the path, not of the value. */
export const TESTS: ReadonlyMap<string, (value: Json) => boolean> = new Map([
  ['IsNull', (value: Json) => value === null],
  ['IsNumeric', (value: Json) => typeof value === 'number'],
  ['IsString', (value: Json) => typeof value === 'string'],
  ['IsBoolean', (value: Json) => typeof value === 'boolean'],
  ['IsTimestamp', (value: Json) => parseTimestamp(value) !== undefined],
]);

export function isOperand(value: Json, kind: Comparison['operand']): boolean {
  return kind === 'timestamp' ? parseTimestamp(value) !== undefined : typeof value === kind;
}

function ordered(
  operand: Comparison['operand'],
  holds: Order,
  compare: (a: Json, b: Json) => number | undefined,
): Comparison {
  return {
    operand,
    holds(value, other) {
      const difference = compare(value, other);
      return difference !== undefined && holds(difference);
    },
  };
}

/** By UTF-16 code units, as Java compares. */
function compareTexts(a: Json, b: Json): number | undefined {
  if (typeof a !== 'string' || typeof b !== 'string') return undefined;
  return a === b ? 0 : a < b ? -1 : 1;
}

function compareNumbers(a: Json, b: Json): number | undefined {
  return typeof a === 'number' && typeof b === 'number' ? a - b : undefined;
}

function compareTimestamps(a: Json, b: Json): number | undefined {
  const [first, second] = [parseTimestamp(a), parseTimestamp(b)];
  return first === undefined || second === undefined ? undefined : first - second;
}

/** `*` stands for any characters, `\*` for itself, `\\` for a backslash. Linear in both: no pattern makes it slow. */
export function matchesPattern(text: string, pattern: string): boolean {
  const [first = '', ...rest] = partsOf(pattern);
  if (rest.length === 0) return text === first;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** What stands between the stars. */
function partsOf(pattern: string): readonly string[] {
  const parts = [''];
  for (const [piece] of pattern.matchAll(/\\[\s\S]|[\s\S]/gu)) {
    if (piece === '*') parts.push('');
    else parts.push(`${parts.pop()}${piece.length > 1 && piece.startsWith('\\') ? piece.slice(1) : piece}`);
  }
  return parts;
}
