import { createPublicKey } from 'node:crypto';
import { PostgresAuditStore } from '../adapters/postgres/audit-store.ts';
import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import { evidenceOfPart, evidenceOfStore } from '../audit/evidence.ts';
import { type AuditVerdict, verifyAudit } from '../audit/verify.ts';
import type { LogPart } from '../audit/verify-in-parts.ts';
import { ownProcess } from './own-process.ts';

/** The process that verifies the audit log once, or a part of it, with database connections of its own, and ends. */
export interface CheckWorkerData extends LogPart {
  readonly address: DatabaseAddress;
  /** Whose signatures count, in PEM. */
  readonly publicKeys: readonly string[];
}

ownProcess<CheckWorkerData, AuditVerdict>(async ({ address, publicKeys, anchored, from, to }) => {
  const database = connect(address, { connectionsMax: 2 });
  try {
    const keys = publicKeys.map((pem) => createPublicKey(pem));
    const store = new PostgresAuditStore(database);
    const evidence =
      to === undefined
        ? await evidenceOfStore(store, { from, anchored })
        : await evidenceOfPart(store, { from, to, more: anchored });
    return await verifyAudit(evidence, { keys });
  } finally {
    await database.close();
  }
});
