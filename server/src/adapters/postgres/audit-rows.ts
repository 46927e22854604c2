import type { EntryColumns, StoredEntry } from '../../ports/audit-store.ts';
import type { BinaryCopyWriter } from './binary-copy.ts';

/** The columns of `audit_entry`, in the order in which rows are written and read. */
const COLUMNS = [
  'position',
  'recorded_at',
  'actor',
  'actor_id',
  'action',
  'outcome',
  'resource_kind',
  'resource_id',
  'patient_id',
  'correlation_id',
  'tenant_id',
  'entry',
] as const;
export const AUDIT_COLUMNS = COLUMNS.join(', ');

export function encodeAuditRow({ position, text, columns }: StoredEntry, rows: BinaryCopyWriter): void {
  rows.row(COLUMNS.length);
  rows.bigint(position);
  rows.time(columns.recordedAtMs);
  rows.utf8(columns.actor);
  rows.utf8OrNull(columns.actorId);
  rows.utf8(columns.action);
  rows.utf8(columns.outcome);
  rows.utf8(columns.resourceKind);
  rows.utf8OrNull(columns.resourceId);
  rows.utf8OrNull(columns.patientId);
  rows.utf8(columns.correlationId);
  rows.utf8OrNull(columns.tenantId);
  rows.utf8(text);
}

/** Rows of COPY's binary format, one a message (PostgreSQL, "COPY", File Formats). */
export function auditRowDecoder(take: (row: StoredEntry) => void) {
  let isHeaderRead = false;
  return (message: Buffer): void => {
    const start = isHeaderRead ? 0 : HEADER_BYTES;
    isHeaderRead = true;
    if (message.length < start + 2 || message.readInt16BE(start) === TRAILER) return;
    let at = start + 2;
    const field = (): string | undefined => {
      const length = message.readInt32BE(at);
      at += 4;
      if (length < 0) return undefined;
      at += length;
      return message.toString('utf8', at - length, at);
    };
    const integer = (): number => {
      at += 12;
      return message.readInt32BE(at - 8) * 2 ** 32 + message.readUInt32BE(at - 4);
    };
    const position = integer();
    const recordedAtMs = integer() / 1000 + POSTGRES_EPOCH_MS;
    const columns: { -readonly [Name in keyof EntryColumns]: EntryColumns[Name] } = {
      recordedAtMs,
      actor: field() ?? '',
      action: '',
      outcome: '',
      resourceKind: '',
      correlationId: '',
    };
    const actorId = field();
    if (actorId !== undefined) columns.actorId = actorId;
    columns.action = field() ?? '';
    columns.outcome = field() ?? '';
    columns.resourceKind = field() ?? '';
    const resourceId = field();
    if (resourceId !== undefined) columns.resourceId = resourceId;
    const patientId = field();
    if (patientId !== undefined) columns.patientId = patientId;
    columns.correlationId = field() ?? '';
    const tenantId = field();
    if (tenantId !== undefined) columns.tenantId = tenantId;
    take({ position, text: field() ?? '', columns });
  };
}

/** Signature, flags, length of the header's extension; we ask for none. */
const HEADER_BYTES = 19;
const TRAILER = -1;
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);
