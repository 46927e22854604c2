import type {
  AlarmEventPage,
  EventSubscription,
  EventSubscriptionList,
  EventSubscriptionSecret,
} from '@healthsync/contracts/event';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseOutgoingAddress } from '../../adapters/notify/outgoing-address.ts';
import { PostgresAlarmEvents, writeAlarmEvents } from '../../adapters/postgres/alarm-events.ts';
import { PostgresEventSubscriptions } from '../../adapters/postgres/event-subscriptions.ts';
import { alarmChangeOf } from '../../adapters/postgres/test-alarm-change.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../../adapters/postgres/test-database.ts';
import { inTransaction } from '../../adapters/postgres/transaction.ts';
import type { AlarmId } from '../../domain/ids.ts';
import { testHouseSeal } from '../../keys/test-identities.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { registerEvents } from './events.ts';

const SEAL = testHouseSeal();

let database: TestDatabase;
let server: TestServer;
let operator: string;
let physician: string;
let woken = 0;
let secrets = 0;
beforeAll(async () => {
  database = await openTestDatabase();
  const services = {
    events: new PostgresAlarmEvents(database),
    subscriptions: new PostgresEventSubscriptions(database, SEAL),
    refusalOf: (url: string) => {
      const parsed = parseOutgoingAddress(url);
      return parsed.kind === 'refused' ? parsed.reason : undefined;
    },
    isOfHouse: (url: string) => new URL(url).host === 'house.example',
    newSecret: () => `whsec_${++secrets}`,
    wake: () => void woken++,
    now: Date.now,
  };
  server = await startTestServer({ server: { plugins: [(app) => registerEvents(app, services)] } });
  operator = await server.token('operator');
  physician = await server.token('physician');
});
afterAll(() => server.stop());
beforeEach(() => emptyDatabase(database));

const call = (path: string, method = 'GET', body?: object, token = operator) =>
  server.call(path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });

async function happen(...ids: string[]): Promise<void> {
  const changes = ids.map((id) => alarmChangeOf(id as AlarmId, Date.now()));
  await inTransaction(database.pool, (client) => writeAlarmEvents(client, changes));
  await new PostgresAlarmEvents(database).sequence();
}

const NEW = { name: 'Paging', url: 'https://paging.example/in?key=hidden', routes: [{}] };
const add = async (more: object = {}) =>
  (await call('/api/event-subscriptions', 'POST', { ...NEW, ...more })).body as EventSubscriptionSecret;

describe('events over HTTP', () => {
  it('come in pages from any position, without the patient', async () => {
    await happen('a', 'b', 'c');
    const first = (await call('/api/events?limit=2')).body as AlarmEventPage;
    expect(first.events.map(({ subject }) => subject)).toEqual(['a', 'b']);
    expect(first).toMatchObject({ next: 2, isEnd: false });
    const second = (await call(`/api/events?after=${first.next}`)).body as AlarmEventPage;
    expect(second).toMatchObject({ next: 3, isEnd: true });
    expect((await call('/api/events?after=3')).body).toEqual({ events: [], next: 3, isEnd: true });
    expect(JSON.stringify([first, second])).not.toMatch(/P-[abc]|HR 170|heartRate/);
    // A number of its own would be found in ids and times now and then.
    for (const { data } of [...first.events, ...second.events])
      for (const field of ['value', 'limit']) expect(data).not.toHaveProperty(field);
  });

  it('say more only to those who may see it themselves', async () => {
    await happen('a');
    expect(await call('/api/events?detail=patient')).toMatchObject({ status: 403, body: { code: 'role-needed' } });
    expect((await call('/api/events', 'GET', undefined, physician)).status).toBe(403);
  });

  it('name the field at fault', async () => {
    for (const query of ['after=-1', 'limit=0', 'limit=5000', 'detail=all', 'x=1'])
      expect((await call(`/api/events?${query}`)).status).toBe(400);
  });
});

