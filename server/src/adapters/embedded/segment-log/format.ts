import { crc32 } from 'node:zlib';

/**
 * A segment on disk: one page of header, then records without gaps, then zeros or what a recycled file held before.
 * Little-endian. The number of the segment seeds the CRC of its records, so that a record left over from the file's
 * previous life never passes for one of this life.
 *
 * Header, twice in its page (at 0 and at 2048) so that one bad sector does not hide it:
 *   u32 crc of the rest, 8 bytes magic, u16 version, u16 partitions, u32 segment number, f64 startedAtMs,
 *   f64 × partitions: the offset each partition's next record has; in version 2, 8 bytes: the id of the log key, and 16
 *   bytes: HMAC-SHA-256 with that key of all after the crc, cut short
 *
 * Record, in a segment of version 1:
 *   u32 crc of the rest, u16 payload bytes, u8 version (1), u8 marker, u16 partition, u48 offset, payload
 *
 * In a segment of version 2 whole records stand together in sealed blocks, which look like records of version 2; the CRC
 * is over what is on the disk, so that a torn write is told from a forged one without any key (`block-seal.ts`):
 *   u32 crc of the rest, u16 bytes after the first 16, u8 version (2), u8 marker,
 *   8 bytes id of the log key, 16 bytes salt, u32 number of the block under that salt,
 *   encrypted: records as above, their own CRCs left out (0); 16 bytes tag
 */
export const PAGE = 4096;
export const RECORD_HEAD = 16;
/** Where in a sealed block its encrypted part begins. */
export const BLOCK_BODY = RECORD_HEAD + 20;
export const TAG_BYTES = 16;
/** About 90 readings: what one bad bit may cost, against 52 bytes and a few microseconds for each block. */
export const BLOCK_BYTES_MAX = 8192;
/** A reading needs 852 (`reading-codec.ts`): what is longer than a block is no record. */
export const RECORD_PAYLOAD_MAX = BLOCK_BYTES_MAX - RECORD_HEAD;
/** As many offsets as fit in half a page, beside the id of a key and its proof. */
export const PARTITIONS_MAX = 248;

const MAGIC = Buffer.from('HSRDLOG\n', 'latin1');
/** As stored: of a segment, and of what stands in it. */
const CLEAR = 1;
const SEALED = 2;
const MARKER = 0xc7;
const HEADER_COPIES = [0, PAGE / 2];
const HEADER_FIXED = 28;
const KEY_ID_BYTES = 8;
const PROOF_BYTES = 16;

export interface SegmentHeader {
  readonly number: number;
  readonly startedAtMs: number;
  /** The offset each partition's next record had when the segment was begun. */
  readonly base: readonly number[];
  /** With which log key it is sealed; undefined for one in clear, from versions before 2. */
  readonly keyId: string | undefined;
}

/** `prove`: of a sealed segment, 16 bytes over what it is given. */
export function writeHeader(page: Buffer, header: SegmentHeader, prove?: (bytes: Buffer) => Buffer): void {
  page.fill(0, 0, PAGE);
  for (const at of HEADER_COPIES) {
    MAGIC.copy(page, at + 4);
    page.writeUInt16LE(header.keyId === undefined ? CLEAR : SEALED, at + 12);
    page.writeUInt16LE(header.base.length, at + 14);
    page.writeUInt32LE(header.number, at + 16);
    page.writeDoubleLE(header.startedAtMs, at + 20);
    for (const [p, offset] of header.base.entries()) page.writeDoubleLE(offset, at + HEADER_FIXED + 8 * p);
    let end = at + HEADER_FIXED + 8 * header.base.length;
    if (header.keyId !== undefined && prove !== undefined) {
      end += page.write(header.keyId, end, 'hex');
      end += prove(page.subarray(at + 4, end)).copy(page, end, 0, PROOF_BYTES);
    }
    page.writeUInt32LE(crc32(page.subarray(at + 4, end)), at);
  }
}

export type HeaderOutcome =
  /** `proved`, `proof`: of a sealed segment; whether they go together only its log key can say. */
  | { readonly kind: 'header'; readonly header: SegmentHeader; readonly proved: Buffer; readonly proof: Buffer }
  /** Zeros: prepared, never written to. */
  | { readonly kind: 'blank' }
  | { readonly kind: 'unknown-version'; readonly version: number }
  | { readonly kind: 'damaged' };

