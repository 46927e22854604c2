import { workerData } from 'node:worker_threads';
import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import { PostgresStoredTexts } from '../adapters/postgres/stored-texts.ts';
import { Failure } from '../ports/failure.ts';
import { type LeakScanJob, type LeakScanOutcome, scanForLeaks } from '../watching/leak-scan.ts';
import { ownThread } from './own-thread.ts';

/** The thread of one search for leaks, with a database connection of its own: reading gigabytes takes no turn of others. */
export interface LeakScanWorkerData {
  readonly address: DatabaseAddress;
  readonly job: LeakScanJob;
}

export type LeakScanMessage =
  | { readonly kind: 'done'; readonly outcome: LeakScanOutcome }
  | { readonly kind: 'failed'; readonly message: string };

const { address, job } = workerData as LeakScanWorkerData;
const say = ownThread<LeakScanMessage>();

const database = connect(address, { connectionsMax: 1 });
try {
  say({ kind: 'done', outcome: await scanForLeaks(job, { texts: new PostgresStoredTexts(database) }) });
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  say({ kind: 'failed', message: error.message });
} finally {
  await database.close();
}
