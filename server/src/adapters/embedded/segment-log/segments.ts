import { isNoSpace, type LogFile, type LogFiles } from './files.ts';
import { PAGE, type SegmentHeader } from './format.ts';

/** A segment that holds, or is about to hold, readings. */
export interface Segment extends SegmentHeader {
  readonly path: string;
  readonly bytes: number;
  base: readonly number[];
  /** False when the header is lost: `base` is then no earlier than the true one. */
  readonly isBaseKnown: boolean;
  /** Whether its readings are encrypted; if so and its header is lost, `keyId` is not known. */
  readonly isSealed: boolean;
  /** Where the durable records end. */
  end: number;
  /** Its file now serves another segment: whatever is being read from it must be thrown away. */
  recycled: boolean;
}

export interface SegmentSettings {
  readonly folder: string;
  readonly segmentBytes: number;
  readonly segmentMsMax: number;
  /** Readings that every group has dealt with are kept this long for replay… */
  readonly retainMs: number;
  /** …or until they take this much. */
  readonly retainBytesMax: number;
  /** All segments together, the prepared one included. */
  readonly bytesMax: number;
  /** Left free on the disk for PostgreSQL and everybody else. */
  readonly freeBytesMin: number;
}

/** How long to wait before looking for space again. */
const SPACE_RETRY_MS = 1_000;
/** Zeros are written and synced this much at a time, with a pause, so that readings being stored hardly notice. */
const PREPARE_CHUNK_BYTES = 1024 * 1024;
const PREPARE_PAUSE_MS = 5;

/**
 * The segments of a folder, oldest first, and a spare prepared ahead: allocated, zeroed or recycled, named and synced,
 * so that going on to the next segment is nothing but another write, and a full disk shows here and not while readings
 * are being stored.
 */
export class Segments {
  readonly list: Segment[] = [];
  /** The last attempt to prepare a spare found no space. */
  isOut = false;
  readonly #settings: SegmentSettings;
  readonly #files: LogFiles;
  readonly #now: () => number;
  readonly #hasEveryGroupPassed: (next: readonly number[]) => boolean;
  readonly #onRecycled: () => void;
  readonly #onSpare: () => void;
  readonly #onFull: () => void;
  readonly #onBroken: (error: Error) => void;
  #spare:
    | { readonly number: number; readonly path: string; readonly bytes: number; readonly file: LogFile }
    | undefined;
  #preparing: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #hurry = false;
  #closed = false;

  constructor(
    settings: SegmentSettings,
    world: {
      readonly files: LogFiles;
      readonly now: () => number;
      readonly hasEveryGroupPassed: (next: readonly number[]) => boolean;
      /** A segment is gone. */
      readonly onRecycled: () => void;
      readonly onSpare: () => void;
      readonly onFull: () => void;
      readonly onBroken: (error: Error) => void;
    },
  ) {
    this.#settings = settings;
    this.#files = world.files;
    this.#now = world.now;
    this.#hasEveryGroupPassed = world.hasEveryGroupPassed;
    this.#onRecycled = world.onRecycled;
    this.#onSpare = world.onSpare;
    this.#onFull = world.onFull;
    this.#onBroken = world.onBroken;
  }

  get last(): Segment | undefined {
    return this.list.at(-1);
  }

  get hasSpare(): boolean {
    return this.#spare !== undefined;
  }

