import type { AssignedReading } from '../../../domain/reading.ts';
import { Failure } from '../../../ports/failure.ts';
import type { AppendAsker, LoggedReading } from '../../../ports/reading-log.ts';
import { ENCODED_READING_BYTES_MAX, encodeReading } from '../../reading-codec.ts';
import type { BlockSeal, Sealer } from './block-seal.ts';
import { isNoSpace, type LogFile } from './files.ts';
import {
  BLOCK_BODY,
  BLOCK_BYTES_MAX,
  PAGE,
  RECORD_HEAD,
  sealRecords,
  TAG_BYTES,
  writeHeader,
  writeRecordHead,
} from './format.ts';
import type { Segment, Segments } from './segments.ts';
import type { SegmentLogHooks, SegmentLogSettings } from './settings.ts';
import type { TailNode } from './tail.ts';

/** How long a group waits before it is written again to a disk without space. */
const NO_SPACE_RETRY_MS = 1_000;

/**
 * Gathers readings and writes them together: while one group is being written the next one gathers, in the other of two
 * buffers. A group is one write of whole pages, so that the kernel never has to read a page to complete it; the page that
 * the group before it left partly filled is written again with the same bytes.
 *
 * Buffer: one page in front (the header of a new segment, or at its end the records of that partly filled page), then
 * the group's records, then zeros to the end of the page. Where readings are sealed, the records gather in blocks with room
 * for head and tag, and are encrypted in place just before they are written, once it is known where.
 */
export class GroupCommit {
  /** The offset each partition's next durable reading will have. */
  readonly durable: number[];
  tail: TailNode;
  readonly #segments: Segments;
  readonly #seal: BlockSeal | undefined;
  readonly #settings: SegmentLogSettings;
  readonly #hooks: SegmentLogHooks;
  readonly #monotonicMs: () => number;
  readonly #onDurable: () => void;
  readonly #onBroken: (error: Error) => void;
  /** The offset the next append of each partition gets. */
  readonly #next: number[];
  readonly #groupEndMax: number;
  #filling: Group;
  #idle: Group;
  #writing: Writing | undefined;
  #active: Omit<Place, 'isNew'> | undefined;
  /** What the last page written holds up to the end of the records. */
  #lastPage: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;
  /** The first reading of the group has waited long enough. */
  #isDue = false;
  #refusal: Failure | undefined;
  #isFull = false;
  #isClosing = false;
  #settled: () => void = () => {};

