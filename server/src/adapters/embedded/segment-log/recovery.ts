import { Failure } from '../../../ports/failure.ts';
import type { BlockSeal } from './block-seal.ts';
import type { LogFiles } from './files.ts';
import { type HeaderOutcome, offsetAt, PAGE, partitionAt, readHeader } from './format.ts';
import { type ByteRange, SegmentScan } from './scan.ts';
import { type Segment, segmentNumberOf, segmentPath } from './segments.ts';

export interface Recovered {
  readonly segments: Segment[];
  readonly next: number[];
  readonly spare: { readonly number: number; readonly path: string; readonly bytes: number } | undefined;
  /** The last page of the last segment, as far as it is filled. */
  readonly tail: Buffer;
  readonly damaged: readonly Damage[];
}

/** Bytes of the log that no longer hold what was written there. Nothing else of it is lost. */
export interface Damage {
  readonly segment: number;
  /** Where, in the segment's file. Empty when the file itself, or its header alone, is what is wrong. */
  readonly ranges: readonly ByteRange[];
  /** Readings that can no longer be read; undefined when that cannot be known. */
  readonly readingsLost: number | undefined;
  /** `forged`: some of it is whole and not what was sealed there. `key-gone`: its key was destroyed. */
  readonly what: 'records' | 'forged' | 'key-gone' | 'header' | 'missing-segment';
}

/** Recovery reads this much at a time: nobody is being served yet. */
const RECOVERY_CHUNK_BYTES = 1024 * 1024;

/**
 * What a folder holds after however the last process ended.
 *
 * The end of the log is the end of the last valid record of the last segment. Bytes that are no record after it are a
 * write that was cut short and never acknowledged (or what a recycled file held before): they are written over. Bytes
 * that are no record before it are damage: the disk lost or changed them. Damage is reported and the rest is served,
 * because a ward without its alarms is worse off than a ward that misses one reading.
 */
export async function recover(
  folder: string,
  partitions: number,
  files: LogFiles,
  seal: BlockSeal | undefined,
): Promise<Recovered> {
  const found = await readHeaders(folder, files, seal);
  for (const file of found) refuseOtherLayout(file.outcome, partitions, folder);
  if (seal === undefined) refuseSealed(found, folder);
  const spare = await takeSpare(found, files, seal);
  const damaged: Damage[] = [];
  const sealedFrom = seal === undefined ? Number.POSITIVE_INFINITY : await firstSealed(found, files);
  const segments = asSegments(found, { partitions, sealedFrom }, damaged);
  const last = segments.at(-1);
  if (last === undefined)
    return { segments, next: new Array<number>(partitions).fill(0), spare, tail: Buffer.alloc(0), damaged };
  if (!found.some((file) => file.number === last.number && isOwnHeader(file)))
    last.base = await endOf(segments.at(-2), partitions, files, seal);
  const count = await countRecords(last, { partitions, files, seal, limit: last.bytes });
  last.end = count.validEnd;
  if (count.damage.length > 0) damaged.push(damageOf(last, count, count.next));
  return { segments, next: count.next, spare, tail: await readTail(last, files), damaged };
}

/** Where the log would end without its last segment: offsets must never be given twice. */
async function endOf(
  segment: Segment | undefined,
  partitions: number,
  files: LogFiles,
  seal: BlockSeal | undefined,
): Promise<readonly number[]> {
  if (segment === undefined) return new Array<number>(partitions).fill(0);
  return (await countRecords(segment, { partitions, files, seal, limit: segment.bytes })).next;
}

export interface RecordCount {
  readonly next: number[];
  readonly validEnd: number;
  readonly valid: number;
  readonly damage: readonly ByteRange[];
  readonly forged: number;
  readonly keyless: number;
}

/** Walks a segment's records up to `limit`. */
export async function countRecords(
  segment: Pick<Segment, 'path' | 'number' | 'base' | 'isSealed'> & Partial<Pick<Segment, 'keyId'>>,
  {
    partitions,
    files,
    seal,
    limit,
  }: {
    readonly partitions: number;
    readonly files: LogFiles;
    readonly seal: BlockSeal | undefined;
    readonly limit: number;
  },
): Promise<RecordCount> {
  const next = Array.from({ length: partitions }, (_, p) => segment.base[p] ?? 0);
  let valid = 0;
  const file = await files.openForReading(segment.path);
  try {
    const scan = new SegmentScan({ file, segment, seal, chunkBytes: RECOVERY_CHUNK_BYTES });
    while (scan.position < limit)
      await scan.next(limit, (buffer, start) => {
        const partition = partitionAt(buffer, start);
        next[partition] = Math.max(next[partition] ?? 0, offsetAt(buffer, start) + 1);
        valid++;
      });
    const { validEnd, damage, forged, keyless } = scan;
    return { next, validEnd, valid, damage, forged, keyless };
  } finally {
    await file.close();
  }
}

/** `next`: the offsets with which the following segment, or the log's end, begins. */
export function damageOf(segment: Segment, count: RecordCount, next: readonly number[]): Damage {
  const written = next.reduce((sum, offset, partition) => sum + offset - (segment.base[partition] ?? 0), 0);
  const what = count.forged > 0 ? 'forged' : count.keyless > 0 ? 'key-gone' : 'records';
  // What a block held that was the last of the log, nobody knows.
  const readingsLost = what !== 'records' && written === count.valid ? undefined : written - count.valid;
  return { segment: segment.number, ranges: count.damage, readingsLost, what };
}

interface FoundFile {
  readonly number: number;
  readonly path: string;
  readonly bytes: number;
  readonly outcome: HeaderOutcome;
}

