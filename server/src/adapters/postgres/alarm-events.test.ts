import pg from 'pg';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AlarmChange } from '../../domain/alarm.ts';
import type { AlarmId, UserId } from '../../domain/ids.ts';
import { testHouseSeal } from '../../keys/test-identities.ts';
import type { StoredEvent } from '../../ports/alarm-events.ts';
import { PostgresAlarmEvents, writeAlarmEvents } from './alarm-events.ts';
import { PostgresEventSubscriptions } from './event-subscriptions.ts';
import { alarmChangeOf } from './test-alarm-change.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';
import { inTransaction } from './transaction.ts';

const SEAL = testHouseSeal();

let database: TestDatabase;
let events: PostgresAlarmEvents;
let subscriptions: PostgresEventSubscriptions;
beforeAll(async () => {
  database = await openTestDatabase();
});
beforeEach(async () => {
  await emptyDatabase(database);
  events = new PostgresAlarmEvents(database);
  subscriptions = new PostgresEventSubscriptions(database, SEAL);
});

const NOW = Date.UTC(2026, 10, 22, 3);
const of = (...ids: string[]): AlarmChange[] => ids.map((id, i) => alarmChangeOf(id as AlarmId, NOW + i));
const write = (...ids: string[]) => inTransaction(database.pool, (client) => writeAlarmEvents(client, of(...ids)));
const idsAfter = async (after: number) => (await events.read({ after, limit: 100 })).map(subjectOf);

const subjectOf = ({ facts }: StoredEvent) => ('about' in facts ? facts.alertId : facts.alarmId);

describe('events of alarms in PostgreSQL', () => {
  it('are read in the order they were written, from any position', async () => {
    await write('a', 'b');
    await write('c');
    expect(await events.sequence()).toBe(3);
    expect(await idsAfter(0)).toEqual(['a', 'b', 'c']);
    expect(await idsAfter(2)).toEqual(['c']);
    expect(await events.head()).toBe(3);
  });

  it('that are still being written hold back what was written after them, so that no reader passes them by', async () => {
    const slow = new pg.Client(database.config);
    await slow.connect();
    await slow.query('begin');
    await writeAlarmEvents(slow as unknown as pg.PoolClient, of('slow'));
    await write('fast');
    expect(await events.sequence()).toBe(0);
    expect(await idsAfter(0)).toEqual([]);
    await slow.query('commit');
    await slow.end();
    expect(await events.sequence()).toBe(2);
    expect(await idsAfter(0)).toEqual(['slow', 'fast']);
  });

  it('of a change that was rolled back never were', async () => {
    await expect(
      inTransaction(database.pool, async (client) => {
        await writeAlarmEvents(client, of('gone'));
        throw new Error('rolled back');
      }),
    ).rejects.toThrow();
    await write('kept');
    // It is rolled back when its connection has gone.
    await expect.poll(() => events.sequence()).toBe(1);
    expect(await idsAfter(0)).toEqual(['kept']);
  });

  it('get each position once, however many give positions', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `a${i}`);
    const writers = names.map((name) => write(name));
    const givers = Array.from({ length: 20 }, async () => {
      await new PostgresAlarmEvents(database).sequence();
    });
    await Promise.all([...writers, ...givers]);
    while ((await events.sequence()) > 0);
    const found = await events.read({ after: 0, limit: 100 });
    expect(found.map(({ position }) => position)).toEqual(names.map((_, i) => i + 1));
    expect(new Set(found.map(subjectOf)).size).toBe(60);
  });

  it('that are forgotten leave their positions unused, and what somebody waits for stays', async () => {
    await write('a', 'b', 'c');
    await events.sequence();
    const { id } = await subscriptions.add({ ...NEW, position: 1 });
    expect(await events.forget(NOW + 60_000)).toBe(1);
    expect(await idsAfter(0)).toEqual(['b', 'c']);
    await subscriptions.remove(id);
    expect(await events.forget(NOW + 60_000)).toBe(2);
    await write('d');
    await events.sequence();
    expect((await events.read({ after: 0, limit: 9 })).map(({ position }) => position)).toEqual([4]);
  });

  it('are found by time', async () => {
    await write('a', 'b', 'c');
    await events.sequence();
    expect(await events.positionBefore(NOW)).toBe(0);
    expect(await events.positionBefore(NOW + 2)).toBe(2);
    expect(await events.positionBefore(NOW + 60_000)).toBe(3);
  });
});