  constructor(parts: {
    readonly segments: Segments;
    readonly seal: BlockSeal | undefined;
    readonly durable: number[];
    readonly settings: SegmentLogSettings;
    readonly hooks: SegmentLogHooks;
    readonly monotonicMs: () => number;
    readonly onDurable: () => void;
    readonly onBroken: (error: Error) => void;
  }) {
    this.#segments = parts.segments;
    this.#seal = parts.seal;
    this.#settings = parts.settings;
    this.#hooks = parts.hooks;
    this.#monotonicMs = parts.monotonicMs;
    this.#onDurable = parts.onDurable;
    this.#onBroken = parts.onBroken;
    this.durable = parts.durable;
    this.#next = [...parts.durable];
    this.tail = { records: [], segment: undefined, position: PAGE, countAfter: 0, next: undefined };
    // A group fits in one segment beside its header.
    this.#groupEndMax = PAGE + Math.min(parts.settings.pendingBytesMax, parts.settings.segmentBytes - 2 * PAGE);
    const isSealed = parts.seal !== undefined;
    this.#filling = new Group(this.#groupEndMax + PAGE, isSealed);
    this.#idle = new Group(this.#groupEndMax + PAGE, isSealed);
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  get pendingBytes(): number {
    return this.#filling.end - PAGE + (this.#writing ? this.#idle.end - PAGE : 0);
  }

  /** Goes on after the last record of a segment, whose last page holds `lastPage` so far. */
  resume(segment: Segment, file: LogFile, lastPage: Buffer, sealer: Sealer | undefined): void {
    this.#active = { segment, file, sealer };
    this.#lastPage = lastPage;
  }

  append(reading: AssignedReading, partition: number, asker: AppendAsker): void {
    this.#hurry();
    if (this.#refusal !== undefined) {
      this.#refuseAll([asker], this.#refusal);
      return;
    }
    const group = this.#filling;
    const start = group.nextStart();
    if (start + RECORD_HEAD + ENCODED_READING_BYTES_MAX + TAG_BYTES > this.#groupEndMax) {
      this.#refuseAll([asker], new Failure('overloaded', 'too many readings wait for the disk', { retryable: true }));
      return;
    }
    const offset = this.#next[partition] as number;
    let end: number;
    try {
      end = encodeReading(reading, group.buffer, start + RECORD_HEAD);
    } catch (error) {
      this.#refuseAll([asker], error as Error);
      return;
    }
    writeRecordHead(group.buffer, start, { payloadBytes: end - start - RECORD_HEAD, partition, offset });
    group.took(start, end);
    this.#next[partition] = offset + 1;
    group.records.push({ partition, offset, reading });
    group.askers.push(asker);
    if (group.records.length === 1) this.#gather(group);
  }

  /** There is a spare segment. */
  spaceIsBack(): void {
    this.#setFull(false);
    this.#write();
  }

  /** There will be no further segment for now; the one being filled is filled to its end first. */
  spaceIsOut(): void {
    this.#write();
  }

  breakDown(cause: Error): void {
    if (this.#refusal?.code === 'log-broken') return;
    this.#refusal = new Failure('log-broken', 'the log can no longer be written', { retryable: false, cause });
    this.#onBroken(cause);
    this.#refuse(this.#filling, this.#refusal);
  }

  /** Writes what waits, then lets go of the file. What cannot be written for want of space is refused. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const closed = new Failure('log-closed', 'the log is closed', { retryable: false });
    if (this.#refusal?.code !== 'log-broken') this.#refusal = closed;
    this.#isDue = true;
    this.#write();
    while (this.#writing !== undefined || (this.#filling.records.length > 0 && !this.#isFull))
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
      });
    this.#refuse(this.#filling, closed);
    clearTimeout(this.#timer);
    await this.#active?.file.close();
    this.#active = undefined;
  }

  #gather(group: Group): void {
    group.firstAt = this.#monotonicMs();
    this.#timer = setTimeout(() => {
      this.#isDue = true;
      this.#write();
    }, this.#settings.gatherMs);
  }

  /**
   * In a round of the event loop in which very many devices speak, neither the end of a write nor the end of the wait
   * would be heard of before the round is over: both are looked for with every reading.
   */
  #hurry(): void {
    const writing = this.#writing;
    if (writing === undefined) {
      const { records, firstAt } = this.#filling;
      if (records.length === 0 || this.#monotonicMs() - firstAt < this.#settings.gatherMs) return;
      this.#isDue = true;
      this.#write();
    } else if (writing.file.isWritten?.() === true) this.#written(writing);
  }

  /** Writes the gathered group if it is due, nothing is being written, and there is room for it. */
  #write(): void {
    if (this.#writing !== undefined || !this.#isDue || this.#filling.records.length === 0) return;
    const group = this.#filling;
    const place = this.#placeFor(group);
    if (place === undefined) return;
    this.#filling = this.#idle;
    this.#idle = group;
    this.#isDue = false;
    clearTimeout(this.#timer);
    const writing: Writing = { ...place, group, position: place.segment.end, startedAt: this.#monotonicMs() };
    this.#writing = writing;
    this.#writeDurably(writing, this.#asPages(writing)).then(
      () => this.#written(writing),
      (error) => {
        if (!isNoSpace(error)) this.breakDown(error as Error);
        this.#refuse(group, this.#refusal ?? fullFailure());
        this.#goOn();
      },
    );
  }

  #goOn(): void {
    this.#writing = undefined;
    this.#write();
    this.#settled();
  }

  /** Undefined while there is no segment to write to: the group waits, or is refused when space has run out. */
  #placeFor(group: Group): Place | undefined {
    const active = this.#active;
    if (active !== undefined && active.segment.end + group.end - PAGE <= active.segment.bytes)
      if (!this.#segments.hasSpare || !this.#segments.isOld(active.segment)) return { ...active, isNew: false };
    if (!this.#segments.hasSpare) {
      this.#segments.hurry();
      this.#segments.prepare();
      if (this.#segments.isOut) {
        this.#setFull(true);
        this.#refuse(group, fullFailure());
      }
      return undefined;
    }
    // Nobody waits for this: nothing more will be written to it.
    active?.file.close().catch((error) => this.#hooks.onTrouble?.('a finished segment cannot be closed', error));
    const sealer = this.#seal?.forNew();
    this.#active = { ...this.#segments.rotate(this.durable, sealer?.keyId), sealer };
    return { ...this.#active, isNew: true };
  }

  /** Makes whole pages of the group, and answers where in its buffer they stand. */
  #asPages({ group, segment, isNew, sealer, position }: Writing): { readonly start: number; readonly end: number } {
    if (sealer !== undefined)
      for (const { start, end } of group.blocks())
        sealer.seal(group.buffer, start, end, { segment: segment.number, position: position + start - PAGE });
    sealRecords(group.buffer, PAGE, group.end, segment.number);
    const front = isNew ? PAGE : this.#lastPage.length;
    if (isNew) writeHeader(group.buffer, segment, sealer?.prove);
    else this.#lastPage.copy(group.buffer, PAGE - front);
    const end = PAGE - front + pagesOf(front + group.end - PAGE);
    group.buffer.fill(0, group.end, end);
    return { start: PAGE - front, end };
  }

  /** The group is on the disk. Heard of twice where the file can be asked before its promise speaks. */
  #written(writing: Writing): void {
    if (this.#writing !== writing) return;
    const { group, segment, position, startedAt } = writing;
    this.#setFull(false);
    const bytes = group.end - PAGE;
    segment.end = position + bytes;
    const filled = segment.end % PAGE;
    this.#lastPage = Buffer.from(group.buffer.subarray(group.end - filled, group.end));
    const writeMs = this.#monotonicMs() - startedAt;
    this.#hooks.onGroup?.({ bytes, records: group.records.length, waitMs: startedAt - group.firstAt, writeMs });
    this.#becomeDurable(group, segment, position);
    this.#goOn();
  }

  /**
   * On a file system that allocates even what is written over (APFS, Btrfs, ZFS) a full disk may show only here. Nothing
   * is acknowledged or given up: the same bytes go to the same place once there is space.
   */
  async #writeDurably(
    { group, file, position }: Writing,
    { start, end }: { readonly start: number; readonly end: number },
  ): Promise<void> {
    for (;;) {
      try {
        await file.write(group.buffer, start, end - start, position - (PAGE - start));
        return;
      } catch (error) {
        if (!isNoSpace(error) || this.#isClosing) throw error;
      }
      this.#setFull(true);
      await new Promise((resolve) => setTimeout(resolve, NO_SPACE_RETRY_MS));
    }
  }

  #becomeDurable(group: Group, segment: Segment, position: number): void {
    const { records, askers } = group.empty();
    for (const { partition, offset } of records) this.durable[partition] = offset + 1;
    const node: TailNode = {
      records,
      segment,
      position,
      countAfter: this.tail.countAfter + records.length,
      next: undefined,
    };
    this.tail.next = node;
    this.tail = node;
    this.#answer(askers, (asker, i) => asker.stored(records[i] as LoggedReading));
    this.#onDurable();
  }

  /** Nothing of the group is acknowledged. One that was never written gives its offsets back. */
  #refuse(group: Group, failure: Failure): void {
    this.#refuseAll(group.empty().askers, failure);
    if (group === this.#filling) {
      for (const [p, offset] of this.durable.entries()) this.#next[p] = offset;
      this.#isDue = false;
      clearTimeout(this.#timer);
    }
    this.#settled();
  }

  #refuseAll(askers: readonly AppendAsker[], failure: Error): void {
    this.#answer(askers, (asker) => asker.refused(failure));
  }

  /** When nothing of ours is under way: whoever hears that a reading is kept may append the next at once. */
  #answer(askers: readonly AppendAsker[], tell: (asker: AppendAsker, i: number) => void): void {
    if (askers.length === 0) return;
    queueMicrotask(() => {
      askers.forEach((asker, i) => {
        try {
          tell(asker, i);
        } catch (error) {
          // A defect of the asker's: the others hear what became of theirs.
          this.#hooks.onTrouble?.('who asked for a reading to be kept could not hear the answer', error);
        }
      });
    });
  }

