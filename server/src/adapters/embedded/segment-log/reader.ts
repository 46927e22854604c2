import type { LogBatch, LoggedReading, LogPositions } from '../../../ports/reading-log.ts';
import { decodeReading } from '../../reading-codec.ts';
import type { BlockSeal } from './block-seal.ts';
import type { DeliverySource } from './delivery.ts';
import type { LogFile } from './files.ts';
import { offsetAt, PAGE, partitionAt, RECORD_HEAD } from './format.ts';
import { SegmentScan } from './scan.ts';
import type { Segment } from './segments.ts';
import type { TailNode } from './tail.ts';

/** What a reader sees of its log. */
export interface ReadableLog {
  readonly segments: readonly Segment[];
  readonly seal: BlockSeal | undefined;
  /** The offset each partition's next durable reading will have. */
  readonly durable: readonly number[];
  readonly tail: TailNode;
  openSegment(segment: Segment): Promise<LogFile>;
  /** Something of this segment cannot be read. */
  reportDamage(segment: Segment): void;
  reportTrouble(trouble: string, error: unknown): void;
}

type Place =
  /** Reading along in memory: `taken` readings of this node are taken. */
  | { readonly kind: 'tail'; node: TailNode; taken: number }
  /** Reading segment files from `position`. */
  | {
      readonly kind: 'files';
      readonly segment: Segment;
      readonly position: number;
      scan?: SegmentScan;
      file?: LogFile;
    };

/** Reads the log for one subscription: from the files until it has caught up, then along in memory. */
export class LogReader implements DeliverySource {
  readonly #log: ReadableLog;
  /** Most readings this reader may keep alive in memory by lagging behind the tail. */
  readonly #lagMax: number;
  /** Per partition: the first offset not yet read, here or by the consumer. */
  readonly #next: number[];
  /** Read, and not yet delivered. */
  #inHand = 0;
  #place: Place;
  /** Decoded and not yet taken. */
  #ahead: LoggedReading[] = [];
  #aheadTaken = 0;

