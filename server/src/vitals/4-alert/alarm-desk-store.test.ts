import { describe, expect, it, vi } from 'vitest';
import { MemoryAlarmStore } from '../../adapters/memory/memory-alarm-store.ts';
import type { AlarmId, PatientId } from '../../domain/ids.ts';
import { Failure } from '../../ports/failure.ts';
import { AWAY, liveDesk, nextTurn, transition } from './test-alarm-desk.ts';

describe('alarms that follow each other', () => {
  const HOUR_MS = 3_600_000;

  it('are stored together after the first, and at once where somebody waits for it', async () => {
    const store = new MemoryAlarmStore();
    const apply = vi.spyOn(store, 'apply');
    const { desk, told } = await liveDesk(store, {}, { restMs: HOUR_MS });
    desk.take([transition('began', 1)]);
    await desk.settled();
    desk.take([transition('ended', 2)]);
    await nextTurn();
    desk.take([transition('began', 3)]);
    await nextTurn();
    expect(told).toHaveLength(3);
    expect(apply).toHaveBeenCalledTimes(1);
    await desk.settled();
    expect(apply.mock.calls.map(([transitions]) => transitions.length)).toEqual([1, 2]);
  });

  it('rest no longer than it is asked to', async () => {
    const { desk } = await liveDesk(new MemoryAlarmStore(), {}, { restMs: 5 });
    desk.take([transition('began', 1)]);
    await desk.settled();
    desk.take([transition('ended', 2)]);
    expect(desk.unstored()).toBe(1);
    await expect.poll(() => desk.unstored()).toBe(0);
  });

  it('do not wait for a chunk that is full already, nor at the end', async () => {
    const { desk } = await liveDesk(new MemoryAlarmStore(), {}, { restMs: HOUR_MS, chunkMax: 2 });
    desk.take([transition('began', 1)]);
    await desk.settled();
    desk.take([transition('ended', 2), transition('began', 3)]);
    await expect.poll(() => desk.unstored()).toBe(0);
    desk.take([transition('ended', 4)]);
    expect(await desk.stop(HOUR_MS)).toBe(0);
  });
});

