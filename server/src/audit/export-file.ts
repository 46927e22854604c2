import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { encodeEntry, type RecordedEntry, readEntry } from '../domain/audit-entry.ts';
import { TILE_SIZE } from '../ports/audit-store.ts';
import { type AuditEvidence, CHUNK_SIZE, type EvidenceChunk, type EvidenceEntry } from './evidence.ts';

/**
 * The log as a file that is verified without the database: JSON Lines. The first line names log, range and the hashes
 * before it; then every signed head, `{"head":…}`, and every accepted restore, `{"restore":…}`, as its entry; then the entries, each line the very bytes that were hashed. Where
 * entries were deleted after their retention, their tile's hashes, `{"tile":…}`, or its root, `{"tileRoot":…}`, stand
 * before what is left of it.
 */
export async function* exportLines(evidence: AuditEvidence): AsyncGenerator<string> {
  const { origin, from, size, before, heads } = evidence;
  const header: Header = { format: FORMAT, v: 1, origin, from, size, before: before.map(hex) };
  yield `${JSON.stringify(header)}\n`;
  for (const head of heads) yield `${JSON.stringify({ head })}\n`;
  for (const restore of evidence.restores ?? []) yield `${JSON.stringify({ restore: encodeEntry(restore) })}\n`;
  for await (const chunk of evidence.chunks()) yield* chunkLines(chunk);
}

function* chunkLines({ from, to, entries, tiles, tileRoots }: EvidenceChunk): Generator<string> {
  let next = 0;
  for (let at = from; at < to; at += TILE_SIZE) {
    const end = Math.min(at + TILE_SIZE, to);
    const lines: string[] = [];
    for (let entry = entries[next]; entry !== undefined && entry.position < end; entry = entries[++next])
      lines.push(`${entry.text}\n`);
    const index = at / TILE_SIZE;
    const tile = tiles.get(index);
    const root = tileRoots.get(index);
    if (lines.length < end - at && tile !== undefined)
      yield `${JSON.stringify({ tile: index, hashes: base64(tile) })}\n`;
    else if (lines.length === 0 && root !== undefined)
      yield `${JSON.stringify({ tileRoot: index, hash: hex(root) })}\n`;
    yield lines.join('');
  }
}

interface Header {
  readonly format: typeof FORMAT;
  readonly v: 1;
  readonly origin: string;
  readonly from: number;
  readonly size: number;
  /** Hexadecimal. */
  readonly before: readonly string[];
}

const FORMAT = 'healthsync-audit-export';

/** Undefined: it is no such file. Its own head lines count like any others: believed if signed. */
export async function evidenceOfFile(
  path: string,
  options: { readonly anchored?: readonly string[] } = {},
): Promise<AuditEvidence | undefined> {
  let header: Header | undefined;
  const heads: string[] = [...(options.anchored ?? [])];
  const restores: RecordedEntry[] = [];
  for await (const line of linesOf(path)) {
    if (header === undefined) {
      header = headerOf(line);
      if (header === undefined) return undefined;
    } else if (line.startsWith(HEAD)) heads.push(headOf(line));
    else if (line.startsWith(RESTORE)) restores.push(...restoreOf(line));
    else break;
  }
  if (header === undefined) return undefined;
  const { origin, from, size, before } = header;
  return {
    origin,
    from,
    size,
    heads,
    restores,
    before: before.map((text) => Buffer.from(text, 'hex')),
    chunks: () => chunksOf(path, from, size),
  };
}

async function* chunksOf(path: string, from: number, size: number): AsyncGenerator<EvidenceChunk> {
  let chunk = emptyChunk(from, size);
  let isHeader = true;
  for await (const line of linesOf(path)) {
    if (isHeader || line.startsWith(HEAD) || line.startsWith(RESTORE) || line === '') {
      isHeader = false;
      continue;
    }
    const found = itemOf(line);
    const at = found.kind === 'entry' ? found.entry.position : found.index * TILE_SIZE;
    while (at >= chunk.to && chunk.to < size) {
      yield chunk;
      chunk = emptyChunk(chunk.to, size);
    }
    if (found.kind === 'entry') chunk.entries.push(found.entry);
    else if (found.kind === 'tile') chunk.tiles.set(found.index, found.hashes);
    else chunk.tileRoots.set(found.index, found.hash);
  }
  while (chunk.from < size) {
    yield chunk;
    if (chunk.to >= size) return;
    chunk = emptyChunk(chunk.to, size);
  }
}

function emptyChunk(from: number, size: number) {
  // Chunks of a file begin where those of a store do.
  const to = Math.min(from - (from % CHUNK_SIZE) + CHUNK_SIZE, size);
  return {
    from,
    to,
    entries: [] as EvidenceEntry[],
    tiles: new Map<number, Uint8Array>(),
    tileRoots: new Map<number, Uint8Array>(),
  };
}

type Item =
  | { readonly kind: 'entry'; readonly entry: EvidenceEntry }
  | { readonly kind: 'tile'; readonly index: number; readonly hashes: Uint8Array }
  | { readonly kind: 'tileRoot'; readonly index: number; readonly hash: Uint8Array };

function itemOf(line: string): Item {
  if (line.startsWith('{"tile":') || line.startsWith('{"tileRoot":')) {
    const { tile, hashes, tileRoot, hash } = parsed(line) ?? {};
    if (typeof tile === 'number') return { kind: 'tile', index: tile, hashes: Buffer.from(String(hashes), 'base64') };
    if (typeof tileRoot === 'number')
      return { kind: 'tileRoot', index: tileRoot, hash: Buffer.from(String(hash), 'hex') };
  }
  // Where it says it stands; a line that does not say stands nowhere and will be found to be no entry.
  const position = Number(POSITION.exec(line)?.[1] ?? 0);
  return { kind: 'entry', entry: { position, text: line } };
}

/** In the order of `encodeEntry`, so that a `position` among the details is not taken for it. */
const POSITION = /"position":(\d{1,16}),(?:"purpose":"(?:[^"\\]|\\.)*",)?"recordedAt":/;

function headOf(line: string): string {
  const { head } = (parsed(line) ?? {}) as { readonly head?: unknown };
  return String(head);
}

const HEAD = '{"head":';
const RESTORE = '{"restore":';

/** What is none excuses nothing. */
function restoreOf(line: string): readonly RecordedEntry[] {
  const { restore } = (parsed(line) ?? {}) as { readonly restore?: unknown };
  const entry = readEntry(String(restore));
  return entry === undefined ? [] : [entry];
}

function headerOf(line: string): Header | undefined {
  const found = parsed(line) as Partial<Header> | undefined;
  const isOne =
    found?.format === FORMAT &&
    found.v === 1 &&
    typeof found.origin === 'string' &&
    Number.isSafeInteger(found.from) &&
    Number.isSafeInteger(found.size) &&
    (found.from ?? -1) % TILE_SIZE === 0 &&
    Array.isArray(found.before);
  return isOne ? (found as Header) : undefined;
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function linesOf(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
