import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { PassThrough, type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import type { LeakHit } from '../domain/leak.ts';
import type { NeedleTable } from '../domain/leak-matcher.ts';
import { createLeakViews } from '../domain/leak-views.ts';

/** Pieces that are read: large enough to be quick, small enough to stop soon. */
const PIECE_BYTES = 256 * 1024;
/** Compressed pieces followed in one file: a Parquet file has some thousands. */
const FRAMES_MAX = 5_000;
/** A few bytes can stand for gigabytes; what is beyond this in one compressed piece is not read. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024;
/** Compressed within compressed; deeper is made to be hard to read. */
const DEPTH_MAX = 2;
/** Files of one folder; more are left out and said. */
const FILES_MAX = 200_000;

export interface FileScan {
  readonly files: number;
  readonly bytes: number;
  readonly leftOut: readonly string[];
}

/**
 * Reads every file in a folder, the newest first, as far as the bound goes: names, contents, and what is compressed in
 * them (gzip, zstd, parts of a ZIP or PDF, wherever in the file). Links are not followed. What cannot be read is said, and the rest is read.
 */
export async function scanFolder(
  folder: string,
  options: {
    readonly table: NeedleTable;
    readonly bytesMax: number;
    readonly onHit: (hit: LeakHit) => void;
    readonly isStopped?: () => boolean;
  },
): Promise<FileScan> {
  const { table, bytesMax, onHit, isStopped = () => false } = options;
  const leftOut: string[] = [];
  const found = await filesIn(folder, leftOut);
  found.sort((a, b) => b.mtimeMs - a.mtimeMs);
  let files = 0;
  let bytes = 0;
  let beyond = 0;
  for (const { path, size } of found) {
    if (isStopped()) break;
    const place = nameWithout(relative(folder, path), table, onHit);
    if (bytes + size > bytesMax) {
      beyond++;
      continue;
    }
    try {
      await scanFile(path, { table, size, onHit: (hit) => onHit({ where: 'file', place, ...hit }) });
      files++;
      bytes += size;
    } catch (error) {
      // Gone since it was listed, or not ours to read.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        leftOut.push(`${place}: ${(error as NodeJS.ErrnoException).code ?? 'unreadable'}`);
    }
  }
  if (beyond > 0) leftOut.push(`${basename(folder)}: ${beyond} files beyond the bound of ${bytesMax} bytes`);
  return { files, bytes, leftOut };
}

/** A file's name can leak as well: where it does, it is not repeated. */
function nameWithout(path: string, table: NeedleTable, onHit: (hit: LeakHit) => void): string {
  const hits: Omit<LeakHit, 'where' | 'place'>[] = [];
  const views = createLeakViews(table, ({ offset: _, ...leak }) => hits.push(leak));
  views.push(Buffer.from(path));
  views.end();
  if (hits.length === 0) return path;
  const place = `${path
    .split('/')
    .slice(0, -1)
    .filter((part) => !leaks(part, table))
    .join('/')}/…`;
  for (const hit of hits) onHit({ where: 'file-name', place, ...hit });
  return place;
}

function leaks(text: string, table: NeedleTable): boolean {
  let isLeak = false;
  const views = createLeakViews(table, () => {
    isLeak = true;
  });
  views.push(Buffer.from(text));
  views.end();
  return isLeak;
}

interface Found {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

async function filesIn(folder: string, leftOut: string[]): Promise<Found[]> {
  const found: Found[] = [];
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const entries = await readdir(next, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      leftOut.push(`${relative(folder, next ?? '') || basename(folder)}: ${error.code}`);
      return [];
    });
    for (const entry of entries) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      if (!entry.isFile()) continue;
      const stat = await lstat(path).catch(() => undefined);
      if (stat?.isFile() === true) found.push({ path, size: stat.size, mtimeMs: stat.mtimeMs });
      if (found.length > FILES_MAX) {
        leftOut.push(`${basename(folder)}: more than ${FILES_MAX} files`);
        return found;
      }
    }
  }
  return found;
}

type Placed = Omit<LeakHit, 'where' | 'place'>;

async function scanFile(
  path: string,
  { table, size, onHit }: { readonly table: NeedleTable; readonly size: number; readonly onHit: (hit: Placed) => void },
): Promise<void> {
  if (size === 0) return;
  const frames: Frame[] = [];
  // What is appended while it is read is read the next time.
  const whole = createReadStream(path, { highWaterMark: PIECE_BYTES, end: size - 1 });
  await follow(whole, {
    table,
    onHit,
    encoding: '',
    onFrame: (frame) => frames.length < FRAMES_MAX && frames.push(frame),
  });
  for (const { at, kind } of frames) {
    const from = createReadStream(path, { highWaterMark: PIECE_BYTES, start: at, end: size - 1 });
    await unpack(from, kind, { table, onHit, encoding: kind, depth: 1 });
  }
}

interface Frame {
  readonly at: number;
  readonly kind: 'gzip' | 'zstd' | 'zip' | 'pdf';
}

