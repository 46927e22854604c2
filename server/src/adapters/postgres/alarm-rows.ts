import type pg from 'pg';
import type { Alarm, AlarmChange } from '../../domain/alarm.ts';
import { withoutNulls } from './without-nulls.ts';

/** The columns of `alarm` under the names of the domain. */
export const ALARM_FIELDS = `
  alarm.id, patient_id as "patientId", ward_id as "wardId", bed_id as "bedId", rule, rule_version as "ruleVersion",
  kind, priority, state, condition, cause, worst, device_id as "deviceId", reading_id as "readingId",
  last_reading_id as "lastReadingId", raised_at as "raisedAtMs", ended_at as "endedAtMs",
  acknowledged_at as "acknowledgedAtMs", acknowledged_by as "acknowledgedBy", resolved_at as "resolvedAtMs"`;

export const toAlarm = (row: object): Alarm => withoutNulls(row) as Alarm;

/** Writes alarms as they are now, and an outbox entry and a notice for each change worth telling. */
export async function writeChanges(client: pg.PoolClient, changes: readonly AlarmChange[]): Promise<void> {
  if (changes.length === 0) return;
  // An alarm may change more than once in a batch; a statement may touch a row only once.
  const latest = new Map(changes.map(({ alarm }) => [alarm.id, alarm]));
  await client.query(UPSERT, [JSON.stringify([...latest.values()].map(toRow))]);
  const told = changes.filter(({ kind }) => kind !== 'unchanged');
  if (told.length === 0) return;
  await client.query(
    `insert into outbox_event (alarm_id, change)
     select change -> 'alarm' ->> 'id', change
     from jsonb_array_elements($1::jsonb) with ordinality as told (change, position) order by position`,
    [JSON.stringify(told)],
  );
  await client.query(`select pg_notify('healthsync_alarm', id) from unnest($1::text[]) as id`, [
    [...new Set(told.map(({ alarm }) => alarm.id))],
  ]);
}

function toRow(alarm: Alarm) {
  return {
    id: alarm.id,
    patient_id: alarm.patientId,
    ward_id: alarm.wardId,
    bed_id: alarm.bedId,
    rule: alarm.rule,
    rule_version: alarm.ruleVersion,
    kind: alarm.kind,
    priority: alarm.priority,
    state: alarm.state,
    condition: alarm.condition,
    cause: alarm.cause,
    worst: alarm.worst,
    device_id: alarm.deviceId,
    reading_id: alarm.readingId,
    last_reading_id: alarm.lastReadingId,
    raised_at: new Date(alarm.raisedAtMs),
    ended_at: timeOf(alarm.endedAtMs),
    acknowledged_at: timeOf(alarm.acknowledgedAtMs),
    acknowledged_by: alarm.acknowledgedBy,
    resolved_at: timeOf(alarm.resolvedAtMs),
  };
}

const timeOf = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms));

/** What changes in an alarm's life; the rest was settled when it was raised. */
const MUTABLE = [
  'state',
  'condition',
  'worst',
  'last_reading_id',
  'ended_at',
  'acknowledged_at',
  'acknowledged_by',
  'resolved_at',
];

const UPSERT = `
  insert into alarm
  select id, patient_id, ward_id, bed_id, rule, rule_version, kind, priority, state, condition, cause, worst,
    device_id, reading_id, last_reading_id, raised_at, ended_at, acknowledged_at, acknowledged_by, resolved_at
  from jsonb_populate_recordset(null::alarm, $1::jsonb)
  -- Where one alarm ends and the next of its rule begins in one batch, the ended one must be written first.
  order by state desc
  on conflict (id) do update set ${MUTABLE.map((column) => `${column} = excluded.${column}`).join(', ')}`;