  #setFull(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    if (this.#refusal === undefined || this.#refusal.code === 'log-full')
      this.#refusal = isFull ? fullFailure() : undefined;
    this.#hooks.onFull?.(isFull);
  }
}

interface Place {
  readonly segment: Segment;
  readonly file: LogFile;
  readonly sealer: Sealer | undefined;
  readonly isNew: boolean;
}

interface Writing extends Place {
  readonly group: Group;
  /** Where in the segment its records begin. */
  readonly position: number;
  readonly startedAt: number;
}

const fullFailure = (): Failure => new Failure('log-full', 'there is no space for more readings', { retryable: true });

const pagesOf = (bytes: number): number => Math.ceil(bytes / PAGE) * PAGE;

/** Readings that are, or will be, written together. */
class Group {
  readonly buffer: Buffer;
  /** Where in the buffer its records end, or its last block with room for its tag. */
  end = PAGE;
  firstAt = 0;
  records: LoggedReading[] = [];
  /** Of each of the records. */
  askers: AppendAsker[] = [];

  readonly #isSealed: boolean;
  /** Where its blocks begin. */
  #blocks: number[] = [];

  constructor(bytes: number, isSealed: boolean) {
    // Shared, so that a thread of its own can write it.
    this.buffer = Buffer.from(new SharedArrayBuffer(bytes));
    this.#isSealed = isSealed;
  }

  /** Where the next record goes: into the last block, if it has room for any. */
  nextStart(): number {
    if (!this.#isSealed) return this.end;
    const block = this.#blocks.at(-1);
    const start = this.end - TAG_BYTES;
    const isRoom =
      block !== undefined && start + RECORD_HEAD + ENCODED_READING_BYTES_MAX + TAG_BYTES <= block + BLOCK_BYTES_MAX;
    return isRoom ? start : this.end + BLOCK_BODY;
  }

  /** A record stands there, where `nextStart` said. */
  took(start: number, end: number): void {
    if (this.#isSealed && start === this.end + BLOCK_BODY) this.#blocks.push(this.end);
    this.end = this.#isSealed ? end + TAG_BYTES : end;
  }

  /** Each from its head to behind its tag. */
  blocks(): readonly { readonly start: number; readonly end: number }[] {
    return this.#blocks.map((start, i) => ({ start, end: this.#blocks[i + 1] ?? this.end }));
  }

  /** Gives up what it holds and can be filled again. */
  empty(): Pick<Group, 'records' | 'askers'> {
    const { records, askers } = this;
    this.records = [];
    this.askers = [];
    this.#blocks = [];
    this.end = PAGE;
    return { records, askers };
  }
}