describe('event subscriptions over HTTP', () => {
  it('are made, shown without what is secret, changed and ended', async () => {
    await happen('a', 'b');
    const { subscription, secret } = await add({ routes: [{ priorities: ['high'] }] });
    expect(secret).toMatch(/^whsec_/);
    expect(subscription).toMatchObject({
      name: 'Paging',
      host: 'paging.example',
      position: 2,
      behind: 0,
      state: 'active',
    });
    const listed = (await call('/api/event-subscriptions')).body as EventSubscriptionList;
    expect(listed.subscriptions).toEqual([subscription]);
    expect(JSON.stringify(listed)).not.toMatch(/hidden|whsec/);
    const path = `/api/event-subscriptions/${subscription.id}`;
    const paused = await call(path, 'PATCH', { isPaused: true, name: 'Pager' });
    expect(paused.body).toMatchObject({ state: 'paused', name: 'Pager', routes: [{ priorities: ['high'] }] });
    expect((await call(path, 'DELETE')).status).toBe(204);
    expect((await call(path, 'DELETE')).status).toBe(404);
  });

  it('begin where they are told to, and can be sent everything again', async () => {
    await happen('a', 'b', 'c');
    expect((await add({ from: 1 })).subscription).toMatchObject({ position: 1, behind: 2 });
    const { subscription } = await add();
    const replay = (body: object) => call(`/api/event-subscriptions/${subscription.id}/replay`, 'POST', body);
    const before = woken;
    expect((await replay({ after: 0 })).body).toMatchObject({ position: 0, behind: 3 });
    expect(woken).toBe(before + 1);
    expect((await replay({ from: '2030-01-01T00:00:00Z' })).body).toMatchObject({ position: 3 });
    expect((await replay({ from: '2020-01-01T00:00:00Z' })).body).toMatchObject({ position: 0 });
    for (const body of [{ after: 99 }, { from: 'yesterday' }, {}]) expect((await replay(body)).status).toBe(400);
  });

  it('refuse an address in the house, with the field', async () => {
    for (const url of ['http://paging.example/', 'https://127.0.0.1/', 'https://metadata.internal/', 'nonsense']) {
      const { status, body } = await call('/api/event-subscriptions', 'POST', { ...NEW, url });
      expect(status).toBe(400);
      expect(body).toMatchObject({ errors: [{ field: 'url' }] });
    }
  });

  it('with more detail than a place are granted only by those who may see it', async () => {
    const refused = await call('/api/event-subscriptions', 'POST', { ...NEW, detail: 'values' });
    expect(refused).toMatchObject({ status: 403, body: { code: 'role-needed' } });
    const { subscription } = await add();
    const change = await call(`/api/event-subscriptions/${subscription.id}`, 'PATCH', { detail: 'patient' });
    expect(change.status).toBe(403);
    const [still] = ((await call('/api/event-subscriptions')).body as EventSubscriptionList).subscriptions;
    expect(still?.detail).toBe('place' satisfies EventSubscription['detail']);
  });

  it('leave the house with more than a place for a named party alone', async () => {
    const both = await server.token(['operator', 'physician']);
    const make = (body: object) => call('/api/event-subscriptions', 'POST', { ...NEW, ...body }, both);
    for (const detail of ['patient', 'values'])
      expect(await make({ detail })).toMatchObject({ status: 400, body: { errors: [{ field: 'party' }] } });
    expect((await make({ detail: 'values', party: 'registry' })).status).toBe(201);
    const { status, body } = await make({ detail: 'values', url: 'https://house.example/in' });
    expect(status).toBe(201);
    const path = `/api/event-subscriptions/${(body as EventSubscriptionSecret).subscription.id}`;
    const moved = await call(path, 'PATCH', { url: NEW.url }, both);
    expect(moved).toMatchObject({ status: 400, body: { errors: [{ field: 'url' }] } });
    expect((await call(path, 'PATCH', { url: NEW.url, detail: 'place' }, both)).status).toBe(200);
    const more = await call(path, 'PATCH', { detail: 'patient' }, both);
    expect(more).toMatchObject({ status: 400, body: { errors: [{ field: 'detail' }] } });
  });

  it('get a new secret, beside which the former one still signs', async () => {
    const { subscription, secret } = await add();
    const renewed = await call(`/api/event-subscriptions/${subscription.id}/secret`, 'POST');
    const next = (renewed.body as EventSubscriptionSecret).secret;
    expect(next).not.toBe(secret);
    const [stored] = await new PostgresEventSubscriptions(database, SEAL).list();
    expect(stored?.secret).toBe(`${next} ${secret}`);
    expect((await call('/api/event-subscriptions/none/secret', 'POST')).status).toBe(404);
  });

  it('are no business of clinicians', async () => {
    expect((await call('/api/event-subscriptions', 'POST', NEW, physician)).status).toBe(403);
  });
});