async function readHeaders(folder: string, files: LogFiles, seal: BlockSeal | undefined): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const page = Buffer.alloc(PAGE);
  for (const { name, bytes } of await files.list(folder)) {
    const number = segmentNumberOf(name);
    if (number === undefined) continue;
    const path = segmentPath(folder, number);
    const file = await files.openForReading(path);
    try {
      page.fill(0);
      await file.read(page, 0, PAGE, 0);
    } finally {
      await file.close();
    }
    found.push({ number, path, bytes, outcome: await proved(readHeader(page), number, seal) });
  }
  return found.sort((a, b) => a.number - b.number);
}

/** A header that somebody changed counts as lost. That of a spare is from its file's life before. */
async function proved(outcome: HeaderOutcome, number: number, seal: BlockSeal | undefined): Promise<HeaderOutcome> {
  if (outcome.kind !== 'header' || outcome.header.keyId === undefined || seal === undefined) return outcome;
  if (outcome.header.number !== number) return outcome;
  const isOurs = await seal.isHeaderOurs(outcome.header.keyId, outcome.proved, outcome.proof);
  return isOurs ? outcome : { kind: 'damaged' };
}

function refuseOtherLayout(outcome: HeaderOutcome, partitions: number, folder: string): void {
  if (outcome.kind === 'unknown-version')
    throw new Failure(
      'data-folder-unusable',
      `the log in ${folder} was written by a newer version of HealthSync (layout ${outcome.version})`,
      { retryable: false },
    );
  if (outcome.kind === 'header' && outcome.header.base.length !== partitions)
    throw new Failure(
      'data-folder-unusable',
      `the log in ${folder} has ${outcome.header.base.length} partitions, but ${partitions} are configured; ` +
        'a patient would change partition and lose the order of readings. Configure the number it was made with.',
      { retryable: false },
    );
}

function refuseSealed(found: readonly FoundFile[], folder: string): void {
  if (found.some(({ outcome }) => outcome.kind === 'header' && outcome.header.keyId !== undefined))
    throw new Failure('data-folder-unusable', `the log in ${folder} is sealed, and no keys are given`, {
      retryable: false,
    });
}

/** The last file is a spare when it is blank or still bears another number, and no record of its own is in it. */
async function takeSpare(
  found: FoundFile[],
  files: LogFiles,
  seal: BlockSeal | undefined,
): Promise<Recovered['spare']> {
  const last = found.at(-1);
  if (last === undefined || isOwnHeader(last)) return undefined;
  if (last.outcome.kind === 'damaged') {
    if (seal !== undefined && (await hasBlocks(last, files, seal))) return undefined;
    if (await hasClearRecords(last, files)) return undefined;
  }
  found.pop();
  return last;
}

async function hasBlocks(file: FoundFile, files: LogFiles, seal: BlockSeal): Promise<boolean> {
  const asked = { partitions: 0, files, seal, limit: file.bytes };
  const { valid, forged, keyless } = await countRecords({ ...file, base: [], isSealed: true }, asked);
  return valid + forged + keyless > 0;
}

async function hasClearRecords(file: FoundFile, files: LogFiles): Promise<boolean> {
  const asked = { partitions: 0, files, seal: undefined, limit: file.bytes };
  return (await countRecords({ ...file, base: [], isSealed: false }, asked)).valid > 0;
}

const isOwnHeader = ({ outcome, number }: FoundFile): boolean =>
  outcome.kind === 'header' && outcome.header.number === number;

function asSegments(
  found: readonly FoundFile[],
  { partitions, sealedFrom }: { readonly partitions: number; readonly sealedFrom: number },
  damaged: Damage[],
): Segment[] {
  const segments: Segment[] = [];
  // Backwards, because a segment whose header is lost borrows where the following one begins: then nobody looks in it
  // first, and who reads on from the one before comes through it.
  let following: readonly number[] | undefined;
  let expected: number | undefined;
  for (const file of found.toReversed()) {
    for (let missing = file.number + 1; expected !== undefined && missing < expected; missing++)
      damaged.push({ segment: missing, ranges: [], readingsLost: undefined, what: 'missing-segment' });
    expected = file.number;
    const own = isOwnHeader(file) && file.outcome.kind === 'header' ? file.outcome.header : undefined;
    if (own === undefined) damaged.push({ segment: file.number, ranges: [], readingsLost: undefined, what: 'header' });
    const base = own?.base ?? following ?? new Array<number>(partitions).fill(0);
    const { number, path, bytes } = file;
    const isBaseKnown = own !== undefined;
    const startedAtMs = own?.startedAtMs ?? 0;
    const ofKey = { isSealed: number >= sealedFrom, keyId: own?.keyId };
    segments.unshift({ number, path, bytes, base, isBaseKnown, startedAtMs, ...ofKey, end: bytes, recycled: false });
    following = base;
  }
  const [oldest] = segments;
  // Nobody would look into it if it began where the following one begins.
  if (oldest?.isBaseKnown === false) oldest.base = new Array<number>(partitions).fill(0);
  return segments;
}

/**
 * From which segment on all are sealed: those in clear, of versions before, come first. One in clear that follows a sealed
 * one was put there by somebody, and none of its records counts.
 */
async function firstSealed(found: readonly FoundFile[], files: LogFiles): Promise<number> {
  let from = 0;
  for (const file of found) {
    const header = isOwnHeader(file) && file.outcome.kind === 'header' ? file.outcome.header : undefined;
    if (header?.keyId !== undefined) break;
    if (header !== undefined || (await hasClearRecords(file, files))) from = file.number + 1;
  }
  return from;
}

async function readTail(last: Segment, files: LogFiles): Promise<Buffer> {
  const tail = Buffer.alloc(last.end % PAGE);
  const file = await files.openForReading(last.path);
  try {
    await file.read(tail, 0, tail.length, last.end - tail.length);
  } finally {
    await file.close();
  }
  return tail;
}
