import type pg from 'pg';
import type { PatientId } from '../../domain/ids.ts';
import type { HouseSeal } from '../../ports/house-seal.ts';
import type { PatientIdentities } from '../../ports/patient-identities.ts';
import type { PatientSeal } from '../../ports/patient-seal.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { PAYLOAD_FIELD } from './rejected-readings.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/**
 * Seals what a database of before still holds in clear, drops the clear columns, and rewrites the table, so that no page
 * of it holds a name any more. Does nothing where that has been done. (Write-ahead log and backups of before are as they
 * were: they pass with their retention.)
 */
export async function sealClearTexts(
  { pool }: Pick<Connections, 'pool'>,
  {
    identities,
    seal,
    houseSeal,
  }: { readonly identities: PatientIdentities; readonly seal: PatientSeal; readonly houseSeal: HouseSeal },
): Promise<{ readonly sealed: number }> {
  await sealPayloads(pool, houseSeal);
  if (!(await failing(() => hasColumn(pool, 'patient', 'mrn')))) return { sealed: 0 };
  const sealed = await inTransaction(pool, async (client) => {
    // Two programs that start together: the second finds nothing left to do.
    await client.query('lock table patient in access exclusive mode');
    if (!(await hasColumn(client, 'patient', 'mrn'))) return 0;
    const notes = await sealNotes(client, seal);
    const { rows } = await client.query<ClearRow>(
      `select id, mrn, family_name as "familyName", given_name as "givenName", birth_date::text as "birthDate"
       from patient where num_nonnulls(mrn, family_name, given_name, birth_date) > 0`,
    );
    for (const { id, ...row } of rows) {
      const identity = await identities.seal(id as PatientId, withoutNulls(row));
      await client.query('update patient set identity = $2, mrn_index = $3 where id = $1', [
        id,
        identity.sealed,
        identity.mrnIndex ?? null,
      ]);
    }
    await client.query(
      'alter table patient drop column mrn, drop column family_name, drop column given_name, drop column birth_date',
    );
    return rows.length + notes;
  });
  if (sealed > 0) await failing(() => pool.query('vacuum (full) patient, alarm_note'));
  return { sealed };
}

/** Of refused readings: a batch at a time, since there may be a hundred thousand. */
async function sealPayloads(pool: pg.Pool, seal: HouseSeal): Promise<void> {
  for (let total = 0; ; ) {
    const count = await inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ id: number; payload: Buffer }>(
        'select id, payload from rejected_reading where not is_sealed order by id limit 1000 for update',
      );
      for (const { id, payload } of rows)
        await client.query('update rejected_reading set payload = $2, is_sealed = true where id = $1', [
          id,
          await seal.sealBytes(PAYLOAD_FIELD, payload),
        ]);
      return rows.length;
    });
    total += count;
    if (count > 0) continue;
    if (total > 0) await failing(() => pool.query('vacuum (full) rejected_reading'));
    return;
  }
}

interface ClearRow {
  readonly id: string;
  readonly mrn: string | null;
  readonly familyName: string | null;
  readonly givenName: string | null;
  readonly birthDate: string | null;
}

async function sealNotes(client: pg.PoolClient, seal: PatientSeal): Promise<number> {
  const { rows } = await client.query<{ id: string; text: string; patientId: PatientId }>(
    `select note.id, text, patient_id as "patientId" from alarm_note as note join alarm on alarm.id = alarm_id
     where text is not null`,
  );
  for (const { id, text, patientId } of rows)
    await client.query('update alarm_note set sealed = $2 where id = $1', [
      id,
      await seal.seal(patientId, NOTE_FIELD, text),
    ]);
  // A note without its alarm is nobody's, and nobody can be shown it.
  await client.query('delete from alarm_note where sealed is null');
  await client.query('alter table alarm_note drop column text, alter column sealed set not null');
  return rows.length;
}

/** Where a note lies, as its seal knows it. */
export const NOTE_FIELD = 'alarm.note';

async function hasColumn(client: Pick<pg.Pool, 'query'>, table: string, column: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from information_schema.columns
     where table_schema = current_schema() and table_name = $1 and column_name = $2`,
    [table, column],
  );
  return rowCount !== 0;
}
