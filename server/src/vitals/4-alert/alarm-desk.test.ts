import { describe, expect, it } from 'vitest';
import { MemoryAlarmStore } from '../../adapters/memory/memory-alarm-store.ts';
import type { AlarmChange } from '../../domain/alarm.ts';
import type { AlarmId, PatientId } from '../../domain/ids.ts';
import { Failure } from '../../ports/failure.ts';

import { AWAY, liveDesk, openDesk, transition } from './test-alarm-desk.ts';

describe('an alarm rings', () => {
  it('in the same tick, before it is stored, and once', async () => {
    const { desk, store, told } = await liveDesk(new MemoryAlarmStore());
    desk.take([transition('began', 1)]);
    expect(told).toEqual(['a1 raised']);
    expect(store.alarms.size).toBe(0);
    await desk.settled();
    expect([...store.alarms.keys()]).toEqual(['a1']);
    expect(told).toEqual(['a1 raised']);
  });

  it('while the database is away, and is stored in order when it is back', async () => {
    const store = new MemoryAlarmStore();
    let retries = 0;
    const { desk, told } = await liveDesk(store, { onRetry: () => retries++ });
    store.refusal = AWAY;
    desk.take([transition('began', 1)]);
    desk.take([transition('ended', 2)]);
    expect(told).toEqual(['a1 raised', 'a1 ended']);
    while (retries < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(desk.unstored()).toBe(2);
    store.refusal = undefined;
    await desk.settled();
    expect(store.events.map(({ kind }) => kind)).toEqual(['raised', 'ended']);
    expect(desk.unstored()).toBe(0);
  });

  it('although a subscriber throws', async () => {
    const failed: unknown[] = [];
    const { desk, store, told } = await liveDesk(new MemoryAlarmStore(), {
      onSubscriberFailed: (error) => failed.push(error),
    });
    desk.onChange(() => {
      throw new Error('a wall fell');
    });
    desk.take([transition('began', 1)]);
    await desk.settled();
    expect(told).toEqual(['a1 raised']);
    expect(store.alarms.size).toBe(1);
    expect(failed).toHaveLength(1);
  });

  it('although another transition is refused for good', async () => {
    const store = new MemoryAlarmStore();
    const rejected: string[] = [];
    const apply = store.apply.bind(store);
    store.apply = async (transitions) => {
      if (transitions.some(({ patientId }) => patientId === 'P13'))
        throw new Failure('database-rejected', 'no', { retryable: false });
      return apply(transitions);
    };
    const { desk } = await liveDesk(store, { onRejected: (_error, { patientId }) => rejected.push(patientId) });
    desk.take(
      Array.from({ length: 20 }, (_, i) =>
        transition('began', i, { patientId: `P${i}` as PatientId, alarmId: `a${i}` as AlarmId }),
      ),
    );
    await desk.settled();
    expect(rejected).toEqual(['P13']);
    expect(store.alarms.size).toBe(19);
    expect(desk.open()).toHaveLength(20);
  });
});

describe('a replay', () => {
  it('rings what the store finds new and nothing it has seen', async () => {
    const store = new MemoryAlarmStore();
    await store.apply([transition('began', 1), transition('ended', 2)]);
    await store.acknowledge({ id: 'a1' as AlarmId, by: 'nurse', atMs: 1 });
    const { desk, told } = await openDesk(store);
    desk.take([transition('began', 1), transition('ended', 2), transition('began', 3)]);
    expect(told).toEqual([]);
    await desk.settled();
    expect(told).toEqual(['a3 raised']);
    expect(desk.open().map(({ id }) => id)).toEqual(['a3']);
  });

  it('starts from the open alarms of the store', async () => {
    const store = new MemoryAlarmStore();
    await store.apply([transition('began', 1)]);
    const { desk } = await openDesk(store);
    expect(desk.find('a1' as AlarmId)).toMatchObject({ state: 'active' });
  });
});

describe('an acknowledgement', () => {
  it('is stored, then shown; the second person is told who was first', async () => {
    const { desk, store, told } = await liveDesk(new MemoryAlarmStore());
    desk.take([transition('began', 1)]);
    const [first, second] = await Promise.all(
      ['anna', 'ben'].map((by) => desk.acknowledge({ id: 'a1' as AlarmId, by })),
    );
    expect(first?.kind).toBe('acknowledged');
    expect(second).toMatchObject({ kind: 'already-acknowledged', alarm: { acknowledgedBy: 'anna' } });
    expect(told).toEqual(['a1 raised', 'a1 acknowledged']);
    expect(store.alarms.get('a1' as AlarmId)?.acknowledgedBy).toBe('anna');
  });
  it('resolves what has ended, and the alarm leaves the desk', async () => {
    const { desk, told } = await liveDesk(new MemoryAlarmStore());
    desk.take([transition('began', 1), transition('ended', 2)]);
    await desk.acknowledge({ id: 'a1' as AlarmId, by: 'anna' });
    expect(told).toEqual(['a1 raised', 'a1 ended', 'a1 resolved']);
    expect(desk.open()).toEqual([]);
  });
  it('that cannot be stored is none', async () => {
    const { desk, store, told } = await liveDesk(new MemoryAlarmStore());
    desk.take([transition('began', 1)]);
    await desk.settled();
    store.refusal = AWAY;
    await expect(desk.acknowledge({ id: 'a1' as AlarmId, by: 'anna' })).rejects.toBe(AWAY);
    expect(told).toEqual(['a1 raised']);
  });
  it('of an unknown alarm is not found', async () =>
    expect(await (await liveDesk(new MemoryAlarmStore())).desk.acknowledge({ id: 'none' as AlarmId, by: 'x' })).toEqual(
      {
        kind: 'not-found',
      },
    ));
});

describe('what people and time do', () => {
  const ANNA = { by: 'anna', byId: 'u-anna' as never };
  const id = 'a1' as AlarmId;
  const medium = { priority: 'medium' } as const;

  it('is told once, with who did it, and the desk holds what the store holds', async () => {
    const store = new MemoryAlarmStore({ now: () => 5_000_000 });
    const { desk } = await liveDesk(store);
    const changes: AlarmChange[] = [];
    desk.onChange((change) => changes.push(change));
    desk.take([transition('began', 1, medium)]);
    await desk.act({ id, act: { kind: 'snooze', forMs: 300_000 }, ...ANNA });
    desk.adopt(await store.passTime({ nowMs: 5_300_000, limit: 10 }));
    await desk.act({ id, act: { kind: 'note', note: 'seen' }, ...ANNA });
    await desk.act({ id, act: { kind: 'escalate', step: 'physician' }, by: 'HealthSync' });
    await desk.act({ id, act: { kind: 'own' }, ...ANNA });
    await desk.act({ id, act: { kind: 'release' }, ...ANNA });
    expect(changes.map(({ kind, by }) => [kind, by])).toEqual([
      ['raised', undefined],
      ['snoozed', 'anna'],
      ['unsnoozed', undefined],
      ['noted', 'anna'],
      ['escalated', 'HealthSync'],
      ['acknowledged', 'anna'],
      ['released', 'anna'],
    ]);
    expect(desk.find(id)).toEqual(store.alarms.get(id));
  });

  it('through another process is told in the same words, when that process says so', async () => {
    const store = new MemoryAlarmStore({ now: () => 5_000_000 });
    const { desk, told } = await liveDesk(store);
    desk.take([transition('began', 1, medium)]);
    await desk.settled();
    const elsewhere = async (act: Parameters<typeof store.act>[0]['act'], by = ANNA) => {
      expect(await store.act({ id, act, ...by, atMs: 5_000_000 })).toMatchObject({ kind: 'done' });
      await desk.refresh(id);
    };
    const time = async (nowMs: number) => {
      await store.passTime({ nowMs, limit: 10 });
      await desk.refresh(id);
    };
    const ben = { by: 'ben', byId: 'u-ben' as never };
    await time(5_300_000);
    await elsewhere({ kind: 'snooze', forMs: 300_000 });
    await elsewhere({ kind: 'unsnooze' });
    await elsewhere({ kind: 'note', note: 'x' });
    await elsewhere({ kind: 'escalate', step: 'physician' });
    await elsewhere({ kind: 'acknowledge' });
    await elsewhere({ kind: 'own', from: 'anna' }, ben);
    await elsewhere({ kind: 'release' }, ben);
    await elsewhere({ kind: 'acknowledge' });
    await time(5_000_000 + 31 * 60_000);
    await store.apply([transition('worsened', 2)]);
    await desk.refresh(id);
    await store.apply([transition('eased', 3, medium)]);
    await desk.refresh(id);
    await store.apply([transition('ended', 4)]);
    await desk.refresh(id);
    await elsewhere({ kind: 'acknowledge' });
    expect(told.map((line) => line.replace('a1 ', ''))).toEqual([
      'raised',
      'reminder',
      'snoozed',
      'unsnoozed',
      'noted',
      'escalated',
      'acknowledged',
      'owner-changed',
      'released',
      'acknowledged',
      'acknowledgement-expired',
      'priority-changed',
      'priority-changed',
      'ended',
      'resolved',
    ]);
    expect(desk.open()).toEqual([]);
  });

  it('an older answer of the store changes nothing: neither gives back what was taken, nor opens what is over', async () => {
    const store = new MemoryAlarmStore();
    const { desk, told } = await liveDesk(store);
    desk.take([transition('began', 1)]);
    await desk.settled();
    const find = store.find.bind(store);
    let answer: () => void = () => {};
    store.find = async (which) => {
      const old = await find(which);
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return old;
    };
    const overtaken = desk.refresh(id);
    await new Promise((resolve) => setTimeout(resolve, 1));
    await desk.acknowledge({ id, ...ANNA });
    answer();
    await overtaken;
    expect(desk.find(id)).toMatchObject({ acknowledgedBy: 'anna' });
    const again = desk.refresh(id);
    await new Promise((resolve) => setTimeout(resolve, 1));
    desk.take([transition('ended', 2)]);
    await desk.settled();
    answer();
    await again;
    expect(desk.open()).toEqual([]);
    expect(told).toEqual(['a1 raised', 'a1 acknowledged', 'a1 resolved']);
  });

  it('that is refused brings the desk up to date', async () => {
    const store = new MemoryAlarmStore();
    const { desk, told } = await liveDesk(store);
    desk.take([transition('began', 1)]);
    await desk.settled();
    await store.acknowledge({ id, by: 'ben', atMs: 7 });
    expect(await desk.act({ id, act: { kind: 'acknowledge' }, ...ANNA })).toMatchObject({
      kind: 'refused',
      reason: 'already-acknowledged',
    });
    expect(told).toEqual(['a1 raised', 'a1 acknowledged']);
    expect(desk.find(id)).toMatchObject({ owner: 'ben' });
  });

  it('to many at once is told of each', async () => {
    const store = new MemoryAlarmStore();
    const { desk, told } = await liveDesk(store);
    desk.take([
      transition('began', 1, medium),
      transition('began', 2, { patientId: 'P2' as PatientId }),
      transition('began', 3, { patientId: 'P3' as PatientId, priority: 'low' }),
    ]);
    const ids = ['a1', 'a2', 'a3'] as AlarmId[];
    const outcomes = await desk.acknowledgeMany({ ids, ...ANNA });
    expect(outcomes.map(({ kind }) => kind)).toEqual(['acknowledged', 'high-priority', 'acknowledged']);
    expect(told.slice(3)).toEqual(['a1 acknowledged', 'a3 acknowledged']);
  });

  it('a condition that ends while it is being stored is not lost under what a person did meanwhile', async () => {
    const store = new MemoryAlarmStore();
    const { desk } = await liveDesk(store);
    desk.take([transition('began', 1)]);
    await desk.settled();
    const apply = store.apply.bind(store);
    store.apply = async (transitions) => {
      await store.acknowledge({ id, by: 'ben', atMs: 7 });
      return apply(transitions);
    };
    desk.take([transition('ended', 2)]);
    await desk.settled();
    expect(desk.open()).toEqual([]);
    expect(store.alarms.get(id)).toMatchObject({ state: 'resolved', resolvedBy: 'condition' });
  });
});

describe('bounds', () => {
  it('beyond the most that may wait, there is no room until the store has caught up', async () => {
    const store = new MemoryAlarmStore();
    const { desk } = await liveDesk(store, {}, { unstoredMax: 2 });
    store.refusal = AWAY;
    desk.take([transition('began', 1), transition('ended', 2)]);
    let hasRoom = false;
    const room = desk.room().then(() => {
      hasRoom = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(hasRoom).toBe(false);
    store.refusal = undefined;
    await room;
    await desk.settled();
    expect(store.events).toHaveLength(2);
  });
  it('a stop gives up on a database that stays away, and says how much was left', async () => {
    const store = new MemoryAlarmStore();
    const { desk } = await liveDesk(store);
    store.refusal = AWAY;
    desk.take([transition('began', 1)]);
    expect(await desk.stop(20)).toBe(1);
  });
  it('what comes while the last is being stored is stored too', async () => {
    const { desk, store } = await liveDesk(new MemoryAlarmStore());
    for (let i = 1; i <= 200; i++) {
      desk.take([transition(i % 2 === 1 ? 'began' : 'ended', i)]);
      for (let turns = i % 7; turns > 0; turns--) await Promise.resolve();
    }
    await desk.settled();
    expect(desk.unstored()).toBe(0);
    expect(store.events.at(-1)?.kind).toBe('ended');
  });
});
