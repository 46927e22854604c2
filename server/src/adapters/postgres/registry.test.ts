import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceId, PatientId, WardId } from '../../domain/ids.ts';
import { createHouseSeal } from '../../keys/house-seal.ts';
import { createPatientIdentities } from '../../keys/patient-identities.ts';
import { createPatientSeal } from '../../keys/patient-seal.ts';
import { testIdentities, testSubjectKeys } from '../../keys/test-identities.ts';
import { registryContract } from '../../ports/registry.contract.ts';
import { wardPlanContract } from '../../ports/ward-plan.contract.ts';
import { PostgresCareTeams } from './care-teams.ts';
import { Listener } from './listener.ts';
import { PostgresRegistry } from './registry.ts';
import { sealClearTexts } from './seal-clear-texts.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';
import { PostgresWardPlan } from './ward-plan.ts';

let database: TestDatabase;
let listener: Listener;
beforeAll(async () => {
  database = await openTestDatabase();
  listener = new Listener(database);
});
afterAll(() => listener.close());

registryContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return new PostgresRegistry(database, listener, testIdentities());
});

wardPlanContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return {
    plan: new PostgresWardPlan(database),
    registry: new PostgresRegistry(database, listener, testIdentities()),
    teams: new PostgresCareTeams(database),
    giveWard: (wardId) =>
      database.pool.query(
        `insert into app_user (id, name, display_name, roles, ward_ids) values ('u-given', 'x', 'x', '{}', $1)`,
        [[wardId]],
      ),
    subscribe: async ({ people, system }) => {
      await database.pool.query(
        `insert into topic_subscription (topic, channel, recipient, created_by, created_at)
         values ($1, 'smtp', 'a@a.example', 'x', now())`,
        [`alarms.high.${people}`],
      );
      await database.pool.query(
        `insert into event_subscription (name, url, secret, detail, routes, position, created_by, created_at)
         values ('x', 'https://a.example', 'x', 'place', $1, 0, 'x', now())`,
        [JSON.stringify([{ wardIds: ['other', system] }])],
      );
    },
  };
});

describe('the registry in PostgreSQL', () => {
  it('refuses overlapping assignments even from other programs', async () => {
    await emptyDatabase(database);
    const registry = new PostgresRegistry(database, listener, testIdentities());
    await registry.putPatient({ id: 'P' as PatientId });
    await registry.putDevice({ id: 'D' as DeviceId, createdAtMs: 0 });
    await registry.assign({ deviceId: 'D' as DeviceId, patientId: 'P' as PatientId, fromMs: 1_000 });
    const insert = (from: string, to: string | null) =>
      database.pool.query(`insert into assignment values ('D', 'P', $1, $2)`, [from, to]);
    await expect(insert('1970-01-01T00:00:02Z', null)).rejects.toMatchObject({ code: '23P01' });
    await expect(insert('1970-01-01T00:00:00Z', '1970-01-01T00:00:03Z')).rejects.toMatchObject({ code: '23P01' });
    await insert('1970-01-01T00:00:00Z', '1970-01-01T00:00:01Z');
  });

  it('hears of a change made through another connection, and tells of a gap when its own was lost', async () => {
    const registry = new PostgresRegistry(database, listener, testIdentities());
    let calls = 0;
    const stop = await registry.watch(() => calls++);
    await database.pool.query(`insert into ward values ('W-other', 'x')`);
    await expect.poll(() => calls).toBe(1);
    // Every connection of this process but the asking one: what a restart of PostgreSQL does to a listener.
    await database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await expect.poll(() => calls, { timeout: 10_000 }).toBe(2);
    await registry.putWard({ id: 'W-after' as WardId, name: 'x' });
    await expect.poll(() => calls).toBe(3);
    await stop();
  });

  it('says nothing of a row in its refusals', async () => {
    await database.pool.query(`insert into ward values ('W-canary', 'x')`);
    const insert = { id: 'B' as never, wardId: 'SECRET-WARD' as WardId, label: 'x' };
    const refusal: unknown = await new PostgresRegistry(database, listener, testIdentities())
      .putBed(insert)
      .catch((error) => error);
    expect(refusal).toMatchObject({ code: 'database-rejected' });
    expect(JSON.stringify([String(refusal), (refusal as Error).stack, String((refusal as Error).cause)])).not.toContain(
      'SECRET-WARD',
    );
  });
});

describe('a patient’s name in PostgreSQL', () => {
  const named = {
    id: 'P' as PatientId,
    mrn: 'MRN-4711',
    familyName: 'Featherstone',
    givenName: 'Noor',
    birthDate: '1950-03-01',
  };
  const clear = /4711|Featherstone|Noor|1950-03-01/;
  const everythingInRows = async () => {
    const { rows } = await database.pool.query<{ row: string }>(
      `select patient::text || encode(identity, 'escape') || coalesce(encode(mrn_index, 'escape'), '') as row from patient`,
    );
    return rows.map(({ row }) => row).join('\n');
  };

  it('is in no column', async () => {
    await emptyDatabase(database);
    await new PostgresRegistry(database, listener, testIdentities()).putPatient(named);
    expect(await everythingInRows()).not.toMatch(clear);
  });

  it('once its key is erased is not known any more, though the patient is', async () => {
    await emptyDatabase(database);
    const keys = testSubjectKeys();
    const registry = new PostgresRegistry(database, listener, createPatientIdentities(keys));
    await registry.putPatient(named);
    expect(await registry.patientsByMrn('MRN-4711')).toMatchObject([named]);
    await keys.erase('patient:P');
    expect(await registry.findPatient(named.id)).toEqual({ id: 'P', spo2Scale: 1 });
    expect((await registry.snapshot()).patients).toEqual([{ id: 'P', spo2Scale: 1 }]);
    expect(await registry.patientsByMrn('MRN-4711')).toEqual([]);
  });

  it('that an older version left in clear is sealed once, and its columns are dropped', async () => {
    const old = await openTestDatabase();
    const { familyName, givenName } = named;
    for (let n = 0; n < 50; n += 1)
      await old.pool.query(
        'insert into patient (id, mrn, family_name, given_name, birth_date) values ($1, $2, $3, $4, $5)',
        [n === 0 ? 'P' : `P${n}`, named.mrn, familyName, givenName, named.birthDate],
      );
    const keys = testSubjectKeys();
    const identities = createPatientIdentities(keys);
    const seals = { identities, seal: createPatientSeal(keys), houseSeal: createHouseSeal(keys) };
    const results = await Promise.all([sealClearTexts(old, seals), sealClearTexts(old, seals)]);
    expect(results.map(({ sealed }) => sealed).sort()).toEqual([0, 50]);
    expect(await sealClearTexts(old, seals)).toEqual({ sealed: 0 });
    expect(await new PostgresRegistry(old, listener, identities).findPatient(named.id)).toEqual({
      ...named,
      spo2Scale: 1,
    });
    const { rows } = await old.pool.query<{ name: string }>(
      `select attname as name from pg_attribute
       where attrelid = 'patient'::regclass and attnum > 0 and not attisdropped order by attname`,
    );
    expect(rows.map(({ name }) => name)).toEqual([
      'bed_id',
      'id',
      'identity',
      'mrn_index',
      'news2_use',
      'sex',
      'spo2_scale',
      'tenant_id',
    ]);
  });
});
