import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryReadingLog } from '../../adapters/embedded/memory-reading-log.ts';
import { PostgresAlarmStore } from '../../adapters/postgres/alarm-store.ts';
import { PostgresCheckpoints } from '../../adapters/postgres/checkpoints.ts';
import { PostgresOutbox } from '../../adapters/postgres/outbox.ts';
import { openTestDatabase, type TestDatabase } from '../../adapters/postgres/test-database.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId } from '../../domain/ids.ts';
import type { Reading } from '../../domain/reading.ts';
import { testSeal } from '../../keys/test-identities.ts';
import { Failure } from '../../ports/failure.ts';
import type { Notification } from '../../ports/notifier.ts';
import { appended } from '../../ports/reading-log.ts';
import { startAssessor } from '../3-assess/assessor.ts';
import { createChannelWatch } from '../5-notify/channel-watch.ts';
import { startTeller } from '../5-notify/teller.ts';
import { openAlarmDesk } from './alarm-desk.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

const EMPTY = { wards: [], beds: [], patients: [], devices: [], assignments: [], revokedSerials: [], deviceTokens: [] };
const AWAY = new Failure('database-unavailable', 'the process is dead', { retryable: true });
const clock = { nowMs: 1_800_000_000_000 };
const now = () => clock.nowMs;
const monotonicMs = () => performance.now();

/** One life of the process: reading → assessor → desk → PostgreSQL → teller. `kill` leaves it as a SIGKILL would. */
async function live(log: MemoryReadingLog) {
  const life = { isOver: false };
  const store = new PostgresAlarmStore(database, { seal: testSeal(), now });
  const apply = store.apply.bind(store);
  store.apply = async (transitions) => {
    if (life.isOver) throw AWAY;
    return apply(transitions);
  };
  const postgres = new PostgresCheckpoints(database);
  const checkpoints = {
    load: () => postgres.load(),
    save: async (checkpoint: Parameters<typeof postgres.save>[0]) => {
      if (life.isOver) throw AWAY;
      await postgres.save(checkpoint);
    },
  };
  const desk = await openAlarmDesk({ store, placeOf: () => ({}), now, monotonicMs });
  const settings = { tickMs: 50, checkpointEveryMs: 20, deafAfterMs: 1e12, stopMaxMs: 20 };
  const assessor = await startAssessor({ log, checkpoints, desk, snapshot: EMPTY, now, monotonicMs, settings });
  const told: Notification[] = [];
  const teller = startTeller({
    outbox: new PostgresOutbox(database),
    notifiers: [
      {
        channel: 'test',
        type: 'webhook',
        send: async (message) => {
          told.push(message);
          return { kind: 'delivered', receipt: 'ok' };
        },
      },
    ],
    subscribers: async () => ({
      subscriptions: [
        {
          id: 's',
          topic: { class: 'alarms' },
          subscriber: { kind: 'endpoint', channel: 'test', recipient: 'ward@hospital.example' },
        },
      ],
      people: new Map(),
    }),
    policies: async () => new Map(),
    sources: { placeOf: () => ({ bed: 'W3-01' }) },
    watch: createChannelWatch({ channels: ['test'], systemAlarms: { raise: () => {}, clear: () => {} }, now }),
    now,
    monotonicMs,
    random: Math.random,
    settings: { pollMs: 100 },
  });
  desk.onStored(() => teller.wake());
  return {
    assessor,
    desk,
    told,
    async kill() {
      life.isOver = true;
      await Promise.all([desk.stop(0), assessor.stop(), teller.stop()]);
    },
    async stop() {
      await assessor.stop();
      await desk.stop(1_000);
      await teller.stop();
    },
  };
}

let sequence = 0;
function reading(patientId: string, vitals: Reading['vitals']) {
  clock.nowMs += 1_000;
  return {
    id: `r${sequence++}` as ReadingId,
    deviceId: `D-${patientId}` as DeviceId,
    patientId: patientId as PatientId,
    atMs: clock.nowMs,
    receivedAtMs: clock.nowMs,
    vitals,
    context: {},
    status: {},
  };
}

async function until(claim: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await claim()); tries++) {
    if (tries > 2_000) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('from a reading to a person, with PostgreSQL', () => {
  it('through eight crashes at any moment: every alarm stored once, each person told, nobody asked twice', async () => {
    const log = new MemoryReadingLog({ partitions: 4 });
    const told: Notification[] = [];
    let process = await live(log);
    for (let i = 0; i < 80; i++) {
      const patient = `P${i % 4}`;
      // Each patient's heart rate is beyond its limit in every second stretch of five of their readings.
      const isHigh = Math.floor(i / 20) % 2 === 1;
      await appended(log, reading(patient, { heartRate: isHigh ? 170 : 80 }));
      if (i % 10 === 7) {
        for (let turns = i % 5; turns > 0; turns--) await new Promise((resolve) => setTimeout(resolve, 1));
        await process.kill();
        told.push(...process.told);
        process = await live(log);
      }
    }
    await until(() => process.assessor.isCaughtUp() && process.assessor.lag() === 0);
    await process.desk.settled();
    const alarms = (await new PostgresAlarmStore(database, { seal: testSeal() }).list({ limit: 1_000 })).filter(
      ({ kind }) => kind === 'physiological',
    );
    // Nobody acknowledged, so a condition that returned continued its alarm: one each.
    expect(alarms.map(({ patientId }) => patientId).sort()).toEqual(['P0', 'P1', 'P2', 'P3']);
    expect(alarms.every(({ state }) => state === 'active')).toBe(true);
    const records = new PostgresOutbox(database);
    await until(async () => {
      const all = await Promise.all(alarms.map(({ id }) => records.deliveries(id)));
      return all.every((deliveries) => deliveries.length === 1 && deliveries[0]?.state === 'delivered');
    });
    told.push(...process.told);
    for (const { id } of alarms) expect(told.filter(({ fields: { alarmId } }) => alarmId === id)).toHaveLength(1);
    for (const { text } of told)
      for (const secret of ['P0', 'P1', 'P2', 'P3', '170', 'heartRate']) expect(text).not.toContain(secret);

    const [first] = alarms;
    const outcome = await process.desk.acknowledge({ id: first?.id ?? ('' as AlarmId), by: 'anna' });
    expect(outcome.kind).toBe('acknowledged');
    expect(await process.desk.acknowledge({ id: first?.id ?? ('' as AlarmId), by: 'ben' })).toMatchObject({
      kind: expect.stringMatching(/^already-/),
    });
    await process.stop();
  });
});
