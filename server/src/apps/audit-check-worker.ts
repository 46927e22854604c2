import { createPublicKey } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { PostgresAuditStore } from '../adapters/postgres/audit-store.ts';
import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import type { CheckMessage } from '../audit/check-thread.ts';
import { evidenceOfPart, evidenceOfStore } from '../audit/evidence.ts';
import { verifyAudit } from '../audit/verify.ts';
import type { LogPart } from '../audit/verify-in-parts.ts';
import { Failure } from '../ports/failure.ts';
import { ownThread } from './own-thread.ts';

/** The thread that verifies the audit log once, or a part of it, with database connections of its own, and ends. */
export interface CheckWorkerData extends LogPart {
  readonly address: DatabaseAddress;
  /** Whose signatures count, in PEM. */
  readonly publicKeys: readonly string[];
  /** Somebody waits for it; otherwise whoever hears the devices goes first. */
  readonly isUrgent?: true;
}

const { address, publicKeys, anchored, from, to, isUrgent } = workerData as CheckWorkerData;
const say = ownThread<CheckMessage>({ isUrgent });

const database = connect(address, { connectionsMax: 2 });
try {
  const keys = publicKeys.map((pem) => createPublicKey(pem));
  const store = new PostgresAuditStore(database);
  const evidence =
    to === undefined
      ? await evidenceOfStore(store, { from, anchored })
      : await evidenceOfPart(store, { from, to, more: anchored });
  say({ kind: 'done', verdict: await verifyAudit(evidence, { keys }) });
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  say({ kind: 'failed', code: error.code, detail: error.message, retryable: error.retryable });
} finally {
  await database.close();
}
