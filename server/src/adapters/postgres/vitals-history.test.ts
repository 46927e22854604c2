import { beforeAll, describe, expect, it } from 'vitest';
import type { DeviceId, PatientId, ReadingId } from '../../domain/ids.ts';
import type { LogBatch } from '../../ports/reading-log.ts';
import { keepBatch } from '../../ports/test-keep.ts';
import { vitalsHistoryContract } from '../../ports/vitals-history.contract.ts';
import { connect } from './connection.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';
import { PostgresVitalsHistory } from './vitals-history.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

vitalsHistoryContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return new PostgresVitalsHistory(database);
});

describe('the vitals history in PostgreSQL', () => {
  it('lays each day in a partition of its own, and tomorrow’s out beforehand', async () => {
    await emptyDatabase(database);
    await database.pool.query('drop table if exists vitals_20250101, vitals_20250102, vitals_20250103');
    const history = new PostgresVitalsHistory(database);
    await keepBatch(history, batchOf(Date.UTC(2025, 0, 1, 12)));
    const { rows } = await database.pool.query(
      `select (select count(*)::int from vitals_20250101) as "first", (select count(*)::int from vitals_20250102) as "second"`,
    );
    expect(rows).toEqual([{ first: 1, second: 0 }]);
  });

  it('makes a day again that was archived and dropped meanwhile', async () => {
    await emptyDatabase(database);
    const history = new PostgresVitalsHistory(database);
    const batch = batchOf(Date.UTC(2025, 5, 1, 12));
    await keepBatch(history, batch);
    await database.pool.query('drop table vitals_20250601');
    expect(await keepBatch(history, batch)).toEqual({ stored: 1, duplicates: 0 });
  });

  it('lets processes that meet a new day at the same moment make it once', async () => {
    await emptyDatabase(database);
    const others = [connect(database.address), connect(database.address), connect(database.address)];
    const histories = others.map((connections) => new PostgresVitalsHistory(connections));
    const batches = histories.map((_, i) => batchOf(Date.UTC(2024, 1, 29, 12), `D-${i}`));
    await Promise.all(histories.map((history, i) => keepBatch(history, batches[i] as LogBatch)));
    const { rows } = await database.pool.query('select count(*)::int as kept from vitals');
    expect(rows).toEqual([{ kept: 3 }]);
    await Promise.all(others.map((connections) => connections.close()));
  });

  it('stores what is new of a batch that holds known readings, and the batches after it', async () => {
    await emptyDatabase(database);
    const history = new PostgresVitalsHistory(database);
    const at = Date.UTC(2025, 0, 1, 12);
    const of = (...devices: readonly string[]): LogBatch => ({
      records: devices.flatMap((device) => batchOf(at, device).records),
      next: new Map([[0, 1]]),
    });
    expect(await keepBatch(history, of('A', 'B'))).toEqual({ stored: 2, duplicates: 0 });
    expect(await keepBatch(history, of('B', 'C'))).toEqual({ stored: 1, duplicates: 1 });
    expect(await keepBatch(history, of('C', 'D', 'D'))).toEqual({ stored: 1, duplicates: 2 });
    expect(await keepBatch(history, of('E'))).toEqual({ stored: 1, duplicates: 0 });
    expect(await keepBatch(history, of('F', 'G'))).toEqual({ stored: 2, duplicates: 0 });
    expect(await keepBatch(history, of('F', 'H'))).toEqual({ stored: 1, duplicates: 1 });
    const { rows } = await database.pool.query('select count(*)::int as kept from vitals');
    expect(rows).toEqual([{ kept: 8 }]);
  });

  it('refuses a batch whole when it cannot store it, and goes on with the next', async () => {
    await emptyDatabase(database);
    const history = new PostgresVitalsHistory(database);
    await database.pool.query(`alter table log_position add constraint broken check (next < 100)`);
    const tooFar: LogBatch = { ...batchOf(Date.UTC(2025, 0, 1, 12)), next: new Map([[0, 100]]) };
    await expect(keepBatch(history, tooFar)).rejects.toMatchObject({ code: 'database-rejected' });
    await database.pool.query(`alter table log_position drop constraint broken`);
    expect(await history.position()).toEqual(new Map());
    expect(await history.latest(['P' as PatientId])).toEqual([]);
    expect(await keepBatch(history, tooFar)).toEqual({ stored: 1, duplicates: 0 });
  });
});

function batchOf(atMs: number, deviceId = 'D'): LogBatch {
  const reading = {
    id: 'r' as ReadingId,
    deviceId: deviceId as DeviceId,
    patientId: 'P' as PatientId,
    atMs,
    receivedAtMs: atMs,
    vitals: { heartRate: 80 },
    context: {},
    status: {},
  };
  return { records: [{ partition: 0, offset: 0, reading }], next: new Map([[0, 1]]) };
}
