import type { KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { DatabaseAddress } from '../adapters/postgres/connection.ts';
import type { AuditVerdict } from '../audit/verify.ts';
import { PART_ENTRIES_MIN, verifyInParts } from '../audit/verify-in-parts.ts';
import type { AuditStore } from '../ports/audit-store.ts';
import { startAuditCheck } from './audit-check-process.ts';

/** PostgreSQL needs as many again to read it out. */
const PROCESSES_MAX = 4;

/**
 * Verifies a long log by as many processes as there are cores. Undefined: it is short, there is one core, or not
 * everything is well: verified as one it is told what.
 */
export async function verifyByProcesses(parts: {
  readonly store: Pick<AuditStore, 'open'>;
  readonly address: DatabaseAddress;
  readonly keys: readonly KeyObject[];
  readonly anchored: readonly string[];
}): Promise<AuditVerdict | undefined> {
  const { store, address, keys, anchored } = parts;
  const { size } = await store.open('healthsync-audit/none');
  const count = Math.min(availableParallelism(), PROCESSES_MAX, Math.floor(size / PART_ENTRIES_MIN));
  if (count < 2) return undefined;
  const publicKeys = keys.map((key) => String(key.export({ type: 'spki', format: 'pem' })));
  return await verifyInParts({
    size,
    count,
    anchored,
    async verify(part) {
      const check = startAuditCheck({ ...part, address, publicKeys }, { isUrgent: true });
      return await check.answer.finally(() => check.stop());
    },
  });
}
