import { expect, it } from 'vitest';
import { NOT_EXPORTED, PATIENT_TABLES } from './patient-export.ts';
import { openTestDatabase } from './test-database.ts';

it('a patient’s export forgets no table that names patients', async () => {
  const { pool } = await openTestDatabase();
  const { rows } = await pool.query<{ name: string }>(
    `select relname as name from pg_class join pg_attribute on attrelid = pg_class.oid
     where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
       and attname = 'patient_id' and not attisdropped`,
  );
  const known = [...PATIENT_TABLES.map(({ table }) => table), ...Object.keys(NOT_EXPORTED)];
  expect(rows.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
  // And each of them can be read as it is listed.
  for (const { table, where, order } of PATIENT_TABLES)
    await pool.query(`select to_jsonb(t) from ${table} as t where ${where} order by ${order}`, ['P1']);
});
