import type { PatientId } from '../../domain/ids.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';

/**
 * Everything that is kept about one patient, table by table and oldest first, as it is stored and as of one moment; what
 * is sealed is left for the caller to open. A test holds this list against the tables there are: none can be forgotten.
 */
export async function* patientRows(
  { pool }: Pick<Connections, 'pool'>,
  patientId: PatientId,
): AsyncGenerator<PatientRow> {
  const client = await failing(() => pool.connect());
  let isSound = false;
  try {
    await failing(() => client.query('begin transaction isolation level repeatable read read only'));
    for (const { table, where, order } of PATIENT_TABLES) {
      // A cursor reads weeks of readings once; each page by its offset would read all before it again.
      const select = `select to_jsonb(t) as row from ${table} as t where ${where} order by ${order}`;
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

export interface PatientRow {
  readonly table: string;
  readonly row: Record<string, unknown>;
}

const PAGE = 5_000;
const OF_PATIENT = 'patient_id = $1';
const OF_ALARM = 'alarm_id in (select id from alarm where patient_id = $1)';

export const PATIENT_TABLES: readonly { readonly table: string; readonly where: string; readonly order: string }[] = [
  { table: 'assignment', where: OF_PATIENT, order: 'from_at, device_id' },
  { table: 'vitals', where: OF_PATIENT, order: 'at, device_id, reading_id' },
  { table: 'patient_news2', where: OF_PATIENT, order: 'version' },
  { table: 'alarm', where: OF_PATIENT, order: 'raised_at, id' },
  { table: 'alarm_change', where: OF_ALARM, order: 'id' },
  { table: 'delivery', where: OF_ALARM, order: 'id' },
  { table: 'emergency_access', where: OF_PATIENT, order: 'began_at, id' },
  { table: 'consent_version', where: OF_PATIENT, order: 'recorded_at, consent_id, version' },
  // Who looked, and what was done: the patient may know it (HIPAA §164.528, GDPR Art. 15).
  { table: 'audit_entry', where: OF_PATIENT, order: 'position' },
];

/** Tables that name a patient and hold nothing of their own about them, with why. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  security_alert: 'what was noticed about people who work here',
  patient_vip: 'why a record is specially protected: the reason may be about others',
  device_enrollment: 'how a device came in; who wore it is in assignment',
  own_record: 'which patient somebody who works here is',
  canary: 'made-up patients',
  latest_vital_time: 'when each vital was last measured: in vitals',
  latest_vital_since: 'a view of it',
  alarm_condition: 'how far the log was followed',
};
