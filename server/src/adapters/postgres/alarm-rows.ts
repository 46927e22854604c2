import type pg from 'pg';
import type { Alarm, AlarmChange } from '../../domain/alarm.ts';
import { historyEntry } from '../../domain/alarm-history.ts';
import { withoutNulls } from './without-nulls.ts';

/** The columns of `alarm` and the fields of the domain: `time` where a moment is kept as one. */
const COLUMNS: Readonly<Record<string, { readonly field: keyof Alarm; readonly time?: true }>> = {
  id: { field: 'id' },
  patient_id: { field: 'patientId' },
  ward_id: { field: 'wardId' },
  bed_id: { field: 'bedId' },
  rule: { field: 'rule' },
  rule_version: { field: 'ruleVersion' },
  kind: { field: 'kind' },
  priority: { field: 'priority' },
  highest_priority: { field: 'highestPriority' },
  state: { field: 'state' },
  condition: { field: 'condition' },
  cause: { field: 'cause' },
  worst: { field: 'worst' },
  device_id: { field: 'deviceId' },
  reading_id: { field: 'readingId' },
  last_reading_id: { field: 'lastReadingId' },
  raised_at: { field: 'raisedAtMs', time: true },
  ended_at: { field: 'endedAtMs', time: true },
  acknowledged_at: { field: 'acknowledgedAtMs', time: true },
  acknowledged_by: { field: 'acknowledgedBy' },
  acknowledgement_expires_at: { field: 'acknowledgementExpiresAtMs', time: true },
  owner: { field: 'owner' },
  owner_id: { field: 'ownerId' },
  snoozed_until: { field: 'snoozedUntilMs', time: true },
  snoozed_at: { field: 'snoozedAtMs', time: true },
  snoozed_by: { field: 'snoozedBy' },
  reminders: { field: 'reminders' },
  remind_at: { field: 'remindAtMs', time: true },
  clears_at: { field: 'clearsAtMs', time: true },
  escalation_step: { field: 'escalationStep' },
  escalated_at: { field: 'escalatedAtMs', time: true },
  notes: { field: 'notes' },
  resolved_at: { field: 'resolvedAtMs', time: true },
  resolved_by: { field: 'resolvedBy' },
  revision: { field: 'revision' },
};

const NAMES = Object.keys(COLUMNS);

/** Settled when it is raised, and never written again. */
const FIXED = new Set(
  'id patient_id ward_id bed_id rule rule_version kind cause device_id reading_id raised_at'.split(' '),
);

/** The columns of `alarm` under the names of the domain. */
export const ALARM_FIELDS = NAMES.map((name) => `alarm.${name} as "${COLUMNS[name]?.field}"`).join(', ');

export const toAlarm = (row: object): Alarm => withoutNulls(row) as Alarm;

/** Called in the transaction that writes a change of an alarm, after its row, so that both are there or neither. */
export interface InTransaction {
  (client: pg.PoolClient, changes: readonly AlarmChange[]): Promise<void>;
  /** It may undo by itself what it did. Such come first, one after the other; the others are asked for together. */
  readonly hasSavepoint?: true;
}

/**
 * Writes alarms as they are now, and for each change worth telling an outbox entry, a line of the alarm's history and a
 * notice to other processes.
 */
export async function writeChanges(
  client: pg.PoolClient,
  changes: readonly AlarmChange[],
  inTransaction: readonly InTransaction[],
): Promise<void> {
  if (changes.length === 0) return;
  // An alarm may change more than once in a batch; a statement may touch a row only once.
  const latest = new Map(changes.map(({ alarm }) => [alarm.id, alarm]));
  const told = changes.filter(({ kind }) => kind !== 'unchanged');
  const upserted = client.query(UPSERT, [JSON.stringify([...latest.values()].map(toRow))]);
  if (told.length === 0) {
    await upserted;
    return;
  }
  await Promise.all([
    upserted,
    client.query(
      `with told as (
         insert into outbox_event (alarm_id, change)
         select change -> 'alarm' ->> 'id', change
         from jsonb_array_elements($1::jsonb) with ordinality as told (change, position) order by position
         returning alarm_id, change
       )
       select pg_notify('healthsync_alarm', alarm_id || ' ' || (change -> 'alarm' ->> 'revision')) from told`,
      [JSON.stringify(told)],
    ),
    writeHistory(client, told),
  ]);
  // What one of them undoes by a savepoint must not hold what another has written.
  for (const also of inTransaction) if (also.hasSavepoint === true) await also(client, told);
  await Promise.all(inTransaction.map(async (also) => also.hasSavepoint !== true && also(client, told)));
}

async function writeHistory(client: pg.PoolClient, told: readonly AlarmChange[]): Promise<void> {
  const rows = told.map((change) => {
    const { kind, atMs, by, ...detail } = historyEntry(change);
    return { alarm_id: change.alarm.id, kind, at: new Date(atMs), by, by_id: change.byId, detail };
  });
  await client.query(
    `insert into alarm_change (alarm_id, kind, at, by, by_id, detail)
     select alarm_id, kind, at, by, by_id, detail from jsonb_populate_recordset(null::alarm_change, $1::jsonb)`,
    [JSON.stringify(rows)],
  );
}

function toRow(alarm: Alarm): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const [name, { field, time }] of Object.entries(COLUMNS)) {
    const value = alarm[field];
    row[name] = time === true && value !== undefined ? new Date(value as number) : value;
  }
  return row;
}

const UPSERT = `
  insert into alarm (${NAMES.join(', ')})
  select ${NAMES.join(', ')} from jsonb_populate_recordset(null::alarm, $1::jsonb)
  -- Where one alarm ends and the next of its rule begins in one batch, the ended one must be written first.
  order by state desc
  on conflict (id) do update set ${NAMES.filter((name) => !FIXED.has(name))
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')}`;
