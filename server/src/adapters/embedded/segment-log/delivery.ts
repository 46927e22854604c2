import type { LogBatch, LogConsumer, LoggedReading, LogSubscription } from '../../../ports/reading-log.ts';

/** Pauses before a batch that its handler threw on is handed over again: soon at first, and never more than 5 s apart. */
const RETRY_PAUSE_FIRST_MS = 100;
const RETRY_PAUSE_MAX_MS = 5_000;

/** Where a delivery takes its readings from. */
export interface DeliverySource {
  /**
   * Adds what is at hand to `into`, up to `max` in all; nothing when there is nothing yet. Answers with a promise only
   * where it has to read, so that a reading just committed reaches its handler without waiting.
   */
  take(into: LoggedReading[], max: number): Promise<void> | undefined;
  /** Durable readings not yet in `delivered`. */
  lag(): number;
  /** Told when a batch has been handled. */
  delivered(batch: LogBatch): void;
  /** No more is wanted. */
  close(): Promise<void>;
}

/** Hands batches to one consumer, one at a time, each until it is taken. `wake` says that the source may have more. */
export class Delivery implements LogSubscription {
  readonly #source: DeliverySource;
  readonly #consumer: LogConsumer;
  /** Resolves once it has stopped. */
  readonly done: Promise<void>;
  #stopping = false;
  /** Whether a wake came since it was last looked for: one that comes while the source reads must not be lost. */
  #signalled = false;
  #wake: (() => void) | undefined;

  constructor(source: DeliverySource, consumer: LogConsumer) {
    this.#source = source;
    this.#consumer = consumer;
    this.done = this.#run();
  }

  wake(): void {
    this.#signalled = true;
    this.#wake?.();
  }

  lag(): number {
    return this.#source.lag();
  }

  stop(): Promise<void> {
    this.#stopping = true;
    this.wake();
    return this.done;
  }

  async #run(): Promise<void> {
    // The first batch comes after `subscribe` has returned, however much there is to deliver.
    await Promise.resolve();
    while (!this.#stopping) {
      const records = await this.#gather();
      if (records.length > 0 && !this.#stopping) await this.#handOver({ records, next: nextAfter(records) });
    }
    await this.#source.close();
  }

  /** Waits for the first reading, then up to `lingerMs` for as many as make a full batch. */
  async #gather(): Promise<readonly LoggedReading[]> {
    const { batchMax, lingerMs } = this.#consumer;
    const records: LoggedReading[] = [];
    let lingering: NodeJS.Timeout | undefined;
    let lingered = lingerMs <= 0;
    try {
      while (!this.#stopping) {
        this.#signalled = false;
        const reading = this.#source.take(records, batchMax);
        if (reading !== undefined) await this.#untilRead(reading, records);
        if (records.length >= batchMax || (records.length > 0 && lingered)) break;
        if (records.length > 0 && lingering === undefined)
          lingering = setTimeout(() => {
            lingered = true;
            this.wake();
          }, lingerMs);
        await this.#woken();
      }
    } finally {
      clearTimeout(lingering);
    }
    return records;
  }

  /** A source that cannot be read now is asked again later; what it had already given stays. */
  async #untilRead(reading: Promise<void>, records: LoggedReading[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await (attempt === 1 ? reading : this.#source.take(records, this.#consumer.batchMax));
        return;
      } catch (error) {
        this.#consumer.onRetry?.(error, attempt);
      }
      await this.#pause(pauseMsAfter(attempt));
      if (this.#stopping) return;
    }
  }

  async #handOver(batch: LogBatch): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#consumer.handle(batch);
        this.#source.delivered(batch);
        return;
      } catch (error) {
        this.#consumer.onRetry?.(error, attempt);
      }
      await this.#pause(pauseMsAfter(attempt));
      if (this.#stopping) return;
    }
  }

  /** Ends early only when the delivery is stopped. */
  async #pause(pauseMs: number): Promise<void> {
    let over = false;
    const timer = setTimeout(() => {
      over = true;
      this.wake();
    }, pauseMs);
    while (!over && !this.#stopping) {
      this.#signalled = false;
      await this.#woken();
    }
    clearTimeout(timer);
  }

  #woken(): Promise<void> {
    if (this.#signalled) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

const pauseMsAfter = (attempt: number): number =>
  Math.min(RETRY_PAUSE_MAX_MS, RETRY_PAUSE_FIRST_MS * 2 ** (attempt - 1));

function nextAfter(records: readonly LoggedReading[]): Map<number, number> {
  const next = new Map<number, number>();
  for (const record of records) next.set(record.partition, record.offset + 1);
  return next;
}
