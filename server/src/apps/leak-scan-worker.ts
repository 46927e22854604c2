import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import { PostgresStoredTexts } from '../adapters/postgres/stored-texts.ts';
import { Failure } from '../ports/failure.ts';
import { type LeakScanJob, type LeakScanOutcome, scanForLeaks } from '../watching/leak-scan.ts';

/** The thread of one search for leaks, with a database connection of its own: reading gigabytes takes no turn of others. */
export interface LeakScanWorkerData {
  readonly address: DatabaseAddress;
  readonly job: LeakScanJob;
}

export type LeakScanMessage =
  | { readonly kind: 'done'; readonly outcome: LeakScanOutcome }
  | { readonly kind: 'failed'; readonly message: string };

const { address, job } = workerData as LeakScanWorkerData;
const port = parentPort;
if (port === null) throw new Error('this runs in a thread of its own');
const say = (message: LeakScanMessage) => port.postMessage(message);

try {
  // On Linux a thread has a priority of its own: whoever hears the devices goes first.
  if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW);
} catch {
  // Not allowed here: it goes on as it is.
}

const database = connect(address, { connectionsMax: 1 });
try {
  say({ kind: 'done', outcome: await scanForLeaks(job, { texts: new PostgresStoredTexts(database) }) });
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  say({ kind: 'failed', message: error.message });
} finally {
  await database.close();
}
