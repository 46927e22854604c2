import type pg from 'pg';
import type { PatientId } from '../../domain/ids.ts';
import type { PatientIdentities } from '../../ports/patient-identities.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/**
 * Seals what a database of before still holds in clear, drops the clear columns, and rewrites the table, so that no page
 * of it holds a name any more. Does nothing where that has been done. (Write-ahead log and backups of before are as they
 * were: they pass with their retention.)
 */
export async function sealClearIdentities(
  { pool }: Pick<Connections, 'pool'>,
  identities: PatientIdentities,
): Promise<{ readonly sealed: number }> {
  if (!(await failing(() => hasClearColumns(pool)))) return { sealed: 0 };
  const sealed = await inTransaction(pool, async (client) => {
    // Two programs that start together: the second finds nothing left to do.
    await client.query('lock table patient in access exclusive mode');
    if (!(await hasClearColumns(client))) return 0;
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
    return rows.length;
  });
  if (sealed > 0) await failing(() => pool.query('vacuum (full) patient'));
  return { sealed };
}

interface ClearRow {
  readonly id: string;
  readonly mrn: string | null;
  readonly familyName: string | null;
  readonly givenName: string | null;
  readonly birthDate: string | null;
}

async function hasClearColumns(client: Pick<pg.Pool, 'query'>): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from information_schema.columns
     where table_schema = current_schema() and table_name = 'patient' and column_name = 'mrn'`,
  );
  return rowCount !== 0;
}
