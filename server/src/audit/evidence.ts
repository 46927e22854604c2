import type { RecordedEntry } from '../domain/audit-entry.ts';
import { parseNote } from '../domain/audit-head.ts';
import type { AuditStore, EntryColumns } from '../ports/audit-store.ts';
import { TILE_SIZE } from '../ports/audit-store.ts';
import { restoresIn } from './accepted-restores.ts';
import { TreeNodes } from './tree-nodes.ts';

/** What a verification looks at: a log in its store, or an exported file. It believes nothing of it. */
export interface AuditEvidence {
  readonly origin: string;
  /** Whatever was signed about it: any size, any order. */
  readonly heads: readonly string[];
  /** Entries that say that a restore was accepted; believed if they are signed, and are in the log. */
  readonly restores?: readonly RecordedEntry[];
  /** How many entries there should be, as far as the evidence itself says. */
  readonly size: number;
  /** Where it begins: a multiple of 256. Before it there are only hashes. */
  readonly from: number;
  /** The perfect subtrees before that. */
  readonly before: readonly Uint8Array[];
  /** It ends where the log goes on: that its end is signed is for the next part to show. */
  readonly isPart?: true;
  /** In order, without gaps. */
  chunks(): AsyncIterable<EvidenceChunk>;
}

export interface EvidenceChunk {
  /** Multiples of 256, but for the end of the log. */
  readonly from: number;
  readonly to: number;
  readonly entries: readonly EvidenceEntry[];
  /** The hashes of full tiles, by their index; those that are kept. */
  readonly tiles: ReadonlyMap<number, Uint8Array>;
  /** Of tiles of which nothing is kept below it: the root, by index. */
  readonly tileRoots: ReadonlyMap<number, Uint8Array>;
}

export interface EvidenceEntry {
  readonly position: number;
  readonly text: string;
  /** What it can be searched by, which must be what it says. */
  readonly columns?: EntryColumns;
}

/** 64 tiles: some 10 MB at a time. */
export const CHUNK_SIZE = 64 * TILE_SIZE;
/** A head a minute for seven years is 3.7 million; a verification takes them all, some hundred bytes each, as they come. */
const HEADS_AT_ONCE = 50_000;

/** The log in its store. Entries that come while it is read are left for the next time. */
export async function evidenceOfStore(
  store: AuditStore,
  options: { readonly from?: number; readonly anchored?: readonly string[] } = {},
): Promise<AuditEvidence> {
  const { origin, size, head } = await store.open('healthsync-audit/none');
  const evidence = await evidenceBetween(store, { origin, from: options.from ?? 0, size, more: [], sizeOfLog: size });
  // Heads of what was written since we looked are no sign of a log that was cut back; those beyond its end are.
  const { size: sizeNow } = await store.open('healthsync-audit/none');
  const heads = evidence.heads.filter((note) => !(sizeOf(note) > size && sizeOf(note) <= sizeNow));
  return { ...evidence, heads: [...heads, ...(options.anchored ?? []), ...(head === undefined ? [] : [head])] };
}

/**
 * The part of it with `from <= position < to`, both multiples of 256, with the heads that were signed in it; `more` are
 * heads besides. For several that look at a log together (`verify-in-parts.ts`).
 */
export async function evidenceOfPart(
  store: AuditStore,
  { from, to, more }: { readonly from: number; readonly to: number; readonly more: readonly string[] },
): Promise<AuditEvidence> {
  const { origin, size: sizeOfLog } = await store.open('healthsync-audit/none');
  const evidence = await evidenceBetween(store, { origin, from, size: to, more, sizeOfLog });
  // Those at its beginning are the part's before it.
  const isOurs = (note: string) => sizeOf(note) > from || from === 0;
  return { ...evidence, heads: evidence.heads.filter((note) => isOurs(note) && sizeOf(note) <= to), isPart: true };
}

/** Of what is kept as a head; NaN where it is none. */
export const sizeOf = (note: string): number => parseNote(note)?.head.size ?? Number.NaN;

async function evidenceBetween(
  store: AuditStore,
  range: {
    readonly origin: string;
    readonly from: number;
    readonly size: number;
    readonly more: readonly string[];
    /** Of all of it, of which this may be a part. */
    readonly sizeOfLog: number;
  },
): Promise<AuditEvidence> {
  const { origin, size, more, sizeOfLog } = range;
  const wanted = Math.min(range.from, size);
  const from = wanted - (wanted % TILE_SIZE);
  const nodes = new TreeNodes(store);
  const before = await nodes.cover({ from: 0, to: from });
  const heads = await headsFrom(store, from, size);
  // Those that came since are of the next time.
  const restores = (await restoresIn(store)).filter(({ position }) => position < sizeOfLog);
  return {
    origin,
    heads: [...heads, ...more],
    restores,
    size,
    from: before === undefined ? 0 : from,
    before: before ?? [],
    async *chunks() {
      for (let at = before === undefined ? 0 : from; at < size; at += CHUNK_SIZE)
        yield await chunkOf(store, nodes, at, Math.min(at + CHUNK_SIZE, size));
    },
  };
}

async function headsFrom(store: AuditStore, from: number, size: number): Promise<readonly string[]> {
  const heads: string[] = [];
  for (let at = from; ; ) {
    const more = await store.heads({ from: at, limit: HEADS_AT_ONCE });
    heads.push(...more);
    const last = Number(more.at(-1)?.split('\n', 2)[1]);
    if (more.length < HEADS_AT_ONCE || !(last < size)) return heads;
    at = last + 1;
  }
}

async function chunkOf(store: AuditStore, nodes: TreeNodes, from: number, to: number): Promise<EvidenceChunk> {
  const indices = { from: from / TILE_SIZE, to: Math.floor(to / TILE_SIZE) };
  const [entries, tiles] = await Promise.all([store.read({ from, to }), store.tiles(0, indices)]);
  const tileRoots = new Map<number, Uint8Array>();
  for (let index = indices.from; index < indices.to; index++) {
    if (tiles.has(index)) continue;
    const root = await nodes.node({ level: 8, index });
    if (root !== undefined) tileRoots.set(index, root);
  }
  return { from, to, entries, tiles, tileRoots };
}
