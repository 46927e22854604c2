import { setTimeout as sleep } from 'node:timers/promises';
import type { LogBatch, ReadingLog } from '../../ports/reading-log.ts';
import type { HistoryBatch, VitalsHistory } from '../../ports/vitals-history.ts';

/**
 * Moves readings from the log into history. History holds the truth about how far it got (its position is written in
 * the rows' own transaction); the log is only told so that it may trim.
 */
export interface Keeper {
  /** Durable readings that are not in history yet. */
  lag(): number;
  /** Stores what is gathered; gives up what history does not take, which the log still has. */
  stop(): Promise<void>;
}

export interface KeeperHooks {
  onBatch?(batch: { readonly stored: number; readonly duplicates: number; readonly ms: number }): void;
  /** History refused the batch; it comes again. */
  onRetry?(error: unknown, attempt: number): void;
}

export const KEEP_GROUP = 'keep';

/**
 * Readings are written down for history as soon as they are durable, and stored when a thousand are gathered or 100 ms
 * have passed, which costs history nothing that a nurse would notice and saves a transaction for every few readings.
 */
const STORE_FROM = 1_000;
const LINGER_MS = 100;
/** While history is slow or away this many more are gathered (about 1 MB); from there on the log is left unread. */
const GATHERED_MAX = 8_000;
/** Pauses before a batch is tried again: soon at first, and never more than 5 s apart. */
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5_000;

export async function startKeeper(dependencies: {
  readonly log: ReadingLog;
  readonly history: VitalsHistory;
  readonly monotonicMs: () => number;
  readonly hooks?: KeeperHooks;
}): Promise<Keeper> {
  const { log, history, monotonicMs, hooks = {} } = dependencies;
  let filling = gathered(history);
  let spare = gathered(history);
  let underWay: Gathered | undefined;
  let storing = Promise.resolve();
  /** Nothing may be stored behind what was given up: its position would skip it. */
  let isGivenUp = false;
  /** Of the batch the log has handed over and not had back: gathered already. */
  let gatheredInHand = 0;
  let timer: NodeJS.Timeout | undefined;
  const stopping = new AbortController();

  async function handle({ records }: LogBatch): Promise<void> {
    for (const record of records) {
      while (!filling.batch.add(record)) await turnOver();
      filling.ends[record.partition] = record.offset + 1;
      gatheredInHand++;
    }
    if (filling.batch.count >= GATHERED_MAX) await turnOver();
    else storeSoon();
    gatheredInHand = 0;
  }

  function storeSoon(): void {
    if (filling.batch.count >= STORE_FROM) store();
    else if (filling.batch.count > 0) timer ??= setTimeout(store, LINGER_MS);
  }

  /** Waits until what is gathered can be handed to history, so that there is room again. */
  async function turnOver(): Promise<void> {
    await storing;
    store();
  }

  function store(): void {
    clearTimeout(timer);
    timer = undefined;
    if (underWay !== undefined || filling.batch.count === 0 || isGivenUp) return;
    const full = filling;
    filling = spare;
    underWay = full;
    storing = storeUntilTaken(full).then(() => {
      spare = full;
      underWay = undefined;
      storeSoon();
    });
  }

  async function storeUntilTaken({ batch, ends }: Gathered): Promise<void> {
    const next = new Map<number, number>();
    // Passes over holes.
    ends.forEach((end, partition) => {
      next.set(partition, end);
    });
    for (let attempt = 1; ; attempt++) {
      const startedMs = monotonicMs();
      try {
        const { stored, duplicates } = await batch.store(next);
        hooks.onBatch?.({ stored, duplicates, ms: monotonicMs() - startedMs });
        await log.commit(KEEP_GROUP, next);
        ends.length = 0;
        return;
      } catch (error) {
        hooks.onRetry?.(error, attempt);
      }
      if (stopping.signal.aborted) {
        isGivenUp = true;
        return;
      }
      const pauseMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (attempt - 1));
      // Ends early, by a rejection, when the keeper is stopped.
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const subscription = log.subscribe({
    group: KEEP_GROUP,
    from: await history.position(),
    batchMax: STORE_FROM,
    lingerMs: 0,
    handle,
    ...(hooks.onRetry === undefined ? {} : { onRetry: hooks.onRetry }),
  });
  return {
    lag: () => subscription.lag() - gatheredInHand + filling.batch.count + (underWay?.batch.count ?? 0),
    async stop() {
      const stopped = subscription.stop();
      stopping.abort();
      await stopped;
      await storing;
      clearTimeout(timer);
      store();
      await storing;
    },
  };
}

interface Gathered {
  readonly batch: HistoryBatch;
  /** By partition: the offset behind its last reading. Holes where there is none. */
  readonly ends: number[];
}

function gathered(history: VitalsHistory): Gathered {
  return { batch: history.gather(), ends: [] };
}
