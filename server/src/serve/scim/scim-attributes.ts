import { Type } from 'typebox';

const Names = Type.Optional(Type.String({ maxLength: 400 }));

/** Which attributes of a resource are wanted, or not (RFC 7644 §3.9). */
export const Wanted = Type.Object({ attributes: Names, excludedAttributes: Names });

/** RFC 7643 §7, `returned: always`: an id, and what kind of resource it is. */
const ALWAYS: readonly string[] = ['schemas', 'id'];

/** The resource with those attributes alone, or without them. */
export function narrowed(
  resource: object,
  { attributes, excludedAttributes }: { readonly attributes?: string; readonly excludedAttributes?: string },
): object {
  const [wanted, unwanted] = [namesIn(attributes), namesIn(excludedAttributes)];
  if (wanted.length > 0) return kept(resource, wanted);
  return unwanted.length > 0 ? without(resource, unwanted) : resource;
}

/** In lower case, and without the schema before them. */
const namesIn = (text = ''): readonly string[] =>
  text
    .split(',')
    .map((name) => name.trim().replace(/^urn:.*:(?=[A-Za-z$])/i, ''))
    .filter((name) => name !== '')
    .map((name) => name.toLowerCase());

function kept(resource: object, wanted: readonly string[]): object {
  const entries = Object.entries(resource).flatMap(([key, value]): (readonly [string, unknown])[] => {
    const name = key.toLowerCase();
    if (ALWAYS.includes(name) || wanted.includes(name)) return [[key, value]];
    const within = wanted.flatMap((one) => (one.startsWith(`${name}.`) ? [one.slice(name.length + 1)] : []));
    return within.length === 0 ? [] : [[key, each(value, (part) => only(part, within))]];
  });
  return Object.fromEntries(entries);
}

function without(resource: object, unwanted: readonly string[]): object {
  const entries = Object.entries(resource).flatMap(([key, value]): (readonly [string, unknown])[] => {
    const name = key.toLowerCase();
    if (ALWAYS.includes(name)) return [[key, value]];
    if (unwanted.includes(name)) return [];
    const within = unwanted.flatMap((one) => (one.startsWith(`${name}.`) ? [one.slice(name.length + 1)] : []));
    return [[key, within.length === 0 ? value : each(value, (part) => except(part, within))]];
  });
  return Object.fromEntries(entries);
}

const each = (value: unknown, change: (part: unknown) => unknown): unknown =>
  Array.isArray(value) ? value.map(change) : change(value);

const only = (part: unknown, names: readonly string[]): unknown => filtered(part, (name) => names.includes(name));
const except = (part: unknown, names: readonly string[]): unknown => filtered(part, (name) => !names.includes(name));

function filtered(part: unknown, isKept: (name: string) => boolean): unknown {
  if (typeof part !== 'object' || part === null) return part;
  return Object.fromEntries(Object.entries(part).filter(([key]) => isKept(key.toLowerCase())));
}
