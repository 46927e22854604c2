import { parseNote } from '../domain/audit-head.ts';
import { consistencyPath, inclusionPath, isConsistent, isIncluded, type LeafRange } from '../domain/audit-tree.ts';
import type { AuditStore } from '../ports/audit-store.ts';
import { TILE_SIZE } from '../ports/audit-store.ts';
import { RFC6962 } from './rfc6962.ts';
import { hashesOf } from './tiles.ts';
import { TreeNodes } from './tree-nodes.ts';

/** That this very entry is in the log that was signed. All hashes hexadecimal. */
export interface InclusionProof {
  readonly position: number;
  /** The leaf's bytes, as UTF-8; absent where the entry was deleted after its retention. */
  readonly entry?: string;
  readonly leafHash: string;
  readonly path: readonly string[];
  /** The signed head. */
  readonly head: string;
}

/** That the log of `first` entries is the beginning of the one that was signed. */
export interface ConsistencyProof {
  readonly first: number;
  readonly path: readonly string[];
  readonly head: string;
}

/** Undefined: there is no such entry, or nothing of it is left. */
export async function proveInclusion(store: AuditStore, position: number): Promise<InclusionProof | undefined> {
  const { head, size } = await store.open('healthsync-audit/none');
  if (head === undefined || position >= size) return undefined;
  const [row] = await store.read({ from: position, to: position + 1 });
  const leaf = row === undefined ? await keptLeaf(store, position) : RFC6962.leaf(row.text);
  const path = await hashesOfRanges(store, inclusionPath(position, size));
  if (leaf === undefined || path === undefined) return undefined;
  return { position, ...(row !== undefined && { entry: row.text }), leafHash: hex(leaf), path, head };
}

export async function proveConsistency(store: AuditStore, first: number): Promise<ConsistencyProof | undefined> {
  const { head, size } = await store.open('healthsync-audit/none');
  if (head === undefined || first > size) return undefined;
  const path = await hashesOfRanges(store, consistencyPath(first, size));
  return path === undefined ? undefined : { first, path, head };
}

/** Whether a proof holds, for whoever has only it and trusts its head. */
export function holdsInclusion({ position, entry, leafHash, path, head }: InclusionProof): boolean {
  const note = parseNote(head);
  if (note === undefined || (entry !== undefined && hex(RFC6962.leaf(entry)) !== leafHash)) return false;
  const proof = {
    position,
    size: note.head.size,
    leafHash: bytes(leafHash),
    path: path.map(bytes),
    root: Buffer.from(note.head.rootBase64, 'base64'),
  };
  return isIncluded(proof, RFC6962);
}

export function holdsConsistency({ first, path, head }: ConsistencyProof, firstRoot: Uint8Array): boolean {
  const note = parseNote(head);
  if (note === undefined) return false;
  const root = Buffer.from(note.head.rootBase64, 'base64');
  return isConsistent({ first, size: note.head.size, firstRoot, root, path: path.map(bytes) }, RFC6962);
}

/** A proof as a file: for whoever has neither installation nor database. */
export function proofText(proof: InclusionProof): string {
  return `${JSON.stringify({ format: PROOF_FORMAT, v: 1, ...proof }, null, 2)}\n`;
}

/** Undefined: it is no such file. Whether it proves anything, `holdsInclusion` and the signature of its head say. */
export function parseProof(text: string): InclusionProof | undefined {
  let found: Readonly<Record<string, unknown>>;
  try {
    found = Object(JSON.parse(text));
  } catch {
    return undefined;
  }
  const { format, v, position, entry, leafHash, path, head } = found;
  const isProof =
    format === PROOF_FORMAT &&
    v === 1 &&
    Number.isSafeInteger(position) &&
    (entry === undefined || typeof entry === 'string') &&
    isHash(leafHash) &&
    Array.isArray(path) &&
    // A log of 2^53 entries has paths no longer.
    path.length <= 53 &&
    path.every(isHash) &&
    typeof head === 'string';
  if (!isProof) return undefined;
  return { position: position as number, ...(entry !== undefined && { entry }), leafHash, path, head };
}

const PROOF_FORMAT = 'healthsync-inclusion-proof';
const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

async function keptLeaf(store: AuditStore, position: number): Promise<Uint8Array | undefined> {
  const index = Math.floor(position / TILE_SIZE);
  const tile = (await store.tiles(0, { from: index, to: index + 1 })).get(index);
  return tile === undefined ? undefined : hashesOf(tile)[position % TILE_SIZE];
}

async function hashesOfRanges(store: AuditStore, ranges: readonly LeafRange[]): Promise<string[] | undefined> {
  const nodes = new TreeNodes(store);
  const found: string[] = [];
  for (const range of ranges) {
    const hash = await nodes.range(range);
    if (hash === undefined) return undefined;
    found.push(hex(hash));
  }
  return found;
}

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');
const bytes = (text: string): Uint8Array => Buffer.from(text, 'hex');
