/** What a PATCH (RFC 7644 §3.5.2) asks of a user or a group, in plain changes. */
export interface ScimOperation {
  readonly op: string;
  readonly path?: string;
  readonly value?: unknown;
}

export interface ScimChange {
  /** Attribute paths in lower case, with their new value; `null`: taken away. */
  readonly set: ReadonlyMap<string, unknown>;
  readonly addMembers: readonly string[];
  readonly removeMembers: readonly string[];
  /** Exactly these from now on. */
  readonly replaceMembers?: readonly string[];
}

/** Undefined with what is wrong: nothing of a PATCH that is not understood as a whole is done. */
export function readScimPatch(
  operations: readonly ScimOperation[],
):
  | { readonly kind: 'read'; readonly change: ScimChange }
  | { readonly kind: 'refused'; readonly detail: string; readonly scimType: string } {
  const set = new Map<string, unknown>();
  const addMembers: string[] = [];
  const removeMembers: string[] = [];
  let replaceMembers: string[] | undefined;
  for (const [index, { op, path, value }] of operations.entries()) {
    const verb = op.toLowerCase(); // some directories write `Replace`
    if (verb !== 'add' && verb !== 'replace' && verb !== 'remove')
      return refused(index, 'op must be add, replace or remove');
    // §3.5.2.2: without a path nothing is meant to go.
    if (verb === 'remove' && path === undefined) return refused(index, 'remove needs a path', 'noTarget');
    const attributes = path === undefined ? Object.entries(asObject(value) ?? {}) : [[path, value] as const];
    if (attributes.length === 0) return refused(index, 'needs a path, or an object as its value');
    for (const [name, one] of attributes) {
      const attribute = withoutSchema(name).toLowerCase();
      const member = /^members\[\s*value\s+eq\s+"([^"]+)"\s*\]$/i.exec(withoutSchema(name))?.[1];
      if (member !== undefined) {
        if (verb !== 'remove') return refused(index, 'members[…] can only be removed');
        removeMembers.push(member);
      } else if (attribute === 'members') {
        const members = memberIds(one);
        if (members === undefined && verb !== 'remove')
          return refused(index, 'members must be a list of {"value": id}');
        if (verb === 'add') addMembers.push(...(members ?? []));
        else if (verb === 'remove' && members !== undefined) removeMembers.push(...members);
        else replaceMembers = members ?? [];
      } else if (/[[\]]/.test(attribute)) {
        // `emails[type eq "work"].value` and the like: one value is all we keep of these.
        const simple = attribute.replace(/\[[^\]]*\]/, '');
        set.set(simple, verb === 'remove' ? null : one);
      } else {
        set.set(attribute, verb === 'remove' ? null : one);
      }
    }
  }
  const change = { set, addMembers, removeMembers, ...(replaceMembers !== undefined && { replaceMembers }) };
  return { kind: 'read', change };
}

/** The ids in `[{"value": "…"}]`, or in one of these. */
export function memberIds(value: unknown): string[] | undefined {
  const list = Array.isArray(value) ? value : [value];
  const ids = list.map((one) => asObject(one)?.['value']);
  return ids.every((id): id is string => typeof id === 'string') ? ids : undefined;
}

/** `true`, and `"True"` as one large directory writes it. */
export function scimBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  const text = value.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

const withoutSchema = (path: string): string => path.replace(/^urn:[^\s"]+:(?=[A-Za-z][\w.[\]]*)/, '');

const refused = (index: number, detail: string, scimType = 'invalidPath') =>
  ({ kind: 'refused', detail: `Operations.${index}: ${detail}`, scimType }) as const;

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
