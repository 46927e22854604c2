import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Listener } from '../adapters/postgres/listener.ts';
import { openTestDatabase, type TestDatabase } from '../adapters/postgres/test-database.ts';
import type { AlarmId, PatientId } from '../domain/ids.ts';
import { openTestWard, QUICK, type TestWard } from './test-ward.ts';

let database: TestDatabase;
let listener: Listener;
let ward: TestWard;
let engine: ChildProcess | undefined;

beforeAll(async () => {
  database = await openTestDatabase();
  listener = new Listener(database);
  ward = await openTestWard(database, listener, { times: QUICK });
});
afterAll(async () => {
  await kill();
  await listener.close();
});

async function start(): Promise<void> {
  const program = new URL('./test-engine-process.ts', import.meta.url).pathname;
  engine = spawn(process.execPath, [program, JSON.stringify(database.address), 'engine-1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(engine.stdout as NodeJS.ReadableStream, 'data');
}

async function kill(): Promise<void> {
  if (engine === undefined || engine.exitCode !== null || engine.signalCode !== null) return;
  const ended = once(engine, 'exit');
  engine.kill('SIGKILL');
  await ended;
}

const ALARMS = 20;
const EVERYBODY = ['chris', 'dora', 'nia', 'olga', 'otto'];
const LADDER = ['nurse.1 nia', 'charge-nurse-and-doctor.1 chris', 'charge-nurse-and-doctor.1 dora', 'on-call.1 otto'];

describe('escalations whose process is killed again and again', () => {
  it('all go on to their end, each step told once', { timeout: 120_000 }, async () => {
    const ids: AlarmId[] = [];
    for (let n = 1; n <= ALARMS; n++)
      ids.push(await ward.condition('began', { alarmId: `A${n}`, patientId: `P${n}` as PatientId }));
    // Killed wherever it happens to be: right after its start, in the middle of telling, between two steps.
    for (let life = 0; life < 6; life++) {
      await start();
      await sleep(100 + life * 173);
      await kill();
    }
    // Those taken meanwhile, while no engine runs, are told to nobody else.
    const taken = ids.slice(0, 5);
    const toldBefore = await Promise.all(taken.map((id) => ward.told(id)));
    for (const id of taken) await ward.alarms.acknowledge({ id, by: 'Nia', atMs: ward.now() });
    await start();
    const left = async () =>
      (await ward.workflow.list({ status: 'RUNNING', limit: 200 })).map(({ id, wakeAtMs }) => [id, wakeAtMs]);
    await expect.poll(left, { timeout: 90_000, interval: 200 }).toEqual([]);
    await kill();

    expect(await Promise.all(taken.map((id) => ward.told(id)))).toEqual(toldBefore);
    for (const id of ids.slice(5)) {
      const told = await ward.told(id);
      expect(new Set(told).size).toBe(told.length);
      expect(told.slice(0, LADDER.length)).toEqual(LADDER);
      // Twice, but where one time passed while no engine was there: a step of a second is that short.
      expect(new Set(told.slice(LADDER.length).map((each) => each.split(' ')[1]))).toEqual(new Set(EVERYBODY));
    }
    const ends = await Promise.all(ids.map(async (id) => (await ward.escalations.rounds(id)).map(({ end }) => end)));
    expect(ends.slice(5).flat()).toEqual(ids.slice(5).map(() => 'exhausted'));
    // Whatever was told before the alarm was taken, taking it ended the round, or everybody had been told in vain.
    for (const end of ends.slice(0, 5).flat()) expect(['acknowledged', 'exhausted']).toContain(end);
  });
});