export function readHeader(page: Buffer): HeaderOutcome {
  if (page.every((byte) => byte === 0)) return { kind: 'blank' };
  for (const at of HEADER_COPIES) {
    if (!MAGIC.equals(page.subarray(at + 4, at + 12))) continue;
    const version = page.readUInt16LE(at + 12);
    const partitions = page.readUInt16LE(at + 14);
    const baseEnd = at + HEADER_FIXED + 8 * partitions;
    const keyEnd = version === SEALED ? baseEnd + KEY_ID_BYTES : baseEnd;
    const end = version === SEALED ? keyEnd + PROOF_BYTES : keyEnd;
    if (partitions > PARTITIONS_MAX || page.readUInt32LE(at) !== crc32(page.subarray(at + 4, end))) continue;
    if (version !== CLEAR && version !== SEALED) return { kind: 'unknown-version', version };
    const base = Array.from({ length: partitions }, (_, p) => page.readDoubleLE(at + HEADER_FIXED + 8 * p));
    return {
      kind: 'header',
      header: {
        number: page.readUInt32LE(at + 16),
        startedAtMs: page.readDoubleLE(at + 20),
        base,
        keyId: version === SEALED ? page.toString('hex', baseEnd, keyEnd) : undefined,
      },
      // The page is read into again.
      proved: Buffer.from(page.subarray(at + 4, keyEnd)),
      proof: Buffer.from(page.subarray(keyEnd, end)),
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
  buffer[start + 6] = CLEAR;
  buffer[start + 7] = MARKER;
  buffer[start + 8] = record.partition & 0xff;
  buffer[start + 9] = record.partition >> 8;
  buffer.writeUIntLE(record.offset, start + 10, 6);
}

/** Everything of a block's head but the CRC. `reference`: the id of the log key and the salt. */
export function writeBlockHead(
  buffer: Buffer,
  start: number,
  block: { readonly end: number; readonly reference: Buffer; readonly count: number },
): void {
  buffer.writeUInt16LE(block.end - start - RECORD_HEAD, start + 4);
  buffer[start + 6] = SEALED;
  buffer[start + 7] = MARKER;
  block.reference.copy(buffer, start + 8);
  buffer.writeUInt32LE(block.count, start + BLOCK_BODY - 4);
}

/** Puts the CRCs on the records, or blocks, that fill `start` to `end`. */
export function sealRecords(buffer: Buffer, start: number, end: number, segmentNumber: number): void {
  for (let at = start; at < end; ) {
    const next = at + RECORD_HEAD + payloadBytesAt(buffer, at);
    buffer.writeUInt32LE(crc32(buffer.subarray(at + 4, next), segmentNumber), at);
    at = next;
  }
}

export type RecordOutcome = 'invalid' | 'incomplete' | 'valid';

/** Whether a record, or block, of this segment stands at `start`; `incomplete` when `end` comes before its own. */
export function checkRecord(
  buffer: Buffer,
  start: number,
  end: number,
  segment: { readonly number: number; readonly isSealed: boolean },
): RecordOutcome {
  if (end - start < RECORD_HEAD) return 'incomplete';
  if (buffer[start + 7] !== MARKER || buffer[start + 6] !== (segment.isSealed ? SEALED : CLEAR)) return 'invalid';
  const payloadBytes = payloadBytesAt(buffer, start);
  if (payloadBytes > RECORD_PAYLOAD_MAX) return 'invalid';
  const recordEnd = start + RECORD_HEAD + payloadBytes;
  if (recordEnd > end) return 'incomplete';
  return crc32(buffer.subarray(start + 4, recordEnd), segment.number) === buffer.readUInt32LE(start)
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
export const blockKeyIdAt = (buffer: Buffer, start: number): string => buffer.toString('hex', start + 8, start + 16);
export const partitionAt = (buffer: Buffer, start: number): number =>
  (buffer[start + 8] as number) | ((buffer[start + 9] as number) << 8);
export const offsetAt = (buffer: Buffer, start: number): number => buffer.readUIntLE(start + 10, 6);
