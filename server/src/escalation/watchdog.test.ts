import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Listener } from '../adapters/postgres/listener.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../adapters/postgres/test-database.ts';
import type { AlarmKind, Priority } from '../domain/alarm.ts';
import { definitionFor } from '../domain/escalation-round.ts';
import type { AlarmId, BedId, PatientId } from '../domain/ids.ts';
import { watchHeartbeat } from './heartbeat-watch.ts';
import { openTestWard, QUICK, SLOW, type TestWard, WARD } from './test-ward.ts';
import { startWatchdog, WATCHDOG_HEARTBEAT, type Watchdog, type WatchdogParts } from './watchdog.ts';

let database: TestDatabase;
let listener: Listener;
let ward: TestWard;
let watchdog: Watchdog | undefined;

beforeAll(async () => {
  database = await openTestDatabase();
  listener = new Listener(database);
});
afterAll(() => listener.close());
beforeEach(async () => {
  await emptyDatabase(database);
  ward = await openTestWard(database, listener, { times: SLOW });
});
afterEach(async () => {
  await watchdog?.stop();
  watchdog = undefined;
  await ward.stopEngine();
});

const LEFT = 'escalation.left';
const SOON = { timeout: 15_000, interval: 20 };
/** As in earnest, only sooner. */
const SETTINGS = { everyMs: 30, graceMs: 0, lateMs: 200, repeatMs: 60_000, pingEveryMs: 0 };

function watch(more: Partial<WatchdogParts> = {}): string[] {
  const found: string[] = [];
  watchdog = startWatchdog({
    watch: ward.watch,
    directory: ward.directory,
    orders: ward.outbox,
    systemAlarms: ward.systemAlarms,
    placeOf: () => ({ wardId: WARD, bedId: 'B1' as BedId, bed: 'W3-01' }),
    onOrdered: () => undefined,
    now: ward.now,
    settings: SETTINGS,
    ...more,
    hooks: { left: (reason) => void found.push(reason), ...more.hooks },
  });
  return found;
}
const rounds = async () => {
  // Two of the watchdog's own, at least.
  const before = await ward.watch.lastBeatMs(WATCHDOG_HEARTBEAT);
  await expect.poll(() => ward.watch.lastBeatMs(WATCHDOG_HEARTBEAT), SOON).toBeGreaterThan((before ?? 0) + 50);
};
const acknowledge = (id: AlarmId) => ward.alarms.acknowledge({ id, by: 'Nia', atMs: ward.now() });
const EVERYBODY = ['chris', 'dora', 'nia', 'olga', 'otto'].map((who) => `watchdog ${who}`);

