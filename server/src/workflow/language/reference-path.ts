import { isList, isObject, type Json, withMember } from './json.ts';
import type { Path } from './path-syntax.ts';

/**
 * Puts `value` at a Reference Path, as ResultPath asks: what is missing on the way is made, what is there is kept
 * beside. Undefined: it cannot be put there, because a list ends before, or a scalar is in the way.
 */
export function writeAt(input: Json, path: Path, value: Json): Json | undefined {
  return write(input, path.segments, 0, value);
}

function write(target: Json | undefined, segments: Path['segments'], depth: number, value: Json): Json | undefined {
  const segment = segments[depth];
  if (segment === undefined) return value;
  if (segment.kind === 'name') {
    // Only what is missing is made; a scalar on the way is data that would be lost.
    if (target !== undefined && !isObject(target)) return undefined;
    const present = target ?? {};
    const inner = Object.hasOwn(present, segment.name) ? present[segment.name] : undefined;
    const written = write(inner, segments, depth + 1, value);
    return written === undefined ? undefined : withMember(present, segment.name, written);
  }
  // Lists are changed, never extended: which element would come between?
  if (segment.kind !== 'index' || !isList(target) || segment.index >= target.length) return undefined;
  const written = write(target[segment.index], segments, depth + 1, value);
  return written === undefined ? undefined : target.with(segment.index, written);
}
