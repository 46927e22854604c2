import type { AssignedReading } from '../../domain/reading.ts';
import { Failure } from '../../ports/failure.ts';
import {
  type AppendAsker,
  type LogBatch,
  type LogConsumer,
  type LoggedReading,
  type LogPosition,
  type LogPositions,
  type LogSubscription,
  partitionOf,
  type ReadingLog,
} from '../../ports/reading-log.ts';
import { Delivery, type DeliverySource } from './segment-log/delivery.ts';

/**
 * The log without the disk, for tests of what stands around it. Passes the same contract, except that nothing survives
 * the process. Holds at most `recordsMax` readings, then refuses as a full disk would.
 */
export class MemoryReadingLog implements ReadingLog {
  readonly partitions: number;
  readonly broken: Promise<Error>;
  readonly records: LoggedReading[] = [];
  /** Set it, and every append is refused with it: a full disk, a broken one, an overload. */
  refusal: Failure | undefined;
  readonly #recordsMax: number;
  readonly #next: number[];
  readonly #committed = new Map<string, Map<number, number>>();
  readonly #deliveries = new Set<Delivery>();
  #break: (error: Error) => void = () => {};
  #closed: Promise<void> | undefined;

  constructor(settings: { readonly partitions?: number; readonly recordsMax?: number } = {}) {
    this.partitions = settings.partitions ?? 8;
    this.#recordsMax = settings.recordsMax ?? 1_000_000;
    this.#next = new Array<number>(this.partitions).fill(0);
    this.broken = new Promise((resolve) => {
      this.#break = resolve;
    });
  }

  append(reading: AssignedReading, asker: AppendAsker): void {
    this.#append(reading).then(
      (position) => asker.stored(position),
      (failure: Error) => asker.refused(failure),
    );
  }

  async #append(reading: AssignedReading): Promise<LogPosition> {
    if (this.#closed) throw new Failure('log-closed', 'the log is closed', { retryable: false });
    if (this.refusal) throw this.refusal;
    if (this.records.length >= this.#recordsMax)
      throw new Failure('log-full', 'the memory log has reached its bound', { retryable: true });
    const partition = partitionOf(reading.patientId, this.partitions);
    const offset = this.#next[partition] as number;
    this.#next[partition] = offset + 1;
    this.records.push({ partition, offset, reading });
    for (const delivery of this.#deliveries) delivery.wake();
    return { partition, offset };
  }

  subscribe(consumer: LogConsumer): LogSubscription {
    const delivery = new Delivery(new MemorySource(this.records, consumer.from), consumer);
    this.#deliveries.add(delivery);
    return delivery;
  }

  async commit(group: string, next: LogPositions): Promise<void> {
    const committed = this.#committed.get(group) ?? new Map<number, number>();
    for (const [partition, offset] of next) committed.set(partition, Math.max(offset, committed.get(partition) ?? 0));
    this.#committed.set(group, committed);
  }

  async committed(group: string): Promise<LogPositions> {
    return new Map(this.#committed.get(group));
  }

  async extent(): Promise<{ readonly first: LogPositions; readonly next: LogPositions }> {
    return { first: new Map(this.#next.map((_, i) => [i, 0])), next: new Map(this.#next.entries()) };
  }

  /** From now on the log is broken, as after a failed sync. */
  breakDown(error: Error): void {
    this.refusal = new Failure('log-broken', 'the log can no longer be written', { retryable: false, cause: error });
    this.#break(error);
  }

  close(): Promise<void> {
    this.#closed ??= Promise.all([...this.#deliveries].map((delivery) => delivery.stop())).then(() => {});
    return this.#closed;
  }
}

class MemorySource implements DeliverySource {
  readonly #records: readonly LoggedReading[];
  readonly #from: LogPositions;
  #taken = 0;
  #delivered = 0;

  constructor(records: readonly LoggedReading[], from: LogPositions) {
    this.#records = records;
    this.#from = from;
  }

  take(into: LoggedReading[], max: number): undefined {
    while (into.length < max && this.#taken < this.#records.length) {
      const record = this.#records[this.#taken++] as LoggedReading;
      if (record.offset >= (this.#from.get(record.partition) ?? 0)) into.push(record);
      else this.#delivered++;
    }
  }

  lag(): number {
    return this.#records.length - this.#delivered;
  }

  delivered(batch: LogBatch): void {
    this.#delivered += batch.records.length;
  }

  async close(): Promise<void> {}
}
