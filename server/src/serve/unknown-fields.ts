import type { TSchema } from 'typebox';

export interface WithoutUnknown {
  /** What is left to be judged. */
  readonly value: unknown;
  /** Where the first of them stand, dotted. */
  readonly named: readonly string[];
  /** All there are. */
  readonly count: number;
}

/** More than these are somebody else's body, or thousands: naming them helps nobody, counting them does. */
const NAMED_MAX = 8;

/**
 * Takes out what a schema has no name for: TypeBox would judge every one of them, by every branch of a union, and
 * thousands fit into a body. Where a schema is open nothing is taken out; of a union what none of its branches knows.
 */
export function withoutUnknown(schema: TSchema, input: unknown): WithoutUnknown {
  const named: string[] = [];
  let count = 0;
  return { value: known([schema], input, ''), named, count };

  /** No deeper than the schema. */
  function known(schemas: readonly Shape[], value: unknown, path: string): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const choices = schemas.flatMap((one) => one.anyOf ?? one);
    if (Array.isArray(value)) {
      const items = choices.flatMap((one) => one.items ?? []);
      return items.length === 0 ? value : value.map((item, index) => known(items, item, inside(path, `${index}`)));
    }
    const objects = choices.filter(({ type }) => !VALUES.has(type ?? ''));
    if (objects.length === 0 || !objects.every(isClosed)) return value;
    const fields = new Set(objects.flatMap(({ properties = {} }) => Object.keys(properties)));
    // By the names of the schema, which are few.
    const present = [...fields].filter((name) => Object.hasOwn(value, name));
    note(Object.keys(value), { fields, present: present.length, path });
    const kept: Record<string, unknown> = {};
    for (const name of present) {
      const ofName = objects.flatMap(({ properties = {} }) =>
        Object.hasOwn(properties, name) ? (properties[name] ?? []) : [],
      );
      kept[name] = known(ofName, (value as Readonly<Record<string, unknown>>)[name], inside(path, name));
    }
    return kept;
  }

  function note(
    names: readonly string[],
    {
      fields,
      present,
      path,
    }: { readonly fields: ReadonlySet<string>; readonly present: number; readonly path: string },
  ): void {
    count += names.length - present;
    if (names.length === present) return;
    for (const name of names) {
      if (named.length >= NAMED_MAX) return;
      if (!fields.has(name)) named.push(inside(path, name));
    }
  }
}

/** What of a schema is looked at. */
interface Shape {
  readonly type?: string;
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: unknown;
  readonly patternProperties?: unknown;
  readonly allOf?: unknown;
}

/** Of these an object is none, whatever its fields. */
const VALUES: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'null', 'array']);

function isClosed({ type, additionalProperties, patternProperties, allOf }: Shape): boolean {
  return type === 'object' && additionalProperties === false && patternProperties === undefined && allOf === undefined;
}

/** A name may be as long as the body. */
function inside(path: string, name: string): string {
  const part = name.slice(0, 64);
  return path === '' ? part : `${path}.${part}`;
}
