import { isSame, type Json } from './json.ts';
import type { Comparison, Filter, Operand, Path } from './path-syntax.ts';

/** How a path is read; given, because reading a path asks filters in turn. */
type Read = (path: Path, roots: { readonly data: Json; readonly context: Json }) => Json | undefined;

export function matches(filter: Filter, element: Json, root: Json, read: Read): boolean {
  const found = (operand: Operand): Json | undefined =>
    operand.kind === 'literal'
      ? operand.value
      : read(operand.path, { data: operand.kind === 'element' ? element : root, context: null });
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((one) => matches(one, element, root, read));
    case 'or':
      return filter.filters.some((one) => matches(one, element, root, read));
    case 'not':
      return !matches(filter.filter, element, root, read);
    case 'exists':
      return found(filter.operand) !== undefined;
    case 'compare':
      return compare(found(filter.left), filter.by, found(filter.right));
    default:
      return filter satisfies never;
  }
}

/** RFC 9535 §2.3.5.2.2: order only among numbers and among strings; nothing equals nothing. */
function compare(left: Json | undefined, by: Comparison, right: Json | undefined): boolean {
  if (by === '==' || by === '!=') return isEqual(left, right) === (by === '==');
  if (by.endsWith('=') && isEqual(left, right)) return true;
  const isOrdered =
    (typeof left === 'number' && typeof right === 'number') || (typeof left === 'string' && typeof right === 'string');
  if (!isOrdered) return false;
  return by.startsWith('<') ? left < right : left > right;
}

function isEqual(left: Json | undefined, right: Json | undefined): boolean {
  return left === undefined || right === undefined ? left === right : isSame(left, right);
}
