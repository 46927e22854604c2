import type { LogBatch, ReadingLog } from '../../ports/reading-log.ts';
import type { VitalsHistory } from '../../ports/vitals-history.ts';

/**
 * Moves readings from the log into history. History holds the truth about how far it got (its position is written in
 * the rows' own transaction); the log is only told so that it may trim.
 */
export interface Keeper {
  /** Durable readings that are not in history yet. */
  lag(): number;
  /** Finishes the batch in flight. */
  stop(): Promise<void>;
}

export interface KeeperHooks {
  onBatch?(batch: { readonly stored: number; readonly duplicates: number; readonly ms: number }): void;
  /** History refused the batch; it comes again. */
  onRetry?(error: unknown, attempt: number): void;
}

export const KEEP_GROUP = 'keep';

/**
 * A thousand rows take about 1.2 ms to encode, the longest the entry may be held up at once; waiting 100 ms for them
 * costs history nothing that a nurse would notice and saves a transaction for every few readings.
 */
const BATCH_MAX = 1000;
const LINGER_MS = 100;

export async function startKeeper(dependencies: {
  readonly log: ReadingLog;
  readonly history: VitalsHistory;
  readonly monotonicMs: () => number;
  readonly hooks?: KeeperHooks;
}): Promise<Keeper> {
  const { log, history, monotonicMs, hooks } = dependencies;
  const keep = async (batch: LogBatch): Promise<void> => {
    const startedMs = monotonicMs();
    const { stored, duplicates } = await history.keep(batch);
    hooks?.onBatch?.({ stored, duplicates, ms: monotonicMs() - startedMs });
    await log.commit(KEEP_GROUP, batch.next);
  };
  const subscription = log.subscribe({
    group: KEEP_GROUP,
    from: await history.position(),
    batchMax: BATCH_MAX,
    lingerMs: LINGER_MS,
    handle: keep,
    ...(hooks?.onRetry === undefined ? {} : { onRetry: hooks.onRetry }),
  });
  return { lag: () => subscription.lag(), stop: () => subscription.stop() };
}
