import { describe, expect, it } from 'vitest';
import type { ProblemCode } from '../../domain/problem.ts';
import { Failure } from '../../ports/failure.ts';
import { createRejectedQuarantine, type QuarantineBounds } from './rejected-quarantine.ts';
import { D1, memoryRejected, NOW } from './test-admission.ts';

const refused = (text: string, deviceId = D1, code: ProblemCode = 'invalid-id') => ({
  deviceId,
  receivedAtMs: NOW,
  source: 'mqtt' as const,
  payload: Buffer.from(text),
  problems: [{ code, field: 'id', detail: '' }],
});
const textOf = ({ payload }: { payload: Uint8Array }) => Buffer.from(payload).toString();
const away = () => new Failure('database-unavailable', 'away', { retryable: true });

function setUp(bounds: Partial<QuarantineBounds> = {}) {
  const store = memoryRejected();
  const dropped: number[] = [];
  const clock = { nowMs: NOW };
  const quarantine = createRejectedQuarantine({
    store,
    now: () => clock.nowMs,
    bounds: { retryAfterMs: 5, ...bounds },
    hooks: { dropped: (count) => dropped.push(count) },
  });
  return { store, dropped, clock, quarantine };
}

describe('the quarantine', () => {
  it('answers once a copy is durable, and stores what comes together in one insert', async () => {
    const { store, quarantine } = setUp();
    await Promise.all(['a', 'b', 'c'].map((text) => quarantine.add(refused(text))));
    expect(store.kept.map(textOf)).toEqual(['a', 'b', 'c']);
    expect(store.groups).toEqual([3]);
    await quarantine.close();
  });

  it('keeps no more at once than a group holds', async () => {
    const { store, quarantine } = setUp({ groupMax: 2 });
    await Promise.all(['a', 'b', 'c'].map((text) => quarantine.add(refused(text))));
    expect(store.groups).toEqual([2, 1]);
    await quarantine.close();
  });

  it('answers at once while the database is away, and stores what waited when it is back', async () => {
    const { store, quarantine } = setUp();
    let tries = 0;
    const back = Promise.withResolvers<void>();
    store.before = async () => {
      if (++tries < 4) throw away();
      back.resolve();
    };
    await quarantine.add(refused('a'));
    await quarantine.add(refused('b'));
    expect(store.kept).toEqual([]);
    await back.promise;
    await new Promise(setImmediate);
    expect(store.kept.map(textOf)).toEqual(['a', 'b']);
    await quarantine.close();
  });

  it('does not hold an answer for long when the database is slow', async () => {
    const { store, quarantine } = setUp({ holdMs: 1 });
    const slow = Promise.withResolvers<void>();
    store.before = () => slow.promise;
    await quarantine.add(refused('a'));
    expect(store.kept).toEqual([]);
    slow.resolve();
    await quarantine.close();
    expect(store.kept.map(textOf)).toEqual(['a']);
  });

  it('loses only the one copy that the database will never take', async () => {
    const { store, dropped, quarantine } = setUp();
    store.before = async (group) => {
      if (group.some((one) => textOf(one) === 'poison'))
        throw new Failure('database-rejected', 'no', { retryable: false });
    };
    await Promise.all(['a', 'poison', 'b'].map((text) => quarantine.add(refused(text))));
    expect(store.kept.map(textOf)).toEqual(['a', 'b']);
    expect(dropped).toEqual([1]);
    await quarantine.close();
  });

  it('counts what one babbling device sends beyond its share, says how much, and keeps the others’', async () => {
    const { store, dropped, quarantine } = setUp({ perDeviceBurst: 3, perDevicePerSecond: 0.001 });
    for (let i = 0; i < 10; i++) await quarantine.add(refused(`${i}`));
    await quarantine.add(refused('other', 'D2' as typeof D1));
    expect(store.kept.map(textOf)).toEqual(['0', '1', '2', 'other']);
    await quarantine.close();
    // Once for all of them: a device that babbles must not fill the operators' log as well.
    expect(dropped).toEqual([7]);
    expect(store.kept.at(-1)).toMatchObject({
      deviceId: 'D1',
      payload: new Uint8Array(0),
      problems: [{ code: 'invalid-id', detail: expect.stringMatching(/^7 more since 2026-11-22T01:02:04/) }],
    });
  });

  it('gives a device its share again with time', async () => {
    const { store, clock, quarantine } = setUp({ perDeviceBurst: 1, perDevicePerSecond: 1 });
    await quarantine.add(refused('a'));
    await quarantine.add(refused('lost'));
    clock.nowMs += 1_000;
    await quarantine.add(refused('b'));
    expect(store.kept.map(textOf)).toEqual(['a', 'b']);
    await quarantine.close();
  });

  it.each([{ waitingMax: 2 }, { waitingBytesMax: 2 }])(
    'holds no more in memory than %j while the database is away',
    async (bound) => {
      const { store, dropped, quarantine } = setUp({ ...bound, retryAfterMs: 60_000 });
      store.before = async () => {
        throw away();
      };
      for (const text of ['a', 'b', 'c', 'd']) await quarantine.add(refused(text));
      store.before = async () => {};
      await quarantine.close();
      expect(dropped).toEqual([2]);
      expect(store.kept.map(textOf).slice(0, 2)).toEqual(['a', 'b']);
    },
  );

  it('stops though the database is away', async () => {
    const { store, dropped, quarantine } = setUp();
    store.before = async () => {
      throw away();
    };
    await quarantine.add(refused('a'));
    await quarantine.close();
    expect(dropped).toEqual([1]);
  });
});
