import type { LogFile } from './files.ts';
import { checkRecord, nextCandidate, PAGE, payloadBytesAt, RECORD_HEAD, RECORD_PAYLOAD_MAX } from './format.ts';

export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Told of each valid record: its bytes stand in `buffer` from `start` (the head) to `end`, only during the call. */
export type RecordVisitor = (buffer: Buffer, start: number, end: number) => void;

/**
 * Walks the valid records of one segment, a chunk at a time. What is not a record is stepped over to the next that is,
 * and remembered in `damage`.
 */
export class SegmentScan {
  /** Where the next chunk begins: everything before it has been visited or stepped over. */
  position: number;
  /** End of the last valid record. */
  validEnd: number;
  readonly damage: ByteRange[] = [];
  readonly #file: LogFile;
  readonly #segmentNumber: number;
  readonly #buffer: Buffer;
  #badFrom: number | undefined;

  /** `chunkBytes`: how much is read, and then walked without yielding. */
  constructor(file: LogFile, segmentNumber: number, position = PAGE, chunkBytes = 128 * 1024) {
    this.#file = file;
    this.#segmentNumber = segmentNumber;
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
    this.position = isLast ? limit : this.position + walked;
  }

  /** Answers how much of the buffer is done with; a record cut off by the end of the chunk is left for the next. */
  #walk(length: number, isLast: boolean, visit: RecordVisitor): number {
    const buffer = this.#buffer;
    let at = 0;
    while (at < length) {
      const outcome = checkRecord(buffer, at, length, this.#segmentNumber);
      if (outcome === 'incomplete' && !isLast) return at;
      if (outcome === 'valid') {
        this.#endDamage(this.position + at);
        const end = at + RECORD_HEAD + payloadBytesAt(buffer, at);
        visit(buffer, at, end);
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

  #endDamage(to: number): void {
    if (this.#badFrom !== undefined) this.damage.push({ from: this.#badFrom, to });
    this.#badFrom = undefined;
  }
}
