import { createPublicKey } from 'node:crypto';
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { PostgresAuditStore } from '../adapters/postgres/audit-store.ts';
import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import { checkLog } from '../audit/check-log.ts';
import type { CheckMessage } from '../audit/check-thread.ts';
import { Failure } from '../ports/failure.ts';

/** The thread that verifies the audit log once, with database connections of its own, and ends. */
export interface CheckWorkerData {
  readonly address: DatabaseAddress;
  /** Whose signatures count, in PEM. */
  readonly publicKeys: readonly string[];
  /** Heads that were kept elsewhere. */
  readonly anchored: readonly string[];
  readonly from: number;
}

const { address, publicKeys, anchored, from } = workerData as CheckWorkerData;
const port = parentPort;
if (port === null) throw new Error('this runs in a thread of its own');
const say = (message: CheckMessage) => port.postMessage(message);

try {
  // On Linux a thread has a priority of its own: whoever hears the devices goes first.
  if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW);
} catch {
  // Not allowed here: it goes on as it is.
}

const database = connect(address, { connectionsMax: 2 });
try {
  const keys = publicKeys.map((pem) => createPublicKey(pem));
  say({ kind: 'done', check: await checkLog({ store: new PostgresAuditStore(database), keys, from, anchored }) });
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  say({ kind: 'failed', code: error.code, detail: error.message, retryable: error.retryable });
} finally {
  await database.close();
}
