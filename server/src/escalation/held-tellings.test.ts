import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Listener } from '../adapters/postgres/listener.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../adapters/postgres/test-database.ts';
import type { QuietHours } from '../domain/quiet-hours.ts';
import { startHeldTellings } from './held-tellings.ts';
import { openTestWard, SLOW, type TestWard, WARD } from './test-ward.ts';

let database: TestDatabase;
let listener: Listener;
let ward: TestWard;
beforeAll(async () => {
  database = await openTestDatabase();
  listener = new Listener(database);
});
afterAll(() => listener.close());
beforeEach(async () => {
  await emptyDatabase(database);
  ward = await openTestWard(database, listener, { times: SLOW });
  await ward.teams.putQuietHours({ owner: { kind: 'ward', wardId: WARD }, hours: ALWAYS, by: 'test', atMs: 0 });
  await ward.startEngine();
});
afterEach(() => ward.stopEngine());

/** Around the clock, so that a test needs no certain hour: held for the longest there is. */
const ALWAYS: QuietHours = {
  zone: 'UTC',
  windows: [
    { weekdays: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '00:00', priorities: ['medium', 'low'], effect: 'hold' },
  ],
};
const HALF_A_DAY_MS = 12 * 3_600_000;
const SOON = { timeout: 10_000, interval: 20 };

function tellHeldAt(nowMs: number) {
  return startHeldTellings({
    escalations: ward.escalations,
    orders: ward.outbox,
    onOrdered: () => undefined,
    now: () => nowMs,
    onError: (error) => void ward.failures.push(error),
    everyMs: 20,
  });
}
const written = async (id: string) => (await ward.escalations.rounds(id as never))[0]?.steps[0];

describe('quiet hours', () => {
  it('hold a medium alarm back until they end, and then it is told, once', async () => {
    const id = await ward.condition('began', { priority: 'medium' });
    await expect.poll(() => written(id), SOON).toBeDefined();
    expect((await written(id))?.recipients[0]?.heldUntilMs).toBeGreaterThan(ward.now());
    expect(await ward.told(id)).toEqual([]);
    const early = tellHeldAt(ward.now());
    await new Promise((resolve) => setTimeout(resolve, 100));
    await early.stop();
    expect(await ward.told(id)).toEqual([]);
    for (let times = 0; times < 2; times++) {
      const late = tellHeldAt(ward.now() + HALF_A_DAY_MS);
      await expect.poll(() => ward.told(id), SOON).toEqual(['nurse.1 nia']);
      await late.stop();
    }
    expect(ward.failures).toEqual([]);
  });

  it('tell nobody of what somebody has taken meanwhile', async () => {
    const id = await ward.condition('began', { priority: 'medium' });
    await expect.poll(() => written(id), SOON).toBeDefined();
    await ward.alarms.acknowledge({ id, by: 'Nia', atMs: ward.now() });
    const late = tellHeldAt(ward.now() + HALF_A_DAY_MS);
    await expect.poll(async () => (await database.pool.query('select from held_telling')).rowCount, SOON).toBe(0);
    await late.stop();
    expect(await ward.told(id)).toEqual([]);
  });

  it('do not touch a high alarm', async () => {
    const id = await ward.condition('began');
    await expect.poll(() => ward.told(id), SOON).toEqual(['nurse.1 nia']);
  });
});