  constructor(log: ReadableLog, from: LogPositions, lagMax: number) {
    this.#log = log;
    this.#lagMax = lagMax;
    this.#next = startOf(log, from);
    this.#place = this.#next.every((offset, partition) => offset >= (log.durable[partition] as number))
      ? { kind: 'tail', node: log.tail, taken: log.tail.records.length }
      : { kind: 'files', segment: segmentHolding(log, this.#next), position: PAGE };
  }

  take(into: LoggedReading[], max: number): Promise<void> | undefined {
    this.#takeAhead(into, max);
    if (into.length >= max) return undefined;
    if (this.#place.kind === 'files') return this.#takeFromFiles(into, max);
    this.#takeFromTail(this.#place, into, max);
    return undefined;
  }

  lag(): number {
    return this.#next.reduce(
      (sum, next, p) => sum + Math.max(0, (this.#log.durable[p] as number) - next),
      this.#inHand,
    );
  }

  /** Which node of the tail it holds on to, by its `countAfter`; none while it reads the files. */
  get passed(): number {
    return this.#place.kind === 'tail' ? this.#place.node.countAfter : Number.POSITIVE_INFINITY;
  }

  delivered(batch: LogBatch): void {
    this.#inHand -= batch.records.length;
  }

  async close(): Promise<void> {
    if (this.#place.kind === 'files') await this.#place.file?.close();
  }

  /** Lets go of the tail when its consumer is too far behind: it reads the files until it has caught up again. */
  checkLag(): void {
    const place = this.#place;
    if (place.kind !== 'tail' || this.#log.tail.countAfter - place.node.countAfter <= this.#lagMax) return;
    const node = place.taken < place.node.records.length ? place.node : place.node.next;
    if (node?.segment === undefined) return;
    this.#place = { kind: 'files', segment: node.segment, position: node.position };
  }

  #takeAhead(into: LoggedReading[], max: number): void {
    while (into.length < max && this.#aheadTaken < this.#ahead.length)
      into.push(this.#ahead[this.#aheadTaken++] as LoggedReading);
    if (this.#aheadTaken < this.#ahead.length) return;
    this.#ahead = [];
    this.#aheadTaken = 0;
  }

  #takeFromTail(place: Place & { kind: 'tail' }, into: LoggedReading[], max: number): void {
    while (into.length < max) {
      const record = place.node.records[place.taken];
      if (record !== undefined) {
        place.taken++;
        if (this.#isNew(record.partition, record.offset)) into.push(record);
      } else if (place.node.next !== undefined) {
        place.node = place.node.next;
        place.taken = 0;
      } else return;
    }
  }

  async #takeFromFiles(into: LoggedReading[], max: number): Promise<void> {
    while (this.#place.kind === 'files' && into.length < max) {
      await this.#readChunk(this.#place);
      this.#takeAhead(into, max);
    }
    if (this.#place.kind === 'tail') this.#takeFromTail(this.#place, into, max);
  }

  async #readChunk(place: Place & { kind: 'files' }): Promise<void> {
    const { segment } = place;
    if (segment.recycled) return this.#goTo(place, this.#log.segments[0] ?? segment, 'trimmed');
    place.file ??= await this.#log.openSegment(segment);
    const { file, position } = place;
    place.scan ??= new SegmentScan({ file, segment, seal: this.#log.seal, position });
    const { scan } = place;
    // Between two looks at `end`, nothing else runs: what is not in the files yet is in the tail.
    if (scan.position < segment.end)
      await scan.next(
        segment.end,
        (buffer, start, end) => this.#visit(segment, buffer, start, end),
        () => !segment.recycled,
      );
    if (segment.recycled) return this.#goTo(place, this.#log.segments[0] ?? segment, 'trimmed');
    if (scan.position < segment.end) return;
    await this.#leave(place, scan);
  }

  #visit(segment: Segment, buffer: Buffer, start: number, end: number): void {
    const partition = partitionAt(buffer, start);
    const offset = offsetAt(buffer, start);
    if (!this.#isNew(partition, offset)) return;
    try {
      const reading = decodeReading(buffer, start + RECORD_HEAD, end);
      this.#ahead.push({ partition, offset, reading });
    } catch (error) {
      this.#inHand--;
      this.#log.reportTrouble(
        `reading ${partition}/${offset} of segment ${segment.number} is whole but cannot be understood; stepped over`,
        error,
      );
    }
  }

  /** The segment has been read to its end: on to the following one, or along with the tail. */
  async #leave(place: Place & { kind: 'files' }, scan: SegmentScan): Promise<void> {
    const { segment } = place;
    const { segments, durable, tail } = this.#log;
    const following = segments[segments.indexOf(segment) + 1];
    const end = following?.isBaseKnown === false ? this.#next : (following?.base ?? durable);
    // Offsets that never came: their records are unreadable.
    if (scan.damage.length > 0 || this.#next.some((next, p) => next < (end[p] as number)))
      this.#log.reportDamage(segment);
    for (const [p, offset] of end.entries()) this.#next[p] = Math.max(this.#next[p] as number, offset);
    if (following !== undefined) return this.#goTo(place, following, 'read');
    // Set before anything is awaited: the next group to become durable is linked behind this very node.
    this.#place = { kind: 'tail', node: tail, taken: tail.records.length };
    await place.file?.close();
  }

  async #goTo(place: Place & { kind: 'files' }, segment: Segment, why: 'read' | 'trimmed'): Promise<void> {
    this.#place = { kind: 'files', segment, position: PAGE };
    if (why === 'trimmed')
      this.#log.reportTrouble('a subscription lagged behind what the log holds, and skips what was trimmed', undefined);
    await place.file?.close();
  }

  #isNew(partition: number, offset: number): boolean {
    if (offset < (this.#next[partition] ?? Number.POSITIVE_INFINITY)) return false;
    this.#next[partition] = offset + 1;
    this.#inHand++;
    return true;
  }
}

/**
 * Where a subscription begins. A position beyond the end of the log is one of another log, or of one that lost its end:
 * it begins at the first reading held, because readings that come twice do no harm and readings that never come do.
 */
function startOf(log: ReadableLog, from: LogPositions): number[] {
  return log.durable.map((durable, partition) => {
    const first = log.segments[0]?.base[partition] ?? durable;
    const wanted = from.get(partition) ?? first;
    if (wanted <= durable) return Math.max(wanted, first);
    log.reportTrouble(`a subscription asks for ${partition}/${wanted}, beyond the end ${durable}`, undefined);
    return first;
  });
}

/** The earliest segment that may hold a reading at or after these offsets. */
function segmentHolding(log: ReadableLog, next: readonly number[]): Segment {
  const beginsAfter = (segment: Segment) =>
    next.some((offset, p) => offset < (log.durable[p] as number) && (segment.base[p] as number) > offset);
  const index = log.segments.findIndex(beginsAfter);
  const segment = log.segments[index === -1 ? log.segments.length - 1 : Math.max(0, index - 1)];
  if (segment === undefined) throw new Error('a log with readings has a segment');
  return segment;
}
