import { isUtf8 } from 'node:buffer';
import type { PatientId } from '../../domain/ids.ts';
import type { HouseSeal } from '../../ports/house-seal.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { PAYLOAD_FIELD } from './rejected-readings.ts';

/**
 * Everything that is kept about one patient, table by table and oldest first, as it is stored and as of one moment; what
 * is sealed is left for the caller to open (`openedRow`; notes on alarms). A test holds this list against the tables there are: none can be forgotten.
 */
export async function* patientRows(
  { pool }: Pick<Connections, 'pool'>,
  patientId: PatientId,
): AsyncGenerator<PatientRow> {
  const client = await failing(() => pool.connect());
  let isSound = false;
  try {
    await failing(() => client.query('begin transaction isolation level repeatable read read only'));
    for (const { table, where, order, row = WHOLE } of PATIENT_TABLES) {
      // A cursor reads weeks of readings once; each page by its offset would read all before it again.
      const select = `select ${row} as row from ${table} as t where ${where} order by ${order}`;
      await failing(() => client.query(`declare page no scroll cursor for ${select}`, [patientId]));
      for (;;) {
        const { rows } = await failing(() => client.query<{ row: Record<string, unknown> }>(`fetch ${PAGE} from page`));
        for (const { row } of rows) yield { table, row };
        if (rows.length < PAGE) break;
      }
      await failing(() => client.query('close page'));
    }
    await failing(() => client.query('commit'));
    isSound = true;
  } finally {
    client.release(!isSound);
  }
}

/** With what a refused reading brought, as it came; null where that was altered. */
export async function openedRow({ table, row }: PatientRow, houseSeal: HouseSeal): Promise<PatientRow['row']> {
  if (table !== 'rejected_reading') return row;
  const { payload, is_sealed: isSealed, ...rest } = row;
  // As PostgreSQL writes bytes in JSON: `\x6162`.
  const stored = Buffer.from(String(payload).slice(2), 'hex');
  const bytes = isSealed === true ? await houseSeal.openBytes(PAYLOAD_FIELD, stored) : stored;
  if (bytes === undefined) return { ...rest, payload: null };
  const brought = Buffer.from(bytes);
  return isUtf8(brought)
    ? { ...rest, payload: brought.toString() }
    : { ...rest, payload: brought.toString('base64'), payloadEncoding: 'base64' };
}

export interface PatientRow {
  readonly table: string;
  readonly row: Record<string, unknown>;
}

const PAGE = 5_000;
const OF_PATIENT = 'patient_id = $1';
const OF_ALARM = 'alarm_id in (select id from alarm where patient_id = $1)';

/** Of a refused reading `t`: the patient wore its device when it came. */
const RECEIVED_WHILE_WORN = `exists (
  select from assignment as worn
  where worn.patient_id = $1 and worn.device_id = t.device_id
    and worn.from_at <= t.received_at and t.received_at < coalesce(worn.to_at, 'infinity'))`;

const OF_RULES = "scope = 'patient' and scope_id = $1";

interface PatientTable {
  readonly table: string;
  readonly where: string;
  readonly order: string;
  /** What of the row `t` is the patient's, as jsonb; all of it, if absent. */
  readonly row?: string;
}

const WHOLE = 'to_jsonb(t)';

export const PATIENT_TABLES: readonly PatientTable[] = [
  { table: 'assignment', where: OF_PATIENT, order: 'from_at, device_id' },
  { table: 'vitals', where: OF_PATIENT, order: 'at, device_id, reading_id' },
  // What is to be doubted of these: received while somebody else may have held the key of a device they wore then.
  {
    table: 'device_doubt',
    where: `exists (
      select from assignment as worn
      where worn.patient_id = $1 and worn.device_id = t.device_id
        and worn.from_at <= t.received_until and t.received_from < coalesce(worn.to_at, 'infinity'))`,
    order: 'received_from, id',
  },
  // What came while they wore the device and was refused: whose it was, nothing else says.
  { table: 'rejected_reading', where: RECEIVED_WHILE_WORN, order: 'id' },
  { table: 'patient_news2', where: OF_PATIENT, order: 'version' },
  // Their own limits, for good and for a while, and what was asked for.
  { table: 'rule_version', where: OF_RULES, order: 'rule_id, version' },
  { table: 'rule_override', where: OF_RULES, order: 'set_at, id' },
  { table: 'rule_proposal', where: OF_RULES, order: 'asked_at, id' },
  { table: 'alarm', where: OF_PATIENT, order: 'raised_at, id' },
  { table: 'alarm_change', where: OF_ALARM, order: 'id' },
  // Who was told, and not at which telephone: that is theirs.
  { table: 'delivery', where: OF_ALARM, order: 'id', row: `${WHOLE} - '{recipient,dedupe_key,receipt}'::text[]` },
  { table: 'escalation', where: OF_ALARM, order: 'started_at, alarm_id, round', row: `${WHOLE} - 'token'` },
  {
    table: 'escalation_step',
    where: OF_ALARM,
    order: 'at, alarm_id, round, step, repeat',
    row: `${WHOLE} || jsonb_build_object('recipients', (
      select coalesce(jsonb_agg(told - '{address,dedupeKey}'::text[]), '[]') from jsonb_array_elements(t.recipients) as told))`,
  },
  { table: 'watchdog_telling', where: OF_ALARM, order: 'at, alarm_id' },
  // Who answered for them, without whom else they answered for.
  {
    table: 'care_assignment',
    where: '$1 = any(patient_ids)',
    order: 'from_at, id',
    row: `${WHOLE} - '{patient_ids,bed_ids}'::text[]`,
  },
  { table: 'emergency_access', where: OF_PATIENT, order: 'began_at, id' },
  { table: 'consent_version', where: OF_PATIENT, order: 'recorded_at, consent_id, version' },
  // Why is left out: the reason may be about others.
  { table: 'patient_vip', where: OF_PATIENT, order: 'since', row: `${WHOLE} - 'reason'` },
  { table: 'erasure', where: "subject = 'patient:' || $1", order: 'at' },
  // Who looked, and what was done: the patient may know it (HIPAA §164.528, GDPR Art. 15).
  { table: 'audit_entry', where: OF_PATIENT, order: 'position' },
];

/** Columns by which a table may be about a patient. */
export const NAMING_COLUMNS = ['patient_id', 'patient_ids', 'alarm_id', 'scope_id', 'subject'] as const;

/** Tables that name a patient and hold nothing of their own about them, with why. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  security_alert: 'what was noticed about people who work here',
  device_enrollment: 'how a device came in; who wore it is in assignment',
  own_record: 'which patient somebody who works here is',
  canary: 'made-up patients',
  latest_vital_time: 'when each vital was last measured: in vitals',
  latest_vital_since: 'a view of it',
  alarm_condition: 'how far the log was followed',
  alarm_note: 'sealed: opened and written by whoever exports',
  alarm_event: 'what happened to alarms, once more for other systems: in alarm_change',
  outbox_event: 'the same, until everybody was told of it',
  held_telling: 'what somebody is told when their quiet hours end: then in delivery',
  answer_token: 'hashes of what answers to a message',
  rule_set: 'counts versions of rules',
  audit_hold: 'that a dispute is under way, which is for those who lead it',
  subject_key: 'wrapped keys',
  federated_identity: 'people who work here, at another provider',
};
