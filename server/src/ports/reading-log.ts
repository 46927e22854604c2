import type { AssignedReading } from '../domain/reading.ts';

/**
 * The durable, ordered log of readings: the only truth about what arrived. Partitioned by patient, so that one
 * patient's readings keep their order. Shaped so that segment files, Kafka and Kinesis can all stand behind it;
 * `reading-log.contract.ts` is the suite each of them must pass.
 */
export interface ReadingLog {
  readonly partitions: number;

  /**
   * Tells `asker` once what became of the reading, and never before this returns. Appends of one partition become
   * durable in call order. Refused with `Failure` `log-full` or `overloaded` (retryable: nothing was stored),
   * `log-closed`, or `log-broken` (fatal).
   */
  append(reading: AssignedReading, asker: AppendAsker): void;

  /**
   * Delivers every durable reading to `consumer.handle`, at least once, in order within each partition, one batch in
   * flight. A handler that throws gets the same batch again after a pause. Delivery starts at `consumer.from`, and does
   * not wait for `commit`.
   */
  subscribe(consumer: LogConsumer): LogSubscription;

  /**
   * Records that `group` has durably dealt with everything before `next` (per partition). Call it after the consumer's
   * own durable write. The log may trim what every group has passed and retention allows. Resolves when it is noted: a
   * crash may forget the last moments' commits, so that some readings come again; `close` does not.
   */
  commit(group: string, next: LogPositions): Promise<void>;

  /** Where `group` last committed; partitions it never committed are absent. */
  committed(group: string): Promise<LogPositions>;

  /** The first offset still held, and the next offset to be written, per partition: what lag and retention are made of. */
  extent(): Promise<{ readonly first: LogPositions; readonly next: LogPositions }>;

  /** Resolves when the log can no longer be written (a failed sync): the process must stop. Never resolves otherwise. */
  readonly broken: Promise<Error>;

  /** Refuses further appends, waits for those under way, stops subscriptions. Idempotent. */
  close(): Promise<void>;
}

/**
 * Who asks the log to keep a reading. An object that is there anyway, instead of a promise: ten thousand readings a second
 * pass here, and what is made for each of them must be collected again while nobody is acknowledged.
 */
export interface AppendAsker {
  /** It is on stable storage. */
  stored(position: LogPosition): void;
  refused(failure: Error): void;
}

/** For whoever appends a reading now and then. */
export function appended(log: Pick<ReadingLog, 'append'>, reading: AssignedReading): Promise<LogPosition> {
  return new Promise((resolve, refused) =>
    log.append(reading, { stored: ({ partition, offset }) => resolve({ partition, offset }), refused }),
  );
}

/** Offsets are dense per partition and start at 0. */
export interface LogPosition {
  readonly partition: number;
  readonly offset: number;
}

/** For each partition, the offset of the next reading to deal with. */
export type LogPositions = ReadonlyMap<number, number>;

export interface LoggedReading extends LogPosition {
  readonly reading: AssignedReading;
}

export interface LogBatch {
  /** In offset order within each partition; partitions may interleave. Never empty. */
  readonly records: readonly LoggedReading[];
  /** Where each partition touched by this batch stands after it. */
  readonly next: LogPositions;
}

export interface LogConsumer {
  readonly group: string;
  /** Where to start; a partition that is absent starts at its first held offset. */
  readonly from: LogPositions;
  /** Most readings in one batch. */
  readonly batchMax: number;
  /** How long to wait for a fuller batch once one reading is there; 0 delivers at once. */
  readonly lingerMs: number;
  handle(batch: LogBatch): Promise<void>;
  /** Told of every throw of `handle`, before the retry. */
  onRetry?(error: unknown, attempt: number): void;
}

export interface LogSubscription {
  /** Stops delivery and resolves when the batch in flight is done. */
  stop(): Promise<void>;
  /** Readings that are durable but not yet delivered. */
  lag(): number;
}

/**
 * FNV-1a over the patient id: which partition a patient's readings go to. Part of the on-disk format: changing it, or
 * the number of partitions, needs a drained log.
 */
export function partitionOf(patientId: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < patientId.length; i++) hash = Math.imul(hash ^ patientId.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitions;
}