const NEW = {
  name: 'Paging',
  url: 'https://paging.example/in',
  secret: 'whsec_AAAA',
  detail: 'place',
  routes: [{}],
  position: 0,
  by: 'somebody',
  grantedBy: 'u-somebody' as UserId,
  atMs: NOW,
} as const;

describe('event subscriptions in PostgreSQL', () => {
  const take = (nowMs = NOW) => subscriptions.take({ nowMs, leaseUntilMs: nowMs + 30_000, limit: 8 });

  it('are taken by one at a time, while there is something for them', async () => {
    await subscriptions.add(NEW);
    expect(await take()).toEqual([]);
    await write('a');
    await events.sequence();
    const [taken] = await take();
    expect(taken?.position).toBe(0);
    expect(await take()).toEqual([]);
    // The lease of one who died ends.
    expect(await take(NOW + 30_001)).toHaveLength(1);
    const late = { id: taken?.id ?? '', lease: taken?.lease ?? '', position: 1, atMs: NOW, outcome: DELIVERED };
    expect(await subscriptions.record(late)).toBe(false);
  });

  it('that were moved while they were served are not moved back', async () => {
    const { id } = await subscriptions.add(NEW);
    await write('a', 'b');
    await events.sequence();
    const [taken] = await take();
    await subscriptions.change(id, { position: 0 });
    expect(
      await subscriptions.record({ id, lease: taken?.lease ?? '', position: 2, atMs: NOW, outcome: DELIVERED }),
    ).toBe(false);
    expect((await take())[0]?.position).toBe(0);
  });

  it('wait for their time after a failure, and forget it with a delivery', async () => {
    const { id } = await subscriptions.add(NEW);
    await write('a');
    await events.sequence();
    const lease = (await take())[0]?.lease ?? '';
    const retry = { kind: 'retry', reason: 'HTTP 503', nextAtMs: NOW + 5_000 } as const;
    await subscriptions.record({ id, lease, position: 0, atMs: NOW, outcome: retry });
    expect(await take(NOW + 4_999)).toEqual([]);
    const again = (await take(NOW + 5_000))[0];
    expect(again).toMatchObject({ failures: 1, failingSinceMs: NOW, lastFailure: 'HTTP 503' });
    await subscriptions.record({ id, lease: again?.lease ?? '', position: 1, atMs: NOW + 6_000, outcome: DELIVERED });
    const [well] = await subscriptions.list();
    expect(well).toMatchObject({ failures: 0, position: 1, lastDeliveredAtMs: NOW + 6_000 });
    expect(well).not.toHaveProperty('lastFailure');
  });

  it('that are paused or refused are left alone until somebody changes them', async () => {
    const { id } = await subscriptions.add(NEW);
    await write('a');
    await events.sequence();
    await subscriptions.change(id, { isPaused: true });
    expect(await take()).toEqual([]);
    await subscriptions.change(id, { isPaused: false });
    const lease = (await take())[0]?.lease ?? '';
    await subscriptions.record({ id, lease, position: 0, atMs: NOW, outcome: { kind: 'refused', reason: 'HTTP 410' } });
    expect(await take()).toEqual([]);
    await subscriptions.change(id, { url: 'https://paging.example/new' });
    expect(await take()).toHaveLength(1);
  });
});

const DELIVERED = { kind: 'delivered' } as const;

it('what events are signed with is not in the database in clear', async () => {
  const { secret } = await subscriptions.add({
    name: 'sealed',
    url: 'https://events.example',
    secret: 'whsec_CANARY4711',
    detail: 'place',
    routes: [],
    position: 0,
    by: 'Anna',
    grantedBy: 'u-anna' as UserId,
    atMs: 0,
  });
  expect(secret).toBe('whsec_CANARY4711');
  const { rows } = await database.pool.query<{ row: string }>('select t::text as row from event_subscription as t');
  expect(rows.map(({ row }) => row).join()).not.toContain('CANARY4711');
});