describe('the watchdog', () => {
  it('tells everybody when the engine stops in the middle of an escalation, and rings until it goes on', async () => {
    let aheadMs = 0;
    ward = await openTestWard(database, listener, { times: SLOW, seed: false, now: () => Date.now() + aheadMs });
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), SOON).toEqual(['nurse.1 nia']);
    await ward.stopEngine();
    // The next step is due, and nobody takes it.
    aheadMs = SLOW.nurseSeconds * 1_000;
    const found = watch();
    await expect.poll(() => ward.told(id), SOON).toEqual(['nurse.1 nia', ...EVERYBODY]);
    expect(found).toEqual(['late']);
    await expect.poll(() => ward.ringing.has(LEFT), SOON).toBe(true);
    await rounds();
    // Told once, not at every look; and it rings on.
    expect(await ward.told(id)).toHaveLength(6);
    expect(ward.ringing.has(LEFT)).toBe(true);

    await ward.startEngine('another');
    await expect.poll(() => ward.told(id), SOON).toContain('charge-nurse-and-doctor.1 chris');
    await acknowledge(id);
    await expect.poll(() => ward.ringing.has(LEFT), SOON).toBe(false);
  });

  it('finds nothing wrong with an escalation that runs, and with an alarm that somebody has', async () => {
    await ward.startEngine();
    const running = await ward.condition('began');
    const taken = await ward.condition('began', { alarmId: 'A2', rule: 'spo2.below.high' });
    await acknowledge(taken);
    await expect.poll(() => ward.told(running), SOON).toHaveLength(1);
    const found = watch();
    await rounds();
    expect(found).toEqual([]);
    expect(ward.ringing.size).toBe(0);
  });

  it('finds an alarm whose escalation was never begun', async () => {
    const id = await ward.condition('began');
    await database.pool.query('delete from escalation');
    const found = watch();
    await expect.poll(() => ward.told(id), SOON).toEqual(EVERYBODY);
    expect(found).toEqual(['missing']);
  });

  it('finds an escalation whose execution ended without it, before its step is overdue', async () => {
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), SOON).toHaveLength(1);
    await ward.workflow.stopExecution({ id: 'escalation-high:A1.1', nowMs: ward.now() });
    const found = watch();
    await expect.poll(() => ward.told(id), SOON).toEqual(['nurse.1 nia', ...EVERYBODY]);
    expect(found).toEqual(['failed']);
  });

  it('goes on telling of an alarm that everybody was told of in vain', async () => {
    ward = await openTestWard(database, listener, { times: { ...QUICK, repeatsMax: 1 }, seed: false });
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.ringing.has('escalation.unanswered.A1'), SOON).toBe(true);
    const found = watch({ settings: { ...SETTINGS, repeatMs: 300 } });
    await expect.poll(() => found.length, SOON).toBeGreaterThanOrEqual(2);
    expect(new Set(found)).toEqual(new Set(['exhausted']));
    expect(ward.ringing.has(LEFT)).toBe(false);
    await acknowledge(id);
    const after = found.length;
    await rounds();
    expect(found.length).toBeLessThanOrEqual(after + 1);
  });

  it('leaves alone what came and went after somebody was told', async () => {
    await ward.startEngine();
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), SOON).toHaveLength(1);
    await ward.condition('ended');
    await ward.workflow.stopExecution({ id: 'escalation-high:A1.1', nowMs: ward.now() });
    const found = watch();
    await rounds();
    expect(found).toEqual([]);
  });

  it('looks for exactly the alarms that are escalated', async () => {
    const expected: string[] = [];
    let n = 0;
    for (const kind of ['physiological', 'technical'] satisfies AlarmKind[])
      for (const priority of ['high', 'medium', 'low'] satisfies Priority[])
        for (const rule of ['heartRate.above', 'technical.lost', 'technical.battery']) {
          const alarmId = `A${++n}`;
          await ward.condition('began', { alarmId, kind, priority, rule, patientId: `P${n}` as PatientId });
          if (definitionFor({ kind, priority, rule }) !== undefined) expected.push(alarmId);
        }
    await database.pool.query('delete from escalation');
    const left = await ward.watch.left({ ...SETTINGS, nowMs: ward.now(), limit: 100 });
    expect(left.map(({ alarm }) => alarm.id).sort()).toEqual(expected.sort());
  });

  it('of two, one tells', async () => {
    const id = await ward.condition('began');
    await database.pool.query('delete from escalation');
    const claim = () => ward.watch.claim({ alarmId: id, reason: 'missing', atMs: ward.now(), repeatMs: 60_000 });
    expect((await Promise.all([claim(), claim(), claim()])).filter(Boolean)).toHaveLength(1);
  });

  it('reaches its dead man’s switch for as long as it looks', async () => {
    let calls = 0;
    const outside = createServer((_request, response) => {
      calls++;
      response.end('ok');
    });
    await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
    const { port } = outside.address() as AddressInfo;
    watch({ ping: async () => void (await fetch(`http://127.0.0.1:${port}/ping`)) });
    await expect.poll(() => calls, SOON).toBeGreaterThan(1);
    await watchdog?.stop();
    const after = calls;
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(calls).toBe(after);
    await new Promise((resolve) => outside.close(resolve));
  });
});

describe('whoever watches the watchdog', () => {
  it('rings when it falls silent, and is content when it is heard again', async () => {
    watch();
    const seen = watchHeartbeat({
      name: WATCHDOG_HEARTBEAT,
      watch: ward.watch,
      systemAlarms: ward.systemAlarms,
      now: ward.now,
      onError: () => undefined,
      everyMs: 20,
      silentAfterMs: 1_000,
    });
    await rounds();
    await expect.poll(() => seen.state(), SOON).toBe('up');
    await watchdog?.stop();
    await expect.poll(() => ward.ringing.has(`heartbeat.${WATCHDOG_HEARTBEAT}`), SOON).toBe(true);
    expect(seen.state()).toBe('down');
    watch();
    await expect.poll(() => ward.ringing.has(`heartbeat.${WATCHDOG_HEARTBEAT}`), SOON).toBe(false);
    await seen.stop();
  });

  it('rings also when it cannot even ask', async () => {
    const seen = watchHeartbeat({
      name: 'x',
      watch: {
        lastBeatMs: async () => {
          throw new Error('the database is away');
        },
      },
      systemAlarms: ward.systemAlarms,
      now: ward.now,
      onError: () => undefined,
      everyMs: 20,
      silentAfterMs: 200,
    });
    await expect.poll(() => ward.ringing.has('heartbeat.x'), SOON).toBe(true);
    await seen.stop();
  });
});
