import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceId, PatientId, WardId } from '../../domain/ids.ts';
import { registryContract } from '../../ports/registry.contract.ts';
import { Listener } from './listener.ts';
import { PostgresRegistry } from './registry.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
let listener: Listener;
beforeAll(async () => {
  database = await openTestDatabase();
  listener = new Listener(database);
});
afterAll(() => listener.close());

registryContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return new PostgresRegistry(database, listener);
});

describe('the registry in PostgreSQL', () => {
  it('refuses overlapping assignments even from other programs', async () => {
    await emptyDatabase(database);
    const registry = new PostgresRegistry(database, listener);
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
    const registry = new PostgresRegistry(database, listener);
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
    const refusal: unknown = await new PostgresRegistry(database, listener).putBed(insert).catch((error) => error);
    expect(refusal).toMatchObject({ code: 'database-rejected' });
    expect(JSON.stringify([String(refusal), (refusal as Error).stack, String((refusal as Error).cause)])).not.toContain(
      'SECRET-WARD',
    );
  });
});
