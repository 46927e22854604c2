import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { AlarmChange } from '../../domain/alarm.ts';
import type { AuditEntry } from '../../domain/audit-entry.ts';
import { ESCALATION_ACTOR } from '../../domain/escalation-round.ts';
import type { InTransaction } from './alarm-rows.ts';

/** Without a time it is the transaction's own. */
export type LeftEntry = Omit<AuditEntry, 'atMs'> & { readonly atMs?: number };

/**
 * Leaves entries in the transaction of what they are about: both are there, or neither. The audit log writes them down
 * within a second.
 */
export async function leaveForAudit(
  client: Pick<pg.PoolClient, 'query'>,
  entries: readonly LeftEntry[],
): Promise<void> {
  if (entries.length > 0) await client.query(leave("'{}'"), [JSON.stringify(entries)]);
}

/** The same of patients: an entry that does not say so belongs to the organisation of its patient. */
async function leaveOfPatients(client: Pick<pg.PoolClient, 'query'>, entries: readonly LeftEntry[]): Promise<void> {
  if (entries.length > 0) await client.query(leave(TENANT_OF_PATIENT), [JSON.stringify(entries)]);
}

const TENANT_OF_PATIENT = `coalesce((
  select jsonb_build_object('tenantId', tenant_id) from patient
  where id = entry ->> 'patientId' and tenant_id <> 'default'), '{}')`;

const leave = (more: string) => `
  insert into audit_pending (entry)
  select jsonb_build_object('atMs', (extract(epoch from clock_timestamp()) * 1000)::bigint) || ${more}::jsonb || entry
  from jsonb_array_elements($1::jsonb) with ordinality as left_there (entry, place) order by place`;

/** What the program does by itself; `part` says what of it. */
export function ownEntry(
  part: string,
  what: Pick<AuditEntry, 'action' | 'resource'> & Partial<Omit<AuditEntry, 'actor'>>,
): LeftEntry {
  return { actor: { kind: 'system', name: part }, outcome: 'allowed', correlationId: randomUUID(), ...what };
}

/** Hand it to the alarm store: nothing happens to an alarm, by whomever, without an entry. */
export const auditAlarmChanges: InTransaction = (client, changes) =>
  leaveOfPatients(client, changes.flatMap(alarmEntry));

function alarmEntry({ kind, alarm, atMs, by, byId }: AlarmChange): readonly AuditEntry[] {
  if (kind === 'unchanged') return [];
  return [
    {
      atMs,
      actor: actorOf(by, byId),
      action: `alarm.${kind}`,
      resource: { kind: 'alarm', id: alarm.id },
      patientId: alarm.patientId,
      outcome: 'allowed',
      correlationId: alarm.id,
      // Neither rule nor value: which vital it was is the patient's affair.
      detail: {
        priority: alarm.priority,
        alarmKind: alarm.kind,
        revision: alarm.revision,
        ...(alarm.wardId !== undefined && { wards: alarm.wardId }),
        ...(alarm.escalationStep !== undefined && { step: alarm.escalationStep }),
      },
    },
  ];
}

/** The escalation writes on alarms under its own name, as people do under theirs: by its name alone it is no person. */
function actorOf(by: AlarmChange['by'], byId: AlarmChange['byId']): AuditEntry['actor'] {
  if (by === undefined) return { kind: 'system', name: 'alarms' };
  if (byId === undefined && by === ESCALATION_ACTOR) return { kind: 'system', name: 'escalation' };
  return { kind: 'person', name: by, ...(byId !== undefined && { userId: byId }) };
}