async function follow(
  bytes: Readable,
  {
    table,
    onHit,
    encoding,
    onFrame,
  }: {
    readonly table: NeedleTable;
    readonly onHit: (hit: Placed) => void;
    readonly encoding: string;
    readonly onFrame?: (frame: Frame) => void;
  },
): Promise<void> {
  const views = createLeakViews(table, ({ offset, encoding: as, ...leak }) =>
    onHit({ ...leak, offset, encoding: encoding === '' ? as : `${encoding}, ${as}` }),
  );
  let at = 0;
  let before = Buffer.alloc(0);
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    // Preallocated files are mostly zeros: they say nothing, and separate.
    if (isZero(chunk)) views.end();
    else views.push(chunk);
    if (onFrame !== undefined) {
      const joint = before.length === 0 ? chunk : Buffer.concat([before, chunk]);
      for (const frame of framesIn(joint, before.length)) onFrame({ ...frame, at: at - before.length + frame.at });
      before = Buffer.from(joint.subarray(-MAGIC_EDGE));
    }
    at += chunk.length;
    // Others want the turn as well.
    await new Promise((resolve) => setImmediate(resolve));
  }
  views.end();
}

const ZEROS = Buffer.alloc(PIECE_BYTES);
const isZero = (chunk: Buffer): boolean =>
  chunk.length <= ZEROS.length && chunk.equals(ZEROS.subarray(0, chunk.length));

/**
 * RFC 1952 §2.3.1 with the one method there is; RFC 8878 §3.1.1; a part of a ZIP file (APPNOTE 4.3.7: documents of an
 * office are such); a stream of a PDF (ISO 32000-1, 7.3.8: its line ends are these two) that begins as zlib does with the
 * usual window (RFC 1950 §2.2).
 */
const MAGIC: readonly { readonly kind: Frame['kind']; readonly bytes: Buffer; readonly before: number }[] = [
  { kind: 'gzip', bytes: Buffer.from([0x1f, 0x8b, 0x08]), before: 0 },
  { kind: 'zstd', bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), before: 0 },
  { kind: 'zip', bytes: Buffer.from([0x50, 0x4b, 0x03, 0x04]), before: 0 },
  // What stands before the compressed bytes is no part of them.
  { kind: 'pdf', bytes: Buffer.from('stream\r\nx', 'latin1'), before: 8 },
  { kind: 'pdf', bytes: Buffer.from('stream\nx', 'latin1'), before: 7 },
];
const MAGIC_EDGE = Math.max(...MAGIC.map(({ bytes }) => bytes.length)) - 1;

/** Those that do not end before `from`: they were found with the piece before. */
function framesIn(chunk: Buffer, from: number): readonly Frame[] {
  return MAGIC.flatMap(({ kind, bytes, before }) => {
    const found: Frame[] = [];
    const first = Math.max(0, from - bytes.length + 1);
    for (let at = chunk.indexOf(bytes, first); at >= 0; at = chunk.indexOf(bytes, at + 1))
      found.push({ at: at + before, kind });
    return found;
  });
}

/** A part's own header ends where the lengths in it say (APPNOTE 4.3.7); what follows is raw DEFLATE, or as it stands. */
function withoutZipHeader(): Transform {
  let held = Buffer.alloc(0);
  let isBehind = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (isBehind) return done(null, chunk);
      held = Buffer.concat([held, chunk]);
      if (held.length < 30) return done();
      const length = 30 + held.readUInt16LE(26) + held.readUInt16LE(28);
      if (held.length < length) return done();
      isBehind = true;
      done(null, held.subarray(length));
    },
  });
}

const DECODERS: Readonly<Record<Frame['kind'], () => Transform>> = {
  gzip: createGunzip,
  zstd: createZstdDecompress,
  zip: createInflateRaw,
  pdf: createInflate,
};

/** As far as it can be read: what follows a compressed piece, or looks like one and is none, ends it. */
async function unpack(
  packed: Readable,
  kind: Frame['kind'],
  {
    table,
    onHit,
    encoding,
    depth,
  }: {
    readonly table: NeedleTable;
    readonly onHit: (hit: Placed) => void;
    readonly encoding: string;
    readonly depth: number;
  },
): Promise<void> {
  let read = 0;
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      read += chunk.length;
      if (read > FRAME_BYTES_MAX) done(new Error('too much'));
      else done(null, chunk);
    },
  });
  try {
    const unheaded = kind === 'zip' ? withoutZipHeader() : new PassThrough();
    await pipeline(packed, unheaded, DECODERS[kind](), bounded, async (bytes: AsyncIterable<Buffer>) => {
      const [inner, rest] = await peeked(bytes);
      if (inner !== undefined && depth < DEPTH_MAX)
        await unpack(rest, inner, { table, onHit, encoding: `${encoding}, ${inner}`, depth: depth + 1 });
      else await follow(rest, { table, onHit, encoding });
      // The rest of the file is no part of it: thousands of pieces must not each be read to its end.
      packed.destroy();
    });
  } catch {
    // Torn, trailing bytes, or not compressed at all: what could be read was looked at.
  }
}

/** Whether it is compressed once more, and all of it nevertheless. */
async function peeked(bytes: AsyncIterable<Buffer>): Promise<readonly [Frame['kind'] | undefined, Readable]> {
  const { Readable: Streams } = await import('node:stream');
  const pieces = bytes[Symbol.asyncIterator]();
  const first = await pieces.next();
  const head = first.done === true ? Buffer.alloc(0) : first.value;
  const kind = MAGIC.find(
    ({ bytes: magic, before }) => before === 0 && head.subarray(0, magic.length).equals(magic),
  )?.kind;
  async function* all(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    for (;;) {
      const next = await pieces.next();
      if (next.done === true) return;
      yield next.value;
    }
  }
  return [kind, Streams.from(all(), { objectMode: false })];
}