describe('the store is right', () => {
  it('about an alarm that ended elsewhere: asked again until the database is back, so that no wall shows it for ever', async () => {
    let retries = 0;
    const { desk, store } = await liveDesk(new MemoryAlarmStore(), { onRetry: () => retries++ });
    desk.take([transition('began', 1), transition('ended', 2)]);
    await desk.settled();
    await store.acknowledge({ id: 'a1' as AlarmId, by: 'anna', atMs: 3_000 });
    store.refusal = AWAY;
    const refreshed = desk.refresh('a1' as AlarmId);
    while (retries < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(desk.open()).toHaveLength(1);
    store.refusal = undefined;
    await refreshed;
    expect(desk.open()).toEqual([]);
  });

  it('about an acknowledgement through another process: told by refresh, once', async () => {
    const { desk, store, told } = await liveDesk(new MemoryAlarmStore());
    desk.take([transition('began', 1)]);
    await desk.settled();
    await store.acknowledge({ id: 'a1' as AlarmId, by: 'ben', atMs: 7 });
    await desk.refresh('a1' as AlarmId);
    await desk.refresh('a1' as AlarmId);
    expect(told).toEqual(['a1 raised', 'a1 acknowledged']);
  });
  it('about one that nobody told us of: the end it stores resolves the alarm here too', async () => {
    const { desk, store, told } = await liveDesk(new MemoryAlarmStore());
    desk.take([transition('began', 1)]);
    await desk.settled();
    await store.acknowledge({ id: 'a1' as AlarmId, by: 'ben', atMs: 7 });
    desk.take([transition('ended', 2)]);
    expect(told).toEqual(['a1 raised', 'a1 ended']);
    await desk.settled();
    expect(told).toEqual(['a1 raised', 'a1 ended', 'a1 resolved']);
    expect(desk.open()).toEqual([]);
  });
  it('and is not asked about what it has told already', async () => {
    const store = new MemoryAlarmStore();
    const find = vi.spyOn(store, 'find');
    const { desk, told } = await liveDesk(store);
    const id = 'a1' as AlarmId;
    desk.take([transition('began', 1)]);
    // Its notice comes before its answer.
    await desk.refresh(id, 1);
    expect(desk.unstored()).toBe(0);
    await store.acknowledge({ id, by: 'ben', atMs: 7 });
    // Old news; no news; and two notices at once, of which one is.
    await desk.refresh(id, 1);
    expect(find).not.toHaveBeenCalled();
    await Promise.all([desk.refresh(id, 1), desk.refresh(id, 2)]);
    expect(find).toHaveBeenCalledTimes(1);
    expect(told).toEqual(['a1 raised', 'a1 acknowledged']);
    desk.take([transition('ended', 2)]);
    await desk.settled();
    await desk.refresh(id, 3);
    expect(find).toHaveBeenCalledTimes(1);
    expect(desk.open()).toEqual([]);
  });
  it('about others also while one of ours cannot be stored', async () => {
    const store = new MemoryAlarmStore();
    const { desk } = await liveDesk(store);
    desk.take([transition('began', 1)]);
    await desk.settled();
    const apply = vi.spyOn(store, 'apply').mockRejectedValue(AWAY);
    desk.take([transition('ended', 2)]);
    await store.acknowledge({ id: 'a1' as AlarmId, by: 'ben', atMs: 7 });
    const ours = desk.refresh('a1' as AlarmId, 2);
    apply.mockRestore();
    await store.apply([transition('began', 3, { patientId: 'P2' as PatientId })]);
    vi.spyOn(store, 'apply').mockRejectedValue(AWAY);
    await desk.refresh('a3' as AlarmId, 1);
    expect(desk.open().map(({ id }) => id)).toEqual(['a1', 'a3']);
    vi.restoreAllMocks();
    await ours;
    expect(desk.open().map(({ id }) => id)).toEqual(['a3']);
  });
  it('also where the answer to ours comes after the news of what was done since', async () => {
    const store = new MemoryAlarmStore();
    const { desk } = await liveDesk(store);
    desk.take([transition('began', 1)]);
    await desk.settled();
    const answered = Promise.withResolvers<void>();
    const apply = store.apply.bind(store);
    vi.spyOn(store, 'apply').mockImplementation(async (transitions) => {
      const changes = await apply(transitions);
      await answered.promise;
      return changes;
    });
    desk.take([transition('ended', 2)]);
    const settled = desk.settled();
    await nextTurn();
    await store.acknowledge({ id: 'a1' as AlarmId, by: 'ben', atMs: 7 });
    const refreshed = desk.refresh('a1' as AlarmId);
    await nextTurn();
    answered.resolve();
    await Promise.all([settled, refreshed]);
    expect(desk.open()).toEqual([]);
    vi.restoreAllMocks();
  });
  describe('about an alarm that rang here on top of what had come after it there', () => {
    const both = [transition('ended', 2), transition('began', 3)];

    /** Both were stored by another process before Ben acknowledged; here they still wait, and are played after it. */
    async function rungTwice(onRejected?: () => void) {
      const store = new MemoryAlarmStore();
      const hooks = onRejected === undefined ? {} : { onRejected };
      const opened = await liveDesk(store, hooks, { acknowledgeWaitMs: 1 });
      const { desk } = opened;
      desk.take([transition('began', 1)]);
      await desk.settled();
      await store.apply(both);
      await store.acknowledge({ id: 'a1' as AlarmId, by: 'ben', atMs: 7 });
      const apply = vi.spyOn(store, 'apply').mockRejectedValue(AWAY);
      desk.take(both);
      expect((await desk.acknowledge({ id: 'a1' as AlarmId, by: 'anna' })).kind).toBe('already-acknowledged');
      expect(desk.open().map(({ id }) => id)).toEqual(['a3']);
      return { ...opened, apply };
    }

    it('which is what it holds open instead', async () => {
      const { desk, apply, told } = await rungTwice();
      apply.mockRestore();
      await expect.poll(() => desk.open().map(({ id }) => id)).toEqual(['a1']);
      expect(desk.open()[0]).toMatchObject({ condition: 'present', acknowledgedBy: 'ben' });
      expect(told.slice(-2)).toEqual(['a3 resolved', 'a1 raised']);
    });

    it('or nothing, where that has ended since', async () => {
      const { desk, store, apply, told } = await rungTwice();
      apply.mockRestore();
      await store.apply([transition('ended', 4)]);
      await expect.poll(() => desk.open()).toEqual([]);
      expect(told.at(-1)).toBe('a3 resolved');
    });

    it('but what the store refused rings on', async () => {
      let rejected = 0;
      const { desk, apply } = await rungTwice(() => rejected++);
      apply.mockRejectedValue(new Failure('database-rejected', 'no', { retryable: false }));
      await expect.poll(() => rejected).toBe(2);
      await nextTurn();
      await desk.refresh('a3' as AlarmId);
      expect(desk.open().map(({ id }) => id)).toEqual(['a3']);
      apply.mockRestore();
    });
  });
  it('is not asked again and again about an alarm whose rule has more on its way', async () => {
    const store = new MemoryAlarmStore();
    const { desk } = await liveDesk(store);
    await store.apply([transition('began', 1)]);
    const apply = vi.spyOn(store, 'apply').mockRejectedValue(AWAY);
    const find = vi.spyOn(store, 'find');
    desk.take([transition('ended', 2)]);
    await desk.refresh('a1' as AlarmId);
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    expect(find).toHaveBeenCalledTimes(1);
    apply.mockRestore();
    await expect.poll(() => desk.open()).toMatchObject([{ id: 'a1', condition: 'ended' }]);
  });
  it('about an alarm another process raised', async () => {
    const { desk, store, told } = await liveDesk(new MemoryAlarmStore());
    await store.apply([transition('began', 1)]);
    await desk.refresh('a1' as AlarmId);
    expect(told).toEqual(['a1 raised']);
    expect(desk.open()).toHaveLength(1);
  });
});
