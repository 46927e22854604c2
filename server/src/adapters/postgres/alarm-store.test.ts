import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ConditionTransition } from '../../domain/alarm.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId } from '../../domain/ids.ts';
import { testIdentities, testSeal } from '../../keys/test-identities.ts';
import { alarmStoreContract } from '../../ports/alarm-store.contract.ts';
import { PostgresAlarmStore, parseAlarmNotice } from './alarm-store.ts';
import { connect } from './connection.ts';
import { Listener } from './listener.ts';
import { readMigrations } from './migrate.ts';
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
  const registry = new PostgresRegistry(database, listener, testIdentities());
  return {
    alarms: new PostgresAlarmStore(database, { now, seal: testSeal() }),
    outbox: new PostgresOutbox(database),
    async place(id, { wardId, bedId }) {
      await registry.putWard({ id: wardId, name: 'Ward' });
      await registry.putBed({ id: bedId, wardId, label: bedId });
      await registry.putPatient({ id, bedId });
    },
  };
});

describe('what time brings', () => {
  const CLOCK = fileURLToPath(new URL('./test-alarm-clock.ts', import.meta.url));
  const nowMs = Date.UTC(2026, 10, 22, 3);
  const running: ChildProcess[] = [];
  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL');
  });

  function startClock(hangs: boolean) {
    const argument = JSON.stringify({ address: database.address, nowMs, hangs });
    const child = spawn(process.execPath, [CLOCK, argument], { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    const lines: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)));
    return {
      lines,
      async kill() {
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      },
    };
  }

  it('happens once: to a process killed in the middle of it nothing has happened, and the next one does it', async () => {
    await emptyDatabase(database);
    const before = new PostgresAlarmStore(database, { seal: testSeal(), now: () => nowMs - 60 * 60_000 });
    const ids = [1, 2, 3].map((n) => `A-${n}` as AlarmId);
    await before.apply(ids.map((_, i) => ({ ...transition('began', i + 1), patientId: `P-${i}` as PatientId })));
    const act = { kind: 'snooze', forMs: 5 * 60_000 } as const;
    for (const id of ids) await before.act({ id, act, by: 'Anna', atMs: nowMs - 50 * 60_000 });

    const killed = startClock(true);
    await expect.poll(() => killed.lines, { timeout: 20_000 }).toEqual(['in the middle']);
    await killed.kill();
    expect(killed.lines).toEqual(['in the middle']);
    expect((await before.history(ids[0] as AlarmId)).map(({ kind }) => kind)).toEqual(['raised', 'snoozed']);

    // Two at once, and another one after they are gone: restarts change nothing any more.
    const clocks = [startClock(false), startClock(false)];
    await expect
      .poll(() => clocks.flatMap(({ lines }) => lines), { timeout: 20_000 })
      .toEqual(['unsnoozed', 'unsnoozed', 'unsnoozed']);
    for (const clock of clocks) await clock.kill();
    const last = startClock(false);
    const { rows } = await database.pool.query<{ due: number | null }>('select min(due_at) as due from alarm');
    expect(rows[0]?.due).toBeGreaterThan(nowMs);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await last.kill();
    expect(last.lines).toEqual([]);
    for (const id of ids)
      expect((await before.history(id)).map(({ kind }) => kind)).toEqual(['raised', 'snoozed', 'unsnoozed']);
    const events = await database.pool.query(`select from outbox_event where change ->> 'kind' = 'unsnoozed'`);
    expect(events.rowCount).toBe(3);
  });
});

