import type { LogBatch } from './reading-log.ts';
import type { Kept, VitalsHistory } from './vitals-history.ts';

/** Stores a batch of the log as the keeper does it, and waits for it. */
export async function keepBatch(history: Pick<VitalsHistory, 'gather'>, { records, next }: LogBatch): Promise<Kept> {
  const batch = history.gather();
  const until = new Map<number, number>();
  let stored = 0;
  for (const record of records) {
    while (!batch.add(record)) stored += (await batch.store(until)).stored;
    until.set(record.partition, record.offset + 1);
  }
  stored += (await batch.store(next)).stored;
  return { stored, duplicates: records.length - stored };
}
