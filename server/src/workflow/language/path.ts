import { isList, isObject, type Json } from './json.ts';
import { matches } from './path-filter.ts';
import type { Path, Segment } from './path-syntax.ts';

/** The value, or the list of values; undefined: there is nothing at this path. */
export function readPath(path: Path, roots: { readonly data: Json; readonly context: Json }): Json | undefined {
  const root = path.isContext ? roots.context : roots.data;
  return path.isDefinite ? readOne(path.segments, root) : readMany(path.segments, root, roots);
}

function readOne(segments: readonly Segment[], root: Json): Json | undefined {
  let value: Json | undefined = root;
  for (const segment of segments) {
    value = child(value, segment);
    if (value === undefined) return undefined;
  }
  return value;
}

function child(value: Json, segment: Segment): Json | undefined {
  if (segment.kind === 'name')
    return isObject(value) && Object.hasOwn(value, segment.name) ? value[segment.name] : undefined;
  if (segment.kind === 'index') return isList(value) ? (value.at(segment.index) as Json | undefined) : undefined;
  return undefined;
}

function readMany(segments: readonly Segment[], root: Json, roots: { readonly data: Json }): Json | undefined {
  let values: Json[] = [root];
  let isDefinite = true;
  let descends = false;
  for (const segment of segments) {
    if (segment.kind === 'descend') {
      values = values.flatMap(withDescendants);
      descends = true;
      isDefinite = false;
      continue;
    }
    // Jayway: only what a definite beginning names must be there (and be an array where the path says so).
    if (isDefinite && !isApplicable(values[0] as Json, segment)) return undefined;
    values = values.flatMap((value) => select(value, segment, roots, descends));
    descends = false;
    isDefinite &&= segment.kind === 'name' || segment.kind === 'index';
  }
  return values;
}

function isApplicable(value: Json, segment: Segment): boolean {
  if (segment.kind === 'name' || segment.kind === 'index') return child(value, segment) !== undefined;
  if (segment.kind === 'slice' || segment.kind === 'indices') return isList(value);
  return true;
}

function select(value: Json, segment: Segment, roots: { readonly data: Json }, descends: boolean): readonly Json[] {
  switch (segment.kind) {
    case 'name':
    case 'index': {
      const found = child(value, segment);
      return found === undefined ? [] : [found];
    }
    case 'indices':
      if (!isList(value)) return [];
      return segment.indices.map((index) => value.at(index) as Json | undefined).filter((one) => one !== undefined);
    case 'slice':
      return isList(value) ? slice(value, segment) : [];
    case 'every':
      return childrenOf(value);
    case 'filter': {
      const candidates = isList(value) ? value : isObject(value) && !descends ? [value] : [];
      return candidates.filter((one) => matches(segment.filter, one, roots.data, readPath));
    }
    default:
      return [];
  }
}

/** RFC 9535 §2.3.4.2.2. */
function slice(list: readonly Json[], { from, to, step }: Extract<Segment, { kind: 'slice' }>): readonly Json[] {
  const { length } = list;
  const bound = (index: number) => (index < 0 ? Math.max(0, length + index) : Math.min(index, length));
  const found: Json[] = [];
  for (let index = bound(from ?? 0); index < bound(to ?? length); index += step) found.push(list[index] as Json);
  return found;
}

function childrenOf(value: Json): readonly Json[] {
  if (isList(value)) return value;
  return isObject(value) ? Object.values(value) : [];
}

/** Depth is bounded by what JSON.parse was given: 256 KiB of input (`limits.ts`). */
function withDescendants(value: Json): Json[] {
  const found: Json[] = [];
  const waiting: Json[] = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    found.push(next);
    const children = childrenOf(next);
    for (let index = children.length - 1; index >= 0; index--) waiting.push(children[index] as Json);
  }
  return found;
}

/** A Reference Path: names and indices from the beginning of the list only, so that a value can be put there. */
export function isReferencePath(path: Path): boolean {
  return path.segments.every((segment) => segment.kind === 'name' || (segment.kind === 'index' && segment.index >= 0));
}
