/** A filter of a directory, RFC 7644 §3.4.2.2, as a tree. Attribute names are in lower case: they are case-insensitive. */
export type ScimFilter =
  | { readonly kind: 'compare'; readonly attribute: string; readonly by: Comparison; readonly value: Literal }
  | { readonly kind: 'present'; readonly attribute: string }
  /** `emails[type eq "work"]`: one and the same of several values fulfils all of it. */
  | { readonly kind: 'value'; readonly attribute: string; readonly filter: ScimFilter }
  | { readonly kind: 'not'; readonly filter: ScimFilter }
  | { readonly kind: 'and' | 'or'; readonly left: ScimFilter; readonly right: ScimFilter };

type Comparison = (typeof COMPARISONS)[number];
type Literal = string | number | boolean | null;

const COMPARISONS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;

/** `undefined`: not by that grammar, or nested deeper than anybody means. */
export function parseScimFilter(text: string): ScimFilter | undefined {
  const tokens = tokensOf(text);
  if (tokens === undefined) return undefined;
  const reader = { tokens, at: 0, depth: 0 };
  const filter = either(reader);
  return reader.at === tokens.length ? filter : undefined;
}

/** The one kind that is found by an index: `userName eq "anna"`. */
export function soleEquality(filter: ScimFilter): { readonly attribute: string; readonly value: string } | undefined {
  if (filter.kind !== 'compare' || filter.by !== 'eq' || typeof filter.value !== 'string') return undefined;
  return { attribute: filter.attribute, value: filter.value };
}

/** Whether a resource, as it would be sent, is meant. `under`: what it is a value of, with a dot. */
export function fulfils(resource: object, filter: ScimFilter, under = ''): boolean {
  switch (filter.kind) {
    case 'compare':
      return compares(valuesAt(resource, filter.attribute), { ...filter, attribute: under + filter.attribute });
    case 'present':
      return valuesAt(resource, filter.attribute).some((value) => value !== '' && value !== null);
    case 'value':
      return valuesAt(resource, filter.attribute).some(
        (value) => typeof value === 'object' && value !== null && fulfils(value, filter.filter, `${filter.attribute}.`),
      );
    case 'not':
      return !fulfils(resource, filter.filter, under);
    case 'and':
      return fulfils(resource, filter.left, under) && fulfils(resource, filter.right, under);
    case 'or':
      return fulfils(resource, filter.left, under) || fulfils(resource, filter.right, under);
    default:
      return filter satisfies never;
  }
}

/** Every attribute it looks at, in lower case and without what lies in it. */
export function attributesIn(filter: ScimFilter): readonly string[] {
  switch (filter.kind) {
    case 'compare':
    case 'present':
    case 'value':
      return [filter.attribute.split('.')[0] as string];
    case 'not':
      return attributesIn(filter.filter);
    case 'and':
    case 'or':
      return [...attributesIn(filter.left), ...attributesIn(filter.right)];
    default:
      return filter satisfies never;
  }
}

interface Reader {
  readonly tokens: readonly string[];
  at: number;
  depth: number;
}

