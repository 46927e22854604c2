/**
 * What a new version of an event's schema would break for a receiver of the old one. Receivers must ignore fields they
 * do not know and treat changes they do not know as news of no concern, so adding is allowed; taking away, retyping and
 * making optional what was always there is not. Answers with what is wrong, each with its path; empty: compatible.
 */
export function incompatibilities(before: JsonSchema, after: JsonSchema, path = ''): readonly string[] {
  const found: string[] = [];
  if (typeOf(before) !== typeOf(after)) return [`${path || 'the whole'}: was ${typeOf(before)}, is ${typeOf(after)}`];
  const [valuesBefore, valuesAfter] = [valuesOf(before), valuesOf(after)];
  if (valuesBefore !== undefined)
    for (const value of valuesBefore)
      if (valuesAfter !== undefined && !valuesAfter.includes(value)) found.push(`${path}: no longer "${value}"`);
  if (valuesBefore !== undefined && valuesAfter === undefined) found.push(`${path}: was a closed list`);
  if (before.items !== undefined && after.items !== undefined)
    found.push(...incompatibilities(before.items, after.items, `${path}[]`));
  for (const [name, property] of Object.entries(before.properties ?? {})) {
    const at = path === '' ? name : `${path}.${name}`;
    const now = after.properties?.[name];
    if (now === undefined) found.push(`${at}: is gone`);
    else found.push(...incompatibilities(property, now, at));
    if (before.required?.includes(name) && !after.required?.includes(name)) found.push(`${at}: was always there`);
  }
  return found;
}

export interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
}

function typeOf(schema: JsonSchema): string {
  return schema.type ?? (valuesOf(schema) === undefined ? 'anything' : 'string');
}

function valuesOf(schema: JsonSchema): readonly unknown[] | undefined {
  return schema.const === undefined ? schema.enum : [schema.const];
}
