import { crc32 } from 'node:zlib';

/**
 * A segment on disk: one page of header, then records without gaps, then zeros or what a recycled file held before.
 * Little-endian. The number of the segment seeds the CRC of its records, so that a record left over from the file's
 * previous life never passes for one of this life.
 *
 * Header, twice in its page (at 0 and at 2048) so that one bad sector does not hide it:
 *   u32 crc of the rest, 8 bytes magic, u16 version, u16 partitions, u32 segment number, f64 startedAtMs,
 *   f64 × partitions: the offset each partition's next record has
 *
 * Record:
 *   u32 crc of the rest, u16 payload bytes, u8 version, u8 marker, u16 partition, u48 offset, payload
 */
export const PAGE = 4096;
export const RECORD_HEAD = 16;
/** Far above any reading (`reading-codec.ts` needs 852), with room for encryption: what is longer is not a record. */
export const RECORD_PAYLOAD_MAX = 4096;
/** As many offsets as fit in half a page. */
export const PARTITIONS_MAX = 248;

const MAGIC = Buffer.from('HSRDLOG\n', 'latin1');
const VERSION = 1;
const MARKER = 0xc7;
const HEADER_COPIES = [0, PAGE / 2];
const HEADER_FIXED = 28;

export interface SegmentHeader {
  readonly number: number;
  readonly startedAtMs: number;
  /** The offset each partition's next record had when the segment was begun. */
  readonly base: readonly number[];
}

export function writeHeader(page: Buffer, header: SegmentHeader): void {
  page.fill(0, 0, PAGE);
  for (const at of HEADER_COPIES) {
    MAGIC.copy(page, at + 4);
    page.writeUInt16LE(VERSION, at + 12);
    page.writeUInt16LE(header.base.length, at + 14);
    page.writeUInt32LE(header.number, at + 16);
    page.writeDoubleLE(header.startedAtMs, at + 20);
    for (const [p, offset] of header.base.entries()) page.writeDoubleLE(offset, at + HEADER_FIXED + 8 * p);
    page.writeUInt32LE(crc32(page.subarray(at + 4, at + HEADER_FIXED + 8 * header.base.length)), at);
  }
}

export type HeaderOutcome =
  | { readonly kind: 'header'; readonly header: SegmentHeader }
  /** Zeros: prepared, never written to. */
  | { readonly kind: 'blank' }
  | { readonly kind: 'unknown-version'; readonly version: number }
  | { readonly kind: 'damaged' };

export function readHeader(page: Buffer): HeaderOutcome {
  if (page.every((byte) => byte === 0)) return { kind: 'blank' };
  for (const at of HEADER_COPIES) {
    if (!MAGIC.equals(page.subarray(at + 4, at + 12))) continue;
    const partitions = page.readUInt16LE(at + 14);
    const end = at + HEADER_FIXED + 8 * partitions;
    if (partitions > PARTITIONS_MAX || page.readUInt32LE(at) !== crc32(page.subarray(at + 4, end))) continue;
    const version = page.readUInt16LE(at + 12);
    if (version !== VERSION) return { kind: 'unknown-version', version };
    const base = Array.from({ length: partitions }, (_, p) => page.readDoubleLE(at + HEADER_FIXED + 8 * p));
    return {
      kind: 'header',
      header: { number: page.readUInt32LE(at + 16), startedAtMs: page.readDoubleLE(at + 20), base },
    };
  }
  return { kind: 'damaged' };
}

/** Everything of a record's head but the CRC, which needs the segment's number. */
export function writeRecordHead(
  buffer: Buffer,
  start: number,
  record: { readonly payloadBytes: number; readonly partition: number; readonly offset: number },
): void {
  buffer[start + 4] = record.payloadBytes & 0xff;
  buffer[start + 5] = record.payloadBytes >> 8;
  buffer[start + 6] = VERSION;
  buffer[start + 7] = MARKER;
  buffer[start + 8] = record.partition & 0xff;
  buffer[start + 9] = record.partition >> 8;
  buffer.writeUIntLE(record.offset, start + 10, 6);
}

/** Puts the CRCs on the records that fill `start` to `end`. */
export function sealRecords(buffer: Buffer, start: number, end: number, segmentNumber: number): void {
  for (let at = start; at < end; ) {
    const next = at + RECORD_HEAD + payloadBytesAt(buffer, at);
    buffer.writeUInt32LE(crc32(buffer.subarray(at + 4, next), segmentNumber), at);
    at = next;
  }
}

export type RecordOutcome = 'invalid' | 'incomplete' | 'valid';

/** Whether a record of this segment stands at `start`; `incomplete` when `end` comes before its own. */
export function checkRecord(buffer: Buffer, start: number, end: number, segmentNumber: number): RecordOutcome {
  if (end - start < RECORD_HEAD) return 'incomplete';
  if (buffer[start + 7] !== MARKER || buffer[start + 6] !== VERSION) return 'invalid';
  const payloadBytes = payloadBytesAt(buffer, start);
  if (payloadBytes > RECORD_PAYLOAD_MAX) return 'invalid';
  const recordEnd = start + RECORD_HEAD + payloadBytes;
  if (recordEnd > end) return 'incomplete';
  return crc32(buffer.subarray(start + 4, recordEnd), segmentNumber) === buffer.readUInt32LE(start)
    ? 'valid'
    : 'invalid';
}

/** Where, after `start`, the next record might begin; -1 if nowhere before `end`. */
export function nextCandidate(buffer: Buffer, start: number, end: number): number {
  const marker = buffer.indexOf(MARKER, start + 8);
  return marker === -1 || marker >= end ? -1 : marker - 7;
}

export const payloadBytesAt = (buffer: Buffer, start: number): number =>
  (buffer[start + 4] as number) | ((buffer[start + 5] as number) << 8);
export const partitionAt = (buffer: Buffer, start: number): number =>
  (buffer[start + 8] as number) | ((buffer[start + 9] as number) << 8);
export const offsetAt = (buffer: Buffer, start: number): number => buffer.readUIntLE(start + 10, 6);