describe('the alarm store in PostgreSQL', () => {
  let alarms: PostgresAlarmStore;
  beforeEach(async () => {
    await emptyDatabase(database);
    alarms = new PostgresAlarmStore(database, { seal: testSeal() });
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
    await expect.poll(() => heard).toEqual(['A-1 1', 'A-1 2', 'A-1 3']);
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

  it('gives an alarm to one of two processes that reach for it at once, over connections of their own', async () => {
    const other = connect(database.address, { connectionsMax: 1 });
    const elsewhere = new PostgresAlarmStore(other, { seal: testSeal() });
    for (let n = 1; n <= 20; n++) {
      const id = `A-${n}` as AlarmId;
      await alarms.apply([{ ...transition('began', n), patientId: `P-${n}` as PatientId }]);
      const outcomes = await Promise.all([
        alarms.acknowledge({ id, by: 'Anna', atMs: n }),
        elsewhere.acknowledge({ id, by: 'Ben', atMs: n }),
      ]);
      expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['acknowledged', 'already-acknowledged']);
      const owner = (await alarms.find(id))?.owner;
      for (const outcome of outcomes) if ('alarm' in outcome) expect(outcome.alarm.owner).toBe(owner);
      expect((await alarms.history(id)).map(({ kind, by }) => [kind, by])).toEqual([
        ['raised', undefined],
        ['acknowledged', owner],
      ]);
    }
    await other.close();
  });

  it('takes many at once in whatever order they are asked for, without waiting for each other for ever', async () => {
    const ids = Array.from({ length: 40 }, (_, n) => `A-${n}` as AlarmId);
    await alarms.apply(ids.map((_, n) => ({ ...transition('began', n), patientId: `P-${n}` as PatientId })));
    const outcomes = await Promise.all(
      ['Anna', 'Ben', 'Cem', 'Dee'].map((by, i) =>
        alarms.acknowledgeMany({ ids: i % 2 === 0 ? ids : [...ids].reverse(), by, atMs: 1 }),
      ),
    );
    expect(outcomes.flat().filter(({ kind }) => kind === 'acknowledged')).toHaveLength(40);
  });

  it('lets others write in the transaction of a change, and keeps neither without the other', async () => {
    await database.pool.query('create table if not exists beside (alarm_id text, kind text)');
    await database.pool.query('truncate beside');
    let fails = false;
    const told: string[] = [];
    const store = new PostgresAlarmStore(database, {
      seal: testSeal(),
      inTransaction: [
        async (client, changes) => {
          for (const { kind, alarm } of changes) {
            const { rows } = await client.query('select 1 from alarm where id = $1 and revision = $2', [
              alarm.id,
              alarm.revision,
            ]);
            told.push(`${kind} ${rows.length}`);
            await client.query('insert into beside values ($1, $2)', [alarm.id, kind]);
          }
          if (fails) throw new Error('a defect beside');
        },
      ],
    });
    await store.apply([transition('began', 1)]);
    await store.apply([transition('began', 1)]);
    const id = 'A-1' as AlarmId;
    await store.act({ id, act: { kind: 'note', note: 'x' }, by: 'Anna', atMs: 1 });
    await store.acknowledgeMany({ ids: [id], by: 'Anna', atMs: 1 });
    await store.passTime({ nowMs: Date.now() + 86_400_000, limit: 10 });
    expect(told).toEqual(['raised 1', 'noted 1', 'acknowledged 1', 'acknowledgement-expired 1']);
    fails = true;
    await expect(store.acknowledge({ id, by: 'Ben', atMs: 2 })).rejects.toThrow('a defect beside');
    expect(await store.find(id)).not.toHaveProperty('acknowledgedBy');
    const { rows } = await database.pool.query('select kind from beside');
    expect(rows.map(({ kind }) => kind)).toEqual(['raised', 'noted', 'acknowledged', 'acknowledgement-expired']);
    await database.pool.query('drop table beside');
  });

  it('keeps what was applied where something beside it goes back to its savepoint', async () => {
    const goingBack = async (client: PoolClient) => {
      await client.query('savepoint beside');
      await client.query('rollback to savepoint beside');
    };
    const store = new PostgresAlarmStore(database, {
      seal: testSeal(),
      inTransaction: [Object.assign(goingBack, { hasSavepoint: true as const })],
    });
    expect(await store.apply([transition('began', 1)])).toHaveLength(1);
    // Known as applied: neither an alarm nor a change comes of it again.
    expect(await store.apply([transition('began', 1), transition('ended', 2)])).toMatchObject([{ kind: 'ended' }]);
    const { rows } = await database.pool.query('select log_offset from alarm_condition');
    expect(rows).toEqual([{ log_offset: 2 }]);
  });

  it('understands notices with a revision, without one, and none that is not ours', () => {
    expect(parseAlarmNotice('A-1 3')).toEqual({ id: 'A-1', revision: 3 });
    expect(parseAlarmNotice('A-1')).toEqual({ id: 'A-1' });
    expect(parseAlarmNotice('A-1 x')).toEqual({ id: 'A-1' });
    expect(parseAlarmNotice('')).toBeUndefined();
  });

  it('finds what is due by an index, and needs not sort it', async () => {
    const client = await database.pool.connect();
    await client.query('begin; set local enable_seqscan = off; set local enable_sort = off');
    const { rows } = await client.query<{ readonly 'QUERY PLAN': string }>(
      'explain select id from alarm where due_at <= now() order by due_at limit 10 for update skip locked',
    );
    await client.query('rollback');
    client.release();
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('alarm_due');
    expect(plan).not.toContain('Sort');
  });

  it('takes over the alarms of the version before, with their history and a next step in time', async () => {
    const client = await database.pool.connect();
    const [first, second, life] = readMigrations();
    await client.query('create schema before; set search_path to before');
    await client.query(first?.sql ?? '');
    await client.query(second?.sql ?? '');
    const alarm = (id: string, rule: string, acknowledgedBy?: string) =>
      client.query(
        `insert into alarm (id, patient_id, rule, rule_version, kind, priority, state, condition, cause, worst, device_id,
           reading_id, last_reading_id, raised_at, acknowledged_at, acknowledged_by)
         values ($1, 'P', $2, 1, 'physiological', 'high', 'active', 'present', '{}', '{}', 'D', 'r', 'r', now(),
           case when $3::text is null then null else now() end, $3)`,
        [id, rule, acknowledgedBy],
      );
    await alarm('A-1', 'x.y');
    await alarm('A-2', 'x.z', 'Anna');
    await client.query(`insert into outbox_event (alarm_id, change) values ('A-2', $1), ('A-2', $2)`, [
      { kind: 'raised', alarm: { priority: 'high', condition: 'present', worst: { text: 'HR 170 > 160' } } },
      { kind: 'acknowledged', alarm: { priority: 'high', condition: 'present', acknowledgedBy: 'Anna', worst: {} } },
    ]);
    await client.query(life?.sql ?? '');
    const { rows } = await client.query(
      `select id, highest_priority, owner, remind_at is not null as reminds, acknowledgement_expires_at is not null as expires,
         due_at > now() as is_due, revision from alarm order by id`,
    );
    const common = { highest_priority: 'high', is_due: true, revision: 1 };
    expect(rows).toEqual([
      { id: 'A-1', owner: null, reminds: true, expires: false, ...common },
      { id: 'A-2', owner: 'Anna', reminds: false, expires: true, ...common },
    ]);
    const history = await client.query('select kind, by, detail from alarm_change order by id');
    expect(history.rows).toMatchObject([
      { kind: 'raised', by: null, detail: { priority: 'high', text: 'HR 170 > 160' } },
      { kind: 'acknowledged', by: 'Anna' },
    ]);
    await client.query('drop schema before cascade; reset search_path');
    client.release();
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
