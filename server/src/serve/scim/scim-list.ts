import { attributesIn, fulfils, parseScimFilter, type ScimFilter, soleEquality } from '../../domain/scim-filter.ts';

export interface Asked {
  readonly startIndex?: number;
  readonly count?: number;
  readonly filter?: string;
}

export type Listed<T> =
  | { readonly kind: 'listed'; readonly total: number; readonly startIndex: number; readonly items: readonly T[] }
  | { readonly kind: 'bad-filter'; readonly detail: string }
  | { readonly kind: 'too-many' };

/** How a kind of resource is looked for. */
interface Source<T, Field extends string> {
  /** What is found by an index, by its attribute in lower case. */
  readonly indexed: Readonly<Record<string, Field>>;
  /** As the index holds it. */
  normal(field: Field, value: string): string;
  page(query: {
    readonly by?: { readonly field: Field; readonly value: string };
    readonly offset: number;
    readonly limit: number;
  }): Promise<{ readonly total: number; readonly items: readonly T[] }>;
  /** As it is sent, but for what a filter cannot ask for. */
  resourceOf(item: T): object;
  readonly unfiltered: readonly string[];
}

/** A page when none is asked for, the largest one, and how many are looked through for what no index finds. */
const PAGE = 100;
const PAGE_MAX = 200;
const LOOKED_AT_MAX = 10_000;

/** A page of those a filter means (RFC 7644 §3.4.2). */
export async function listed<T, Field extends string>(asked: Asked, source: Source<T, Field>): Promise<Listed<T>> {
  // §3.4.2.4: less than 1 is 1, and less than none is none.
  const startIndex = Math.max(1, asked.startIndex ?? 1);
  const window = { offset: startIndex - 1, limit: Math.min(PAGE_MAX, Math.max(0, asked.count ?? PAGE)) };
  if (asked.filter === undefined) return { kind: 'listed', startIndex, ...(await source.page(window)) };
  const filter = parseScimFilter(asked.filter);
  if (filter === undefined) return { kind: 'bad-filter', detail: 'Not a filter by RFC 7644, section 3.4.2.2.' };
  const barred = attributesIn(filter).find((name) => source.unfiltered.includes(name));
  if (barred !== undefined) return { kind: 'bad-filter', detail: `${barred} cannot be filtered by.` };
  const sole = soleEquality(filter);
  const field = sole && source.indexed[sole.attribute];
  if (sole !== undefined && field !== undefined) {
    const by = { field, value: source.normal(field, sole.value) };
    return { kind: 'listed', startIndex, ...(await source.page({ ...window, by })) };
  }
  const meant = await lookedThrough(filter, source);
  if (meant === undefined) return { kind: 'too-many' };
  const items = meant.slice(window.offset, window.offset + window.limit);
  return { kind: 'listed', total: meant.length, startIndex, items };
}

async function lookedThrough<T, Field extends string>(filter: ScimFilter, source: Source<T, Field>) {
  const meant: T[] = [];
  for (let offset = 0; ; offset += PAGE_MAX) {
    const { total, items } = await source.page({ offset, limit: PAGE_MAX });
    if (total > LOOKED_AT_MAX) return undefined;
    meant.push(...items.filter((item) => fulfils(source.resourceOf(item), filter)));
    if (offset + PAGE_MAX >= total) return meant;
  }
}
