import { afterEach, describe, expect, it } from 'vitest';
import { MemoryAlarmStore } from '../../adapters/memory/memory-alarm-store.ts';
import type { AlarmChange } from '../../domain/alarm.ts';
import type { AlarmId } from '../../domain/ids.ts';
import { MINUTE, T, transition } from '../../domain/test-alarm.ts';
import { Failure } from '../../ports/failure.ts';
import { type AlarmClock, type AlarmClockSettings, startAlarmClock } from './alarm-clock.ts';

const AWAY = new Failure('database-unavailable', 'away', { retryable: true });
const clocks: AlarmClock[] = [];
afterEach(async () => {
  await Promise.all(clocks.splice(0).map((clock) => clock.stop()));
});

/** A store whose time a test moves, with a medium alarm that Anna has snoozed for five minutes. */
async function snoozed() {
  const time = { nowMs: T };
  const store = new MemoryAlarmStore({ now: () => time.nowMs });
  await store.apply([transition('began', { alarmId: 'a1' as AlarmId })]);
  const act = { kind: 'snooze', forMs: 5 * MINUTE } as const;
  await store.act({ id: 'a1' as AlarmId, act, by: 'Anna', atMs: T });
  return { time, store };
}

function start(
  { time, store }: { readonly time: { nowMs: number }; readonly store: MemoryAlarmStore },
  more: { readonly settings?: Partial<AlarmClockSettings>; readonly settled?: () => Promise<void> } = {},
) {
  const told: AlarmChange[] = [];
  const retries: unknown[] = [];
  const looks = { count: 0 };
  const clock = startAlarmClock({
    store: {
      passTime: (request) => store.passTime(request),
      nextDueMs: () => {
        looks.count++;
        return store.nextDueMs();
      },
    },
    desk: { adopt: (changes) => void told.push(...changes), settled: more.settled ?? (async () => undefined) },
    now: () => time.nowMs,
    hooks: { onRetry: (error) => retries.push(error) },
    settings: { restMs: 1, retryFirstMs: 1, retryMaxMs: 5, ...more.settings },
  });
  clocks.push(clock);
  return { clock, told, retries, looks, kinds: () => told.map(({ kind }) => kind) };
}

const turns = (n = 20) => new Promise((resolve) => setTimeout(resolve, n));

describe('the alarm clock', () => {
  it('does at its time what is due, tells of it, and sleeps till the next', async () => {
    const world = await snoozed();
    const { clock, kinds, looks } = start(world, { settings: { sleepMaxMs: 60_000 } });
    await expect.poll(() => looks.count).toBe(1);
    world.time.nowMs = T + 5 * MINUTE;
    clock.wake();
    await expect.poll(kinds).toEqual(['unsnoozed']);
    const { count } = looks;
    await turns();
    // Five minutes to the reminder: nothing to look for.
    expect(looks.count).toBeLessThanOrEqual(count + 1);
  });

  it('is woken for what is due sooner than it knew', async () => {
    const time = { nowMs: Date.now() };
    const store = new MemoryAlarmStore({ now: () => Date.now() });
    const { clock, kinds, looks } = start({ time, store }, { settings: { sleepMaxMs: 600_000 } });
    await expect.poll(() => looks.count).toBeGreaterThan(0);
    await store.apply([transition('began')]);
    time.nowMs = Date.now() + 6 * MINUTE;
    await turns();
    expect(kinds()).toEqual([]);
    clock.wake();
    await expect.poll(kinds).toEqual(['reminder']);
  });

  it('catches up after an outage, however long, once', async () => {
    const world = await snoozed();
    world.store.refusal = AWAY;
    const { kinds, retries } = start(world, { settings: { sleepMaxMs: 5 } });
    await expect.poll(() => retries.length).toBeGreaterThan(2);
    world.time.nowMs = T + 600 * MINUTE;
    world.store.refusal = undefined;
    await expect.poll(kinds).toEqual(['unsnoozed']);
    await turns();
    expect(kinds()).toEqual(['unsnoozed']);
  });

  it('goes through more than fits into one transaction without pause for sleep', async () => {
    const time = { nowMs: T };
    const store = new MemoryAlarmStore({ now: () => T });
    await store.apply(
      Array.from({ length: 25 }, (_, i) =>
        transition('began', { alarmId: `a${i}` as AlarmId, patientId: `P${i}` as never }),
      ),
    );
    time.nowMs = T + 6 * MINUTE;
    const { told } = start({ time, store }, { settings: { chunkMax: 4, sleepMaxMs: 600_000 } });
    await expect.poll(() => told.length).toBe(25);
  });

  it('waits for what rings to be stored: what has ended meanwhile is not reminded of', async () => {
    const time = { nowMs: T };
    const store = new MemoryAlarmStore({ now: () => T });
    await store.apply([transition('began')]);
    time.nowMs = T + 6 * MINUTE;
    const settled = async () => {
      await turns(5);
      await store.apply([transition('ended', { position: { partition: 0, offset: 3, step: 0 } })]);
    };
    const { looks, kinds } = start({ time, store }, { settled, settings: { sleepMaxMs: 600_000 } });
    await expect.poll(() => looks.count).toBeGreaterThan(0);
    await turns();
    expect(kinds()).toEqual([]);
  });

  it('but not for ever', async () => {
    const world = await snoozed();
    world.time.nowMs = T + 5 * MINUTE;
    const { kinds } = start(world, { settled: () => new Promise(() => {}), settings: { settleMaxMs: 10 } });
    await expect.poll(kinds).toEqual(['unsnoozed']);
  });

  it('stops at once, also while it sleeps or waits', async () => {
    const world = await snoozed();
    const { clock, looks } = start(world, { settings: { sleepMaxMs: 600_000 } });
    await expect.poll(() => looks.count).toBe(1);
    await clock.stop();
    const waiting = start(world, { settled: () => new Promise(() => {}), settings: { settleMaxMs: 600_000 } });
    await waiting.clock.stop();
    expect(waiting.kinds()).toEqual([]);
  });
});
