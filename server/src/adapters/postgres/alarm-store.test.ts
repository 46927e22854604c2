import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ConditionTransition } from '../../domain/alarm.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId } from '../../domain/ids.ts';
import { alarmStoreContract } from '../../ports/alarm-store.contract.ts';
import { PostgresAlarmStore } from './alarm-store.ts';
import { Listener } from './listener.ts';
import { PostgresOutbox } from './outbox.ts';
import { PostgresRegistry } from './registry.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
let listener: Listener;
beforeAll(async () => {
  database = await openTestDatabase();
  listener = new Listener(database);
});
afterAll(() => listener.close());

alarmStoreContract('PostgreSQL', async ({ now }) => {
  await emptyDatabase(database);
  const registry = new PostgresRegistry(database, listener);
  return {
    alarms: new PostgresAlarmStore(database, { now }),
    outbox: new PostgresOutbox(database),
    async place(id, { wardId, bedId }) {
      await registry.putWard({ id: wardId, name: 'Ward' });
      await registry.putBed({ id: bedId, wardId, label: bedId });
      await registry.putPatient({ id, bedId });
    },
  };
});

describe('the alarm store in PostgreSQL', () => {
  let alarms: PostgresAlarmStore;
  beforeEach(async () => {
    await emptyDatabase(database);
    alarms = new PostgresAlarmStore(database);
  });

  it('tells other processes which alarms changed, and only those', async () => {
    const heard: string[] = [];
    const stop = await listener.listen('healthsync_alarm', {
      onNotice: (id) => heard.push(id),
      onGap: () => undefined,
    });
    await alarms.apply([transition('began', 1)]);
    await alarms.apply([transition('began', 1)]);
    await alarms.acknowledge({ id: 'A-1' as AlarmId, by: 'nurse-1', atMs: 1 });
    await alarms.acknowledge({ id: 'A-1' as AlarmId, by: 'nurse-2', atMs: 1 });
    await alarms.apply([transition('ended', 2)]);
    await expect.poll(() => heard).toEqual(['A-1', 'A-1', 'A-1']);
    await stop();
  });

  it('rings on for a log that began anew at its first offset', async () => {
    await alarms.apply([transition('began', 500), transition('ended', 501)]);
    const anew = { ...transition('began', 900), position: { partition: 0, offset: 3, step: 0 } };
    expect(await alarms.apply([anew])).toMatchObject([{ kind: 'returned' }]);
    const elsewhere = { ...transition('ended', 901), position: { partition: 7, offset: 0, step: 0 } };
    expect(await alarms.apply([elsewhere])).toMatchObject([{ kind: 'ended' }]);
    expect(await alarms.apply([anew])).toEqual([]);
  });

  it('stores the alarm, its event and its position together or not at all', async () => {
    await database.pool.query('alter table outbox_event add constraint broken check (false)');
    await expect(alarms.apply([transition('began', 1)])).rejects.toMatchObject({ code: 'database-rejected' });
    await database.pool.query('alter table outbox_event drop constraint broken');
    expect(await alarms.list({ limit: 10 })).toEqual([]);
    expect(await alarms.apply([transition('began', 1)])).toMatchObject([{ kind: 'raised' }]);
  });

  it('takes a storm of a thousand patients in one go', async () => {
    const storm = Array.from({ length: 1_000 }, (_, i) => ({
      ...transition('began', i),
      patientId: `P-${i}` as PatientId,
    }));
    expect(await alarms.apply(storm)).toHaveLength(1_000);
    expect(await alarms.apply(storm)).toEqual([]);
  });
});

function transition(kind: ConditionTransition['kind'], n: number): ConditionTransition {
  return {
    kind,
    patientId: 'P' as PatientId,
    rule: 'technical.lost',
    ruleVersion: 1,
    alarmKind: 'technical',
    priority: 'medium',
    cause: { text: 'NO DATA' },
    readingId: `r-${n}` as ReadingId,
    deviceId: 'D' as DeviceId,
    atMs: n * 1_000,
    alarmId: `A-${n}` as AlarmId,
    position: { partition: 0, offset: n, step: 0 },
  };
}
