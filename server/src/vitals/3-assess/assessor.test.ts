import { afterEach, describe, expect, it } from 'vitest';
import { MemoryReadingLog } from '../../adapters/embedded/memory-reading-log.ts';
import { MemoryAlarmStore } from '../../adapters/memory/memory-alarm-store.ts';
import { MemoryCheckpoints } from '../../adapters/memory/memory-checkpoints.ts';
import type { DeviceId, PatientId, ReadingId } from '../../domain/ids.ts';
import type { AssignedReading, Reading } from '../../domain/reading.ts';
import type { AlarmStore } from '../../ports/alarm-store.ts';
import { Failure } from '../../ports/failure.ts';
import { appended } from '../../ports/reading-log.ts';
import type { RegistrySnapshot } from '../../ports/registry.ts';
import { openAlarmDesk } from '../4-alert/alarm-desk.ts';
import { type AssessorHooks, startAssessor } from './assessor.ts';

const AWAY = new Failure('database-unavailable', 'away', { retryable: true });
const P1 = 'P1' as PatientId;

const EMPTY: RegistrySnapshot = {
  wards: [],
  beds: [],
  patients: [],
  devices: [],
  assignments: [],
  revokedSerials: [],
  deviceTokens: [],
};

/** What survives a crash. */
function world() {
  return {
    log: new MemoryReadingLog({ partitions: 4 }),
    store: new MemoryAlarmStore(),
    checkpoints: new MemoryCheckpoints(),
    nowMs: 1_800_000_000_000,
  };
}
type World = ReturnType<typeof world>;

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

async function start(w: World, snapshot = EMPTY, hooks: AssessorHooks = {}) {
  const now = () => w.nowMs;
  const life = { isOver: false };
  const desk = await openAlarmDesk({
    store: mortal(w.store, life),
    placeOf: () => ({}),
    now,
    monotonicMs: () => performance.now(),
    settings: { retryFirstMs: 1, retryMaxMs: 5 },
  });
  const told: string[] = [];
  desk.onChange(({ kind, alarm }) => told.push(`${alarm.patientId} ${alarm.rule} ${kind}`));
  const assessor = await startAssessor({
    log: w.log,
    checkpoints: w.checkpoints,
    desk,
    snapshot,
    now,
    monotonicMs: () => performance.now(),
    hooks,
    settings: { tickMs: 5, checkpointEveryMs: 5, batchMax: 16, deafAfterMs: 1e12, stopMaxMs: 20 },
  });
  const process = {
    desk,
    assessor,
    told,
    life,
    stop: async () => {
      await assessor.stop();
      await desk.stop(100);
    },
  };
  running.push(process);
  return process;
}

/** A store that hears nothing more of a process once that is dead. */
function mortal(store: MemoryAlarmStore, life: { readonly isOver: boolean }): AlarmStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      if (name !== 'apply') return member.bind(target);
      return async (...given: unknown[]) => {
        if (life.isOver) throw AWAY;
        return member.apply(target, given);
      };
    },
  });
}

/** As a SIGKILL leaves it: what is not stored is gone, and nothing more is heard. */
async function kill(w: World, process: Awaited<ReturnType<typeof start>>) {
  process.life.isOver = true;
  w.checkpoints.refusal = AWAY;
  await Promise.all([process.desk.stop(0), process.assessor.stop()]);
  w.checkpoints.refusal = undefined;
  running.splice(running.indexOf(process), 1);
}

let sequence = 0;
function reading(
  w: World,
  patientId: string,
  vitals: Reading['vitals'],
  more: Partial<AssignedReading> = {},
): AssignedReading {
  return {
    id: `r${sequence++}` as ReadingId,
    deviceId: `D-${patientId}` as DeviceId,
    patientId: patientId as PatientId,
    atMs: w.nowMs,
    receivedAtMs: w.nowMs,
    vitals,
    context: {},
    status: {},
    ...more,
  };
}

