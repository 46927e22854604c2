import type { AuditRecord, AuditTreeHead } from '@healthsync/contracts/audit';
import type { RecordedEntry } from '../domain/audit-entry.ts';
import { parseNote } from '../domain/audit-head.ts';
import { rfc3339 } from './alert-shape.ts';

export function auditRecord({ atMs, recordedAtMs, salt: _, policies, detail, ...entry }: RecordedEntry): AuditRecord {
  return {
    ...entry,
    at: rfc3339(atMs),
    recordedAt: rfc3339(recordedAtMs),
    ...(policies !== undefined && { policies: [...policies] }),
    ...(detail !== undefined && { detail: { ...detail } }),
  };
}

/** Undefined: it is no signed head. */
export function auditTreeHead(note: string): AuditTreeHead | undefined {
  const parsed = parseNote(note);
  if (parsed === undefined) return undefined;
  const { size, rootBase64, signedAtMs } = parsed.head;
  const [signature] = parsed.signatures;
  return {
    size,
    rootHash: Buffer.from(rootBase64, 'base64').toString('hex'),
    signedAt: rfc3339(signedAtMs),
    keyId: Buffer.from(signature?.base64 ?? '', 'base64')
      .subarray(0, 4)
      .toString('hex'),
    note,
  };
}
