import type { BlockSeal } from './block-seal.ts';
import type { LogFile } from './files.ts';
import {
  blockKeyIdAt,
  checkRecord,
  nextCandidate,
  PAGE,
  payloadBytesAt,
  RECORD_HEAD,
  RECORD_PAYLOAD_MAX,
} from './format.ts';

export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Told of each valid record: its bytes stand in `buffer` from `start` (the head) to `end`, only during the call. */
export type RecordVisitor = (buffer: Buffer, start: number, end: number) => void;

/** What a scan must know of a segment. */
export interface ScannedSegment {
  readonly number: number;
  /** Sealed segments hold sealed blocks and nothing else: a record in clear is none of theirs. */
  readonly isSealed: boolean;
  /** With which log key all of it is sealed, where that is known. */
  readonly keyId?: string | undefined;
}

/**
 * Walks the valid records of one segment, a chunk at a time. What is not a record is stepped over to the next that is,
 * and remembered in `damage`; so is a block that is whole, and does not open.
 */
export class SegmentScan {
  /** Where the next chunk begins: everything before it has been visited or stepped over. */
  position: number;
  /** End of the last valid record, or of the last block that was written here, whether it opens or not. */
  validEnd: number;
  readonly damage: ByteRange[] = [];
  /** Blocks that are whole and not as they were sealed. */
  forged = 0;
  /** Blocks whose key was destroyed. */
  keyless = 0;
  readonly #file: LogFile;
  readonly #segment: ScannedSegment;
  readonly #seal: BlockSeal | undefined;
  readonly #buffer: Buffer;
  #badFrom: number | undefined;
  /** The key that the walk stopped for. */
  #wantedKeyId: string | undefined;

  constructor(options: {
    readonly file: LogFile;
    readonly segment: ScannedSegment;
    readonly seal: BlockSeal | undefined;
    readonly position?: number;
    /** How much is read, and then walked without yielding. */
    readonly chunkBytes?: number;
  }) {
    const { file, segment, seal, position = PAGE, chunkBytes = 128 * 1024 } = options;
    this.#file = file;
    this.#segment = segment;
    this.#seal = seal;
    this.position = position;
    this.validEnd = position;
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(chunkBytes, 2 * (RECORD_HEAD + RECORD_PAYLOAD_MAX)));
  }

  /** Reads and visits one chunk before `limit`. `wanted` is asked after the read, before the visits. */
  async next(limit: number, visit: RecordVisitor, wanted: () => boolean = () => true): Promise<void> {
    const asked = Math.min(this.#buffer.length, limit - this.position);
    const length = await this.#file.read(this.#buffer, 0, asked, this.position);
    if (!wanted()) return;
    const isLast = this.position + length >= limit || length < asked;
    const walked = this.#walk(length, isLast, visit);
    const keyId = this.#wantedKeyId;
    this.position = isLast && keyId === undefined ? limit : this.position + walked;
    if (keyId === undefined) return;
    this.#wantedKeyId = undefined;
    await this.#seal?.load(keyId);
  }

  /** Answers how much of the buffer is done with; a record cut off by the end of the chunk is left for the next. */
  #walk(length: number, isLast: boolean, visit: RecordVisitor): number {
    const buffer = this.#buffer;
    let at = 0;
    while (at < length) {
      const outcome = checkRecord(buffer, at, length, this.#segment);
      if (outcome === 'incomplete' && !isLast) return at;
      if (outcome === 'valid') {
        const end = at + RECORD_HEAD + payloadBytesAt(buffer, at);
        this.#take(at, end, visit);
        if (this.#wantedKeyId !== undefined) return at;
        at = end;
        this.validEnd = this.position + at;
      } else {
        this.#badFrom ??= this.position + at;
        const candidate = nextCandidate(buffer, at, length);
        // The marker is the eighth byte: a record may begin in the last seven of this chunk.
        if (candidate === -1) return isLast ? length : Math.max(at + 1, length - 7);
        at = candidate;
      }
    }
    return at;
  }

  #take(at: number, end: number, visit: RecordVisitor): void {
    if (this.#segment.isSealed) this.#takeBlock(at, end, visit);
    else {
      this.#endDamage(this.position + at);
      visit(this.#buffer, at, end);
    }
  }

  #takeBlock(at: number, end: number, visit: RecordVisitor): void {
    const place = { segment: this.#segment.number, position: this.position + at };
    const { keyId } = this.#segment;
    const isOthers = keyId !== undefined && keyId !== blockKeyIdAt(this.#buffer, at);
    const opened = isOthers ? FORGED : (this.#seal?.open(this.#buffer, at, end, place) ?? KEY_GONE);
    if (opened.kind === 'key-not-loaded') {
      this.#wantedKeyId = opened.keyId;
      return;
    }
    if (opened.kind === 'opened') {
      this.#endDamage(this.position + at);
      visitAll(opened.records, visit);
      return;
    }
    if (opened.kind === 'forged') this.forged++;
    else this.keyless++;
    this.#badFrom ??= this.position + at;
    this.#endDamage(this.position + end);
  }

  #endDamage(to: number): void {
    if (this.#badFrom !== undefined) this.damage.push({ from: this.#badFrom, to });
    this.#badFrom = undefined;
  }
}

const FORGED = { kind: 'forged' } as const;
const KEY_GONE = { kind: 'key-gone' } as const;

/** Every record of an opened block: what was sealed is as we wrote it. */
function visitAll(records: Buffer, visit: RecordVisitor): void {
  for (let at = 0; at < records.length; ) {
    const end = at + RECORD_HEAD + payloadBytesAt(records, at);
    visit(records, at, end);
    at = end;
  }
}