/** Directories write two or three; the text is bounded besides. */
const DEPTH_MAX = 10;

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|([()[\]])|([^\s()[\]"]+))/y;

function tokensOf(text: string): readonly string[] | undefined {
  const tokens: string[] = [];
  const trimmed = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < trimmed.length) {
    const [, literal, bracket, word] = TOKEN.exec(trimmed) ?? [];
    const token = literal ?? bracket ?? word;
    if (token === undefined) return undefined;
    tokens.push(token);
  }
  return tokens;
}

/** `and` binds closer than `or`. */
function either(reader: Reader): ScimFilter | undefined {
  return joined(reader, 'or', (inner) => joined(inner, 'and', term));
}

function joined(reader: Reader, kind: 'and' | 'or', next: (reader: Reader) => ScimFilter | undefined) {
  let left = next(reader);
  while (left !== undefined && reader.tokens[reader.at]?.toLowerCase() === kind) {
    reader.at++;
    const right = next(reader);
    left = right && { kind, left, right };
  }
  return left;
}

function term(reader: Reader): ScimFilter | undefined {
  const word = reader.tokens[reader.at];
  if (word === undefined) return undefined;
  if (word === '(') return within(reader, ')');
  if (word.toLowerCase() === 'not') {
    reader.at++;
    const filter = reader.tokens[reader.at] === '(' ? within(reader, ')') : undefined;
    return filter && { kind: 'not', filter };
  }
  const attribute = attributeIn(word);
  if (attribute === undefined) return undefined;
  reader.at++;
  if (reader.tokens[reader.at] === '[') {
    const filter = within(reader, ']');
    return filter && { kind: 'value', attribute, filter };
  }
  const by = reader.tokens[reader.at++]?.toLowerCase();
  if (by === 'pr') return { kind: 'present', attribute };
  const value = literalOf(reader.tokens[reader.at++]);
  const isKnown = (COMPARISONS as readonly (string | undefined)[]).includes(by);
  return isKnown && value !== undefined ? { kind: 'compare', attribute, by: by as Comparison, value } : undefined;
}

/** What stands in brackets, from the opening one to past the closing one. */
function within(reader: Reader, closing: ')' | ']'): ScimFilter | undefined {
  reader.at++;
  if (++reader.depth > DEPTH_MAX) return undefined;
  const filter = either(reader);
  reader.depth--;
  return filter !== undefined && reader.tokens[reader.at++] === closing ? filter : undefined;
}

function attributeIn(word: string): string | undefined {
  const name = word.replace(/^urn:.*:(?=[A-Za-z][\w.$-]*$)/i, '');
  return /^[A-Za-z$][\w$-]*(\.[A-Za-z$][\w$-]*)?$/.test(name) ? name.toLowerCase() : undefined;
}

function literalOf(token: string | undefined): Literal | undefined {
  if (token === undefined || !/^("|-?\d|true$|false$|null$)/.test(token)) return undefined;
  try {
    const literal = JSON.parse(token) as Literal;
    // No text here holds control characters, and the database takes not all of them.
    return typeof literal === 'string' && /\p{Cc}/u.test(literal) ? undefined : literal;
  } catch {
    return undefined;
  }
}

/** All values under a name; of several (mails, members) all, and without a sub-attribute what is their `value`. */
function valuesAt(resource: object, attribute: string): readonly unknown[] {
  return attribute.split('.').reduce<readonly unknown[]>(
    (found, name) =>
      found.flatMap((one) => {
        if (typeof one !== 'object' || one === null) return [];
        const [, value] = Object.entries(one).find(([key]) => key.toLowerCase() === name) ?? [];
        return value === undefined ? [] : Array.isArray(value) ? (value as readonly unknown[]) : [value];
      }),
    [resource],
  );
}

function compares(values: readonly unknown[], filter: Extract<ScimFilter, { kind: 'compare' }>): boolean {
  const { attribute, by, value: wanted } = filter;
  const plain = values.map((one) =>
    typeof one === 'object' && one !== null ? (one as { value?: unknown }).value : one,
  );
  if (by === 'ne' && wanted === null) return plain.length > 0;
  // What is not there equals nothing.
  if (by === 'ne') return !plain.some((one) => isEqual(attribute, one, wanted));
  if (by === 'eq' && wanted === null) return plain.length === 0;
  return plain.some((one) => holds(attribute, one, { by, wanted }));
}

function holds(
  attribute: string,
  one: unknown,
  { by, wanted }: { by: Exclude<Comparison, 'ne'>; wanted: Literal },
): boolean {
  if (by === 'eq') return isEqual(attribute, one, wanted);
  if (typeof one !== 'string' || typeof wanted !== 'string') return false;
  const [text, part] = [folded(attribute, one), folded(attribute, wanted)];
  switch (by) {
    case 'co':
      return text.includes(part);
    case 'sw':
      return text.startsWith(part);
    case 'ew':
      return text.endsWith(part);
    default:
      return inOrder(by, ordered(attribute, text, part));
  }
}

/** Times by when they were, whatever zone they are written in; other texts as texts. */
function ordered(attribute: string, text: string, other: string): number {
  if (!TIMES.includes(attribute)) return text < other ? -1 : text > other ? 1 : 0;
  return Date.parse(text) - Date.parse(other);
}

function inOrder(by: 'gt' | 'ge' | 'lt' | 'le', difference: number): boolean {
  switch (by) {
    case 'gt':
      return difference > 0;
    case 'ge':
      return difference >= 0;
    case 'lt':
      return difference < 0;
    case 'le':
      return difference <= 0;
    default:
      return by satisfies never;
  }
}

function isEqual(attribute: string, one: unknown, wanted: Literal): boolean {
  if (typeof one !== 'string' || typeof wanted !== 'string') return one === wanted;
  if (TIMES.includes(attribute)) return Date.parse(one) === Date.parse(wanted);
  return folded(attribute, one) === folded(attribute, wanted);
}

const TIMES: readonly string[] = ['meta.created', 'meta.lastmodified'];
/** RFC 7643 §7: ids keep their case (`caseExact`); names and mails do not. */
const EXACT: readonly string[] = ['id', 'externalid', 'members', 'members.value', 'meta.version'];
const folded = (attribute: string, text: string): string => (EXACT.includes(attribute) ? text : text.toLowerCase());