  bytes(): number {
    return this.list.reduce((sum, segment) => sum + segment.bytes, this.#spare?.bytes ?? 0);
  }

  /** Whether it is time to go on to the next: a little traffic must not keep its readings for weeks. */
  isOld(segment: Segment): boolean {
    return this.#now() - segment.startedAtMs > this.#settings.segmentMsMax;
  }

  /** Makes the spare the last segment, and has another prepared. Its header goes with its first records. */
  rotate(base: readonly number[], keyId: string | undefined): { readonly segment: Segment; readonly file: LogFile } {
    const spare = this.#spare;
    if (spare === undefined) throw new Error('there is no spare segment');
    const { number, path, bytes, file } = spare;
    const segment = {
      number,
      path,
      bytes,
      base: [...base],
      startedAtMs: this.#now(),
      end: PAGE,
      isBaseKnown: true,
      isSealed: keyId !== undefined,
      keyId,
      recycled: false,
    };
    this.list.push(segment);
    this.#spare = undefined;
    this.prepare();
    return { segment, file };
  }

  /** Takes a prepared file found at start, unless it was made under another setting. */
  async adoptSpare(found: { readonly number: number; readonly path: string; readonly bytes: number }): Promise<void> {
    if (found.bytes !== this.#settings.segmentBytes) return this.#files.remove(found.path);
    this.#spare = { ...found, file: await this.#files.openDurable(found.path) };
  }

  /** Sees to it that there will be a spare, if there can be. Call again when space may have come back. */
  prepare(): Promise<void> {
    if (this.#spare !== undefined || this.#closed) return Promise.resolve();
    clearTimeout(this.#retry);
    this.#preparing ??= this.#prepareOne().then((tell) => {
      // First, because who is told may use the spare at once and want the next one prepared.
      this.#preparing = undefined;
      tell();
    });
    return this.#preparing;
  }

  /** Someone is waiting for the spare: no pauses. */
  hurry(): void {
    this.#hurry = true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#preparing;
    await this.#spare?.file.close();
    this.#spare = undefined;
  }

  /** Answers with what there is to tell. */
  async #prepareOne(): Promise<() => void> {
    const number = (this.last?.number ?? 0) + 1;
    const path = segmentPath(this.#settings.folder, number);
    try {
      if (!(await this.#recycleOrCreate(path))) return () => this.#full();
      await this.#files.syncFolder(this.#settings.folder);
      const file = await this.#files.openDurable(path);
      this.#spare = { number, path, bytes: this.#settings.segmentBytes, file };
      this.#hurry = false;
      this.isOut = false;
      return this.#onSpare;
    } catch (error) {
      return () => (isNoSpace(error) ? this.#full() : this.#onBroken(error as Error));
    }
  }

  #full(): void {
    this.isOut = true;
    this.#onFull();
    if (!this.#closed) this.#retry = setTimeout(() => this.prepare(), SPACE_RETRY_MS);
  }

  async #recycleOrCreate(path: string): Promise<boolean> {
    if (this.#isOldestPast()) return this.#recycleOldest(path);
    if (await this.#isThereRoom()) return this.#create(path);
    return this.#recycleOldest(path);
  }

  /** Recycled rather than deleted: deleting large files on a discarding mount stalled every write for seconds. */
  async #recycleOldest(path: string): Promise<boolean> {
    for (;;) {
      const oldest = this.list[0];
      if (oldest === undefined || !this.#mayGo(oldest)) return false;
      oldest.recycled = true;
      this.list.shift();
      this.#onRecycled();
      if (oldest.bytes === this.#settings.segmentBytes) {
        await this.#files.rename(oldest.path, path);
        return true;
      }
      // Made under another setting.
      await this.#files.remove(oldest.path);
      if (await this.#isThereRoom()) return this.#create(path);
    }
  }

  async #create(path: string): Promise<boolean> {
    const temporary = `${path}.new`;
    try {
      const file = await this.#files.create(temporary);
      try {
        await this.#writeZeros(file);
      } finally {
        await file.close();
      }
      await this.#files.rename(temporary, path);
      return true;
    } catch (error) {
      await this.#files.remove(temporary);
      throw error;
    }
  }

  async #writeZeros(file: LogFile): Promise<void> {
    const zeros = Buffer.alloc(Math.min(PREPARE_CHUNK_BYTES, this.#settings.segmentBytes));
    for (let done = 0; done < this.#settings.segmentBytes; done += zeros.length) {
      await file.write(zeros, 0, Math.min(zeros.length, this.#settings.segmentBytes - done), done);
      if (this.#hurry || this.#closed) continue;
      await file.sync();
      await new Promise((resolve) => setTimeout(resolve, PREPARE_PAUSE_MS));
    }
    await file.sync();
  }

  /** Every group has passed the oldest segment, and it has been kept as long as it should. */
  #isOldestPast(): boolean {
    const [oldest, second] = this.list;
    if (oldest === undefined || second === undefined || !this.#mayGo(oldest)) return false;
    return (
      this.#now() - second.startedAtMs > this.#settings.retainMs || this.#passedBytes() > this.#settings.retainBytesMax
    );
  }

  #mayGo(segment: Segment): boolean {
    const following = this.list[this.list.indexOf(segment) + 1];
    return following !== undefined && this.#hasEveryGroupPassed(following.base);
  }

  #passedBytes(): number {
    let sum = 0;
    for (const segment of this.list) {
      if (!this.#mayGo(segment)) break;
      sum += segment.bytes;
    }
    return sum;
  }

  async #isThereRoom(): Promise<boolean> {
    const { folder, segmentBytes, bytesMax, freeBytesMin } = this.#settings;
    if (this.bytes() + segmentBytes > bytesMax) return false;
    return (await this.#files.freeBytes(folder)) - segmentBytes >= freeBytesMin;
  }
}

const SEGMENT_NAME = /^segment-(\d{10})\.log$/;

export const segmentPath = (folder: string, number: number): string =>
  `${folder}/segment-${String(number).padStart(10, '0')}.log`;

export function segmentNumberOf(fileName: string): number | undefined {
  const digits = SEGMENT_NAME.exec(fileName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
