import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PatientId } from '../../domain/ids.ts';
import { testIdentities } from '../../keys/test-identities.ts';
import { ruleSetsContract } from '../../ports/rule-sets.contract.ts';
import { Listener } from './listener.ts';
import { PostgresRegistry } from './registry.ts';
import { PostgresRuleSets } from './rule-sets.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
let listener: Listener;
beforeAll(async () => {
  database = await openTestDatabase();
  listener = new Listener(database);
});
afterAll(() => listener.close());

ruleSetsContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  const registry = new PostgresRegistry(database, listener, testIdentities());
  await registry.putPatient({ id: 'P' as PatientId });
  return {
    sets: new PostgresRuleSets(database),
    snapshot: async () => (await registry.snapshot()).rules ?? { sets: [], overrides: [] },
  };
});

describe('rule sets in PostgreSQL', () => {
  it('announce every change like any change of the registry', async () => {
    await emptyDatabase(database);
    const registry = new PostgresRegistry(database, listener, testIdentities());
    const sets = new PostgresRuleSets(database);
    let calls = 0;
    const stop = await registry.watch(() => calls++);
    await sets.put({ place: { scope: 'house' }, rules: [RULE], remove: [], propose: [], ...SIGNED });
    await expect.poll(() => calls).toBe(1);
    await stop();
  });

  it('keep NEWS2 of a patient with who decided it, and a later write of the patient leaves it', async () => {
    await emptyDatabase(database);
    const registry = new PostgresRegistry(database, listener, testIdentities());
    await registry.putPatient({ id: 'P' as PatientId, birthDate: '1990-02-03' });
    const sets = new PostgresRuleSets(database);
    const request = { patientId: 'P' as PatientId, spo2Scale: 2, ...SIGNED } as const;
    await sets.putNews2({ ...request, use: { kind: 'off', why: 'pregnancy' } });
    await registry.putPatient({ id: 'P' as PatientId, birthDate: '1990-02-03', familyName: 'Doe' });
    const [place] = (await registry.snapshot()).patients;
    expect(place).toEqual({
      id: 'P',
      spo2Scale: 2,
      birthDate: '1990-02-03',
      news2Use: { kind: 'off', why: 'pregnancy' },
    });
    await sets.putNews2({ ...request, from: 1, use: { kind: 'by-age' } });
    expect((await registry.snapshot()).patients[0]).not.toHaveProperty('news2Use');
    const { rows } = await database.pool.query('select version, news2_use, set_by from patient_news2 order by version');
    expect(rows).toEqual([
      { version: 1, news2_use: 'pregnancy', set_by: 'a' },
      { version: 2, news2_use: 'by-age', set_by: 'a' },
    ]);
  });

  it('take over the limits of patients from before, with their history', async () => {
    const sql = await readFile(join(import.meta.dirname, 'migrations/0004-rule-sets.sql'), 'utf8');
    const first = await readFile(join(import.meta.dirname, 'migrations/0001-first-tables.sql'), 'utf8');
    const client = await database.pool.connect();
    try {
      await client.query('begin; create schema before_rules; set local search_path to before_rules');
      await client.query(first);
      await client.query(`
        insert into patient (id) values ('P');
        insert into patient_limit values
          ('P', 'heartRate.above.high', 1, 'heartRate', 'above', 140, 'high', false, false, 'a', 'first', now()),
          ('P', 'heartRate.above.high', 2, 'heartRate', 'above', 145, 'high', true, false, 'b', 'second', now()),
          ('P', 'spo2.below.low', 1, 'spo2', 'below', 92, 'low', false, true, 'a', 'gone', now())`);
      await client.query(sql);
      const { rows } = await client.query('select rule_id, version, is_newest, body from rule_version order by 1, 2');
      expect(rows).toEqual([
        {
          rule_id: 'heartRate.above.high',
          version: 1,
          is_newest: false,
          body: {
            kind: 'limit',
            id: 'heartRate.above.high',
            vital: 'heartRate',
            comparison: 'above',
            limit: 140,
            priority: 'high',
          },
        },
        {
          rule_id: 'heartRate.above.high',
          version: 2,
          is_newest: true,
          body: expect.objectContaining({ limit: 145, off: true }),
        },
        { rule_id: 'spo2.below.low', version: 1, is_newest: true, body: null },
      ]);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });
});

const SIGNED = { by: 'a', reason: 'because', atMs: 1_800_000_000_000 };
const RULE = {
  kind: 'limit',
  id: 'heartRate.above.high',
  version: 1,
  vital: 'heartRate',
  comparison: 'above',
  limit: 140,
  priority: 'high',
} as const;
