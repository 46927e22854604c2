import { Failure } from '../../../ports/failure.ts';
import type { LogKeys } from '../../../ports/log-keys.ts';
import type { LogPositions } from '../../../ports/reading-log.ts';
import type { LogFiles } from './files.ts';
import { PAGE, PARTITIONS_MAX } from './format.ts';
import type { Damage } from './recovery.ts';

export interface SegmentLogOptions {
  readonly folder: string;
  /** Part of the format: fixed once the folder holds readings. At most 248. */
  readonly partitions: number;
  /** What none of these has dealt with yet is never trimmed. */
  readonly groups: readonly string[];
  /** Milliseconds since 1970: when segments begin, for their retention. */
  readonly now: () => number;
  /**
   * Offsets below these are not given again, whatever the folder holds: pass the positions that the database knows, so
   * that a log which was lost or restored from an old copy does not reuse offsets that consumers have already passed.
   */
  readonly floor?: LogPositions;
  /** What readings are sealed with before they reach the disk. `none`: in clear, as versions before wrote them. */
  readonly keys: LogKeys | 'none';
  readonly hooks?: SegmentLogHooks;
  readonly settings?: Partial<SegmentLogSettings>;
  /** Default: Node's own, with a thread that writes (`write-thread.ts`). */
  readonly files?: LogFiles;
  /** For how long things take; milliseconds from any start. */
  readonly monotonicMs?: () => number;
}

export interface SegmentLogSettings {
  /** A whole number of pages. 64 MiB hold about 700,000 readings: a minute of 10,000 devices, or a day of eight. */
  readonly segmentBytes: number;
  /** A segment is left for the next after this long, however little is in it: what is old goes by whole segments. */
  readonly segmentMsMax: number;
  /** Most bytes in all segments; a group that stops committing fills them, and then `log-full`. */
  readonly bytesMax: number;
  /** Disk space left to everybody else. */
  readonly freeBytesMin: number;
  /** How long readings stay for replay after every group has passed them, if `retainBytesMax` allows. */
  readonly retainMs: number;
  readonly retainBytesMax: number;
  /** Most bytes waiting for the disk; beyond it `overloaded`. 8 MiB are about 90,000 readings. */
  readonly pendingBytesMax: number;
  /**
   * How long the first reading of a group waits for others to share its write. While one group is written the next one
   * gathers anyway. Of 10,000 readings a second each costs 4 µs more by one millisecond than by four, and is
   * acknowledged 2 ms sooner; of 20,000 there is no difference.
   */
  readonly gatherMs: number;
  /** How far a subscription may lag and still be served from memory; beyond it reads files. About 10 MB of readings. */
  readonly tailReadingsMax: number;
}

export const SEGMENT_LOG_DEFAULTS: SegmentLogSettings = {
  segmentBytes: 64 * 1024 ** 2,
  segmentMsMax: 24 * 3_600_000,
  bytesMax: 32 * 1024 ** 3,
  freeBytesMin: 1024 ** 3,
  retainMs: 24 * 3_600_000,
  retainBytesMax: 4 * 1024 ** 3,
  pendingBytesMax: 8 * 1024 ** 2,
  gatherMs: 1,
  tailReadingsMax: 16_384,
};

export interface SegmentLogHooks {
  /** After each group write. `waitMs`: from its first reading to the write; `writeMs`: until it was on the disk. */
  onGroup?(group: {
    readonly bytes: number;
    readonly records: number;
    readonly waitMs: number;
    readonly writeMs: number;
  }): void;
  /** Once for each damaged segment: an operator must know. */
  onDamage?(damage: Damage): void;
  /** Something that is worth a line in the log, without patient data. */
  onTrouble?(trouble: string, error: unknown): void;
  /** There is no space for more readings, or there is again. */
  onFull?(isFull: boolean): void;
}

/** Rejects what the format cannot hold. */
export function checkSettings(partitions: number, { segmentBytes, pendingBytesMax }: SegmentLogSettings): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX)
    throw new Failure('configuration-invalid', `the log has 1 to ${PARTITIONS_MAX} partitions`, { retryable: false });
  if (segmentBytes % PAGE !== 0 || segmentBytes < 16 * PAGE)
    throw new Failure('configuration-invalid', `segmentBytes is a multiple of ${PAGE}, at least ${16 * PAGE}`, {
      retryable: false,
    });
  if (pendingBytesMax < 2 * PAGE)
    throw new Failure('configuration-invalid', `pendingBytesMax is at least ${2 * PAGE}`, { retryable: false });
}