async function until(claim: () => boolean): Promise<void> {
  for (let tries = 0; !claim(); tries++) {
    if (tries > 5_000) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
const send = async (w: World, ...readings: AssignedReading[]) => {
  for (const each of readings) await appended(w.log, each);
};
const judged = (process: Awaited<ReturnType<typeof start>>, each: AssignedReading) =>
  until(() => process.assessor.statusOf(each.patientId)?.last?.readingId === each.id);

describe('the assessor', () => {
  it('turns a reading into a ringing, stored alarm and a status', async () => {
    const w = world();
    const process = await start(w);
    const touched: string[] = [];
    process.assessor.onTouched((ids) => touched.push(...ids));
    await send(w, reading(w, 'P1', { heartRate: 170 }));
    await until(() => w.store.alarms.size === 1);
    expect(process.told).toEqual(['P1 heartRate.above.high raised']);
    expect(process.assessor.statusOf(P1)?.values.heartRate?.value).toBe(170);
    expect(touched).toEqual(['P1']);
  });

  it('notices silence, and that it ended', async () => {
    const w = world();
    const process = await start(w);
    const first = reading(w, 'P1', { heartRate: 70 });
    await send(w, first);
    await judged(process, first);
    w.nowMs += 31_000;
    await until(() => process.told.length === 1);
    await send(w, reading(w, 'P1', { heartRate: 70 }));
    await until(() => process.told.length === 2);
    expect(process.told).toEqual(['P1 technical.lost raised', 'P1 technical.lost ended']);
  });

  it('judges the current value again when a limit changes', async () => {
    const w = world();
    const process = await start(w);
    const sent = reading(w, 'P1', { heartRate: 150 });
    await send(w, sent);
    await judged(process, sent);
    const limit = {
      kind: 'limit',
      id: 'heartRate.above.high',
      version: 1,
      vital: 'heartRate',
      comparison: 'above',
      limit: 140,
      priority: 'high',
    } as const;
    const assignments = [{ deviceId: 'D-P1' as DeviceId, patientId: P1, fromMs: 0 }];
    const known = { ...EMPTY, patients: [{ id: P1, spo2Scale: 1 }], assignments } as const;
    const place = { scope: 'patient', patientId: P1 } as const;
    const rules = { sets: [{ place, revision: 1, rules: [limit] }], overrides: [] };
    process.assessor.rulesChanged({ ...known, rules });
    await until(() => process.told.length === 1);
    process.assessor.rulesChanged(known);
    await until(() => process.told.length === 2);
    expect(process.told).toEqual(['P1 heartRate.above.high raised', 'P1 heartRate.above.high ended']);
  });

  it('a reading that cannot be judged is left out, and holds up nobody', async () => {
    const w = world();
    const failed: unknown[] = [];
    const process = await start(w, EMPTY, { onJudgementFailed: (error) => failed.push(error) });
    const broken = { ...reading(w, 'P1', {}), status: undefined } as unknown as AssignedReading;
    await send(w, broken, reading(w, 'P2', { heartRate: 170 }), reading(w, 'P1', { heartRate: 170 }));
    await until(() => process.told.length === 2);
    expect(failed).toHaveLength(1);
  });
});

describe('an override', () => {
  it('holds for its time, ends by itself, and the value that is there is judged by what it replaced', async () => {
    const w = world();
    const process = await start(w);
    const place = { scope: 'patient', patientId: P1 } as const;
    const rule = {
      kind: 'limit',
      id: 'heartRate.above.high',
      version: 1,
      vital: 'heartRate',
      comparison: 'above',
      limit: 180,
      priority: 'high',
    } as const;
    const [fromMs, untilMs] = [w.nowMs, w.nowMs + 20_000];
    process.assessor.rulesChanged({
      ...EMPTY,
      patients: [{ id: P1, spo2Scale: 1 }],
      assignments: [{ deviceId: 'D-P1' as DeviceId, patientId: P1, fromMs: 0 }],
      rules: { sets: [], overrides: [{ id: 'o1', place, rule, fromMs, untilMs }] },
    });
    const sent = reading(w, 'P1', { heartRate: 170 });
    await send(w, sent);
    await judged(process, sent);
    expect(process.told).toEqual([]);
    w.nowMs = untilMs;
    await until(() => process.told.length === 1);
    expect(process.told).toEqual(['P1 heartRate.above.high raised']);
    const [open] = process.desk.open();
    expect(open?.cause.reasons).toMatchObject({ rule: rule.id, scope: 'default', version: 1 });
  });
});

describe('a process that starts beside one that has judged more', () => {
  it('ends no alarm by what was measured before it', async () => {
    const w = world();
    const first = await start(w);
    const well = reading(w, 'P1', { heartRate: 80 });
    w.nowMs += 1_000;
    const breach = reading(w, 'P1', { heartRate: 170 });
    await send(w, well, breach);
    await judged(first, breach);
    await first.desk.settled();
    // It saw the end of its log before the second of them came, and the alarm after it.
    const log = new MemoryReadingLog({ partitions: 4 });
    await appended(log, well);
    const extent = log.extent.bind(log);
    let asked = 0;
    log.extent = async () => {
      if (++asked === 2) await appended(log, breach);
      return extent();
    };
    const second = await start({ ...w, log, checkpoints: new MemoryCheckpoints() });
    await until(() => second.assessor.isCaughtUp());
    await second.desk.settled();
    expect(w.store.events.map(({ kind }) => kind)).toEqual(['raised']);
    expect(second.desk.open()).toMatchObject([{ condition: 'present' }]);
  });
});

describe('a checkpoint', () => {
  it('is saved, and the log told, only once the alarms before it are stored', async () => {
    const w = world();
    const process = await start(w);
    w.store.refusal = AWAY;
    const sent = reading(w, 'P1', { heartRate: 170 });
    await send(w, sent);
    await judged(process, sent);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(process.told).toEqual(['P1 heartRate.above.high raised']);
    expect(w.checkpoints.saved.size).toBe(0);
    expect(await w.log.committed('assess')).toEqual(new Map());
    w.store.refusal = undefined;
    await until(() => w.checkpoints.saved.size === 1);
    expect(w.store.alarms.size).toBe(1);
    const [checkpoint] = w.checkpoints.saved.values();
    await until(() => checkpoint?.next === 1);
    await process.stop();
    expect([...(await w.log.committed('assess')).values()]).toEqual([1]);
  });

  it('of a log that was replaced is not believed: new readings are judged', async () => {
    const w = world();
    const first = await start(w);
    for (let i = 0; i < 5; i++) await send(w, reading(w, 'P1', { heartRate: 70 }));
    await first.stop();
    running.length = 0;
    const ignored: string[] = [];
    const anew = { ...w, log: new MemoryReadingLog({ partitions: 4 }), store: new MemoryAlarmStore() };
    const second = await start(anew, EMPTY, { onCheckpointIgnored: (_partition, reason) => ignored.push(reason) });
    expect(ignored).toEqual(['log-began-anew']);
    await send(anew, reading(anew, 'P1', { heartRate: 170 }));
    await until(() => second.told.length === 1);
  });
});

describe('after a crash', () => {
  it('every alarm is there once, whatever the last checkpoint held', async () => {
    for (let round = 0; round < 20; round++) {
      const w = world();
      let process = await start(w);
      for (let i = 0; i < 60; i++) {
        w.nowMs += 1_000;
        await send(w, reading(w, `P${i % 3}`, { heartRate: i % 7 < 3 ? 170 : 80, spo2: i % 5 === 0 ? 80 : 97 }));
        if (i % 20 === round) {
          await kill(w, process);
          process = await start(w);
        }
      }
      await until(() => process.assessor.lag() === 0);
      await process.desk.settled();
      const undisturbed = new MemoryAlarmStore();
      const twin = await start({ ...w, store: undisturbed, checkpoints: new MemoryCheckpoints() });
      await until(() => twin.assessor.isCaughtUp());
      await twin.desk.settled();
      const facts = (store: MemoryAlarmStore) =>
        [...store.alarms.values()]
          .filter(({ kind }) => kind === 'physiological')
          .map(({ id, state, condition, readingId, worst }) => [id, state, condition, readingId, worst.value])
          .sort();
      expect(facts(w.store)).toEqual(facts(undisturbed));
      expect(facts(w.store).length).toBeGreaterThan(3);
      await process.stop();
      await twin.stop();
      running.length = 0;
    }
  });

  it('a device is not missed for the time we did not listen', async () => {
    const w = world();
    const first = await start(w);
    const sent = reading(w, 'P1', { heartRate: 70 });
    await send(w, sent);
    await judged(first, sent);
    await first.stop();
    running.length = 0;
    w.nowMs += 600_000;
    const second = await start(w);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(second.told).toEqual([]);
    w.nowMs += 31_000;
    await until(() => second.told.length === 1);
  });

  it('a loss stored before it is ended by the first reading after it', async () => {
    const w = world();
    const first = await start(w);
    const sent = reading(w, 'P1', { heartRate: 70 });
    await send(w, sent);
    await judged(first, sent);
    await until(() => w.checkpoints.saved.size === 1);
    w.checkpoints.refusal = AWAY;
    w.nowMs += 31_000;
    await until(() => w.store.alarms.size === 1);
    await kill(w, first);
    const second = await start(w);
    expect(second.desk.open()).toMatchObject([{ rule: 'technical.lost', condition: 'present' }]);
    await send(w, reading(w, 'P1', { heartRate: 70 }));
    await until(() => second.told.length === 1);
    expect(second.told).toEqual(['P1 technical.lost ended']);
  });
});
