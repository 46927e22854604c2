import { AlarmEvent } from '@healthsync/contracts/event';
import { Webhook } from 'standardwebhooks';
import { Compile } from 'typebox/compile';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEventWebhook } from '../adapters/notify/event-webhook.ts';
import { startVendor, type VendorRequest } from '../adapters/notify/test-vendor.ts';
import { PostgresAlarmEvents, writeAlarmEvents } from '../adapters/postgres/alarm-events.ts';
import { PostgresEventSubscriptions } from '../adapters/postgres/event-subscriptions.ts';
import { alarmChangeOf } from '../adapters/postgres/test-alarm-change.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../adapters/postgres/test-database.ts';
import { inTransaction } from '../adapters/postgres/transaction.ts';
import type { AuditEntry } from '../domain/audit-entry.ts';
import type { AlarmId, UserId } from '../domain/ids.ts';
import { testHouseSeal } from '../keys/test-identities.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import { Failure } from '../ports/failure.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import { type CourierHooks, type CourierSettings, type EventCourier, startEventCourier } from './courier.ts';

const SEAL = testHouseSeal();

const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes !!!').toString('base64')}`;
const isEvent = Compile(AlarmEvent);
/** Who shares with whom: `party patient`. */
const sharing = new Set<string>();
/** Who may grant more than a place, and which addresses are of the house. */
const granting = new Set<UserId>();
const house = new Set<string>();
const GRANTER = 'u-somebody' as UserId;
/** What is on record; while it is away nothing can be. */
const record = { entries: [] as AuditEntry[], isAway: false };
const audit: AuditLog = {
  async append(entries) {
    if (record.isAway) throw new Failure('database-unavailable', 'away', { retryable: true });
    record.entries.push(...entries);
    return [];
  },
};

let database: TestDatabase;
let events: PostgresAlarmEvents;
let subscriptions: PostgresEventSubscriptions;
const running: EventCourier[] = [];
beforeAll(async () => {
  database = await openTestDatabase();
});
beforeEach(async () => {
  await emptyDatabase(database);
  record.entries.length = 0;
  record.isAway = false;
  granting.clear();
  granting.add(GRANTER);
  house.clear();
  events = new PostgresAlarmEvents(database);
  subscriptions = new PostgresEventSubscriptions(database, SEAL);
});
afterEach(async () => {
  for (const courier of running.splice(0)) await courier.stop();
  await receiver?.close();
  receiver = undefined;
});

let receiver: Awaited<ReturnType<typeof startVendor>> | undefined;

/** A receiver as strict as we tell people to be: a valid signature, a valid event. */
async function startReceiver() {
  const taken: AlarmEvent[] = [];
  const vendor = await startVendor({
    answer({ headers, body }: VendorRequest) {
      new Webhook(SECRET).verify(body.toString(), headers as Record<string, string>);
      const event: unknown = JSON.parse(body.toString());
      if (!isEvent.Check(event) || headers['content-type'] !== 'application/cloudevents+json; charset=utf-8')
        return { status: 400 };
      taken.push(event);
      return { status: 204 };
    },
  });
  receiver = vendor;
  return Object.assign(vendor, { taken });
}

function startCourier(
  ca: string,
  { onError, ...settings }: Partial<CourierSettings & Required<Pick<CourierHooks, 'onError'>>> = {},
) {
  const raised = new Set<string>();
  const systemAlarms: SystemAlarms = {
    raise: ({ id }) => void raised.add(id),
    clear: (id) => void raised.delete(id),
  };
  const courier = startEventCourier({
    events,
    subscriptions,
    carrier: createEventWebhook({ outgoing: { allowedHosts: ['localhost'] }, ca, now: Date.now }),
    systemAlarms,
    mayShare: (party, patientId) => ({ allowed: sharing.has(`${party} ${patientId}`), policies: ['sharing'] }),
    mayGrant: async ({ grantedBy }) => ({ allowed: granting.has(grantedBy), policies: ['granter'] }),
    isOfHouse: (url) => house.has(url),
    audit,
    now: Date.now,
    monotonicMs: () => performance.now(),
    random: () => 0.5,
    ...(onError !== undefined && { hooks: { onError } }),
    settings: { pollMs: 20, retryFirstMs: 20, retryMaxMs: 50, ...settings },
  });
  running.push(courier);
  return { courier, raised };
}

const happen = (...ids: string[]) =>
  inTransaction(database.pool, (client) =>
    writeAlarmEvents(
      client,
      ids.map((id) => alarmChangeOf(id as AlarmId, Date.now())),
    ),
  );

function subscribe(url: URL, more: Partial<Parameters<PostgresEventSubscriptions['add']>[0]> = {}) {
  return subscriptions.add({
    name: 'Paging',
    url: url.href,
    secret: SECRET,
    detail: 'place',
    routes: [{}],
    position: 0,
    by: 'somebody',
    grantedBy: GRANTER,
    atMs: Date.now(),
    ...more,
  });
}

async function until(claim: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await claim()); tries++) {
    if (tries > 1_500) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('the event courier', () => {
  it('brings every event, in order and signed, with no more in it than was granted', async () => {
    const { url, ca, taken } = await startReceiver();
    await subscribe(url);
    startCourier(ca);
    const names = Array.from({ length: 25 }, (_, i) => `a${i}`);
    for (const name of names) await happen(name);
    await until(() => taken.length === 25);
    expect(taken.map(({ subject }) => subject)).toEqual(names);
    expect(taken.map(({ sequence }) => Number(sequence))).toEqual(names.map((_, i) => i + 1));
    expect(JSON.stringify(taken)).not.toMatch(/P-a|HR 170|heartRate/);
    // A number of its own would be found in ids and times now and then.
    for (const { data } of taken) for (const field of ['value', 'limit']) expect(data).not.toHaveProperty(field);
  });

  it('sends a party outside no more than the place of whoever does not share with it, at the moment it is sent', async () => {
    const { url, ca, taken } = await startReceiver();
    await subscribe(url, { detail: 'values', party: 'registry' });
    startCourier(ca);
    await happen('a');
    await until(() => taken.length === 1);
    sharing.add('registry P-a');
    await happen('a');
    await until(() => taken.length === 2);
    sharing.clear();
    await happen('a');
    await until(() => taken.length === 3);
    expect(taken.map(({ data }) => data.patientId)).toEqual([undefined, 'P-a', undefined]);
    expect(taken.map(({ data }) => 'value' in data || 'text' in data)).toEqual([false, true, false]);
    expect(
      record.entries.map(({ action, outcome, patientId, policies, detail: { detail } = {} }) => [
        action,
        outcome,
        patientId,
        policies,
        detail,
      ]),
    ).toEqual([
      ['event.send', 'denied', 'P-a', ['sharing'], 'place'],
      ['event.send', 'allowed', 'P-a', ['sharing'], 'values'],
      ['event.send', 'denied', 'P-a', ['sharing'], 'place'],
    ]);
  });

  it('sends no more than the place once whoever granted more may not see it, and outside the house without a party', async () => {
    const { url, ca, taken } = await startReceiver();
    await subscribe(url, { detail: 'values' });
    startCourier(ca);
    const another = async () => {
      const before = taken.length;
      await happen('a');
      await until(() => taken.length > before);
    };
    await another();
    house.add(url.href);
    await another();
    granting.clear();
    await another();
    expect(taken.map(({ data }) => data.patientId)).toEqual([undefined, 'P-a', undefined]);
    expect(record.entries.map(({ outcome, policies }) => [outcome, policies])).toEqual([
      ['denied', []],
      ['allowed', ['granter']],
      ['denied', ['granter']],
    ]);
  });

  it('sends nothing that cannot be written down, and all of it when it can', async () => {
    const { url, ca, taken } = await startReceiver();
    await subscribe(url);
    record.isAway = true;
    const tried: unknown[] = [];
    startCourier(ca, { onError: (error) => tried.push(error) });
    await happen('a');
    await until(() => tried.length > 1);
    expect(taken).toEqual([]);
    record.isAway = false;
    await until(() => taken.length === 1);
  });

  it('waits at an event that is not taken, brings it again under the same id, and goes on behind it', async () => {
    const { url, ca, taken, behave, requests } = await startReceiver();
    await subscribe(url);
    startCourier(ca);
    behave('busy');
    await happen('a', 'b');
    await until(() => requests.length >= 3);
    expect(new Set(requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    behave('accept');
    await until(() => taken.length === 2);
    expect(taken.map(({ subject }) => subject)).toEqual(['a', 'b']);
    await until(async () => (await subscriptions.list())[0]?.failures === 0);
  });

  it('leaves a receiver alone that wants no more, and says so', async () => {
    const vendor = await startVendor({ answer: () => ({ status: 410 }) });
    receiver = vendor;
    const { id } = await subscribe(vendor.url);
    const { raised } = startCourier(vendor.ca);
    await happen('a');
    await until(async () => (await subscriptions.list())[0]?.isRefused === true);
    await happen('b');
    await until(async () => (await events.head()) === 2);
    expect(vendor.requests).toHaveLength(1);
    expect([...raised]).toEqual([`events.${id}.failing`]);
  });

  it('rings once a receiver has been away for long, and is quiet when it is back', async () => {
    const { url, ca, taken, behave } = await startReceiver();
    await subscribe(url);
    const { raised } = startCourier(ca, { alarmAfterMs: 30 });
    behave('busy');
    await happen('a');
    await until(() => raised.size === 1);
    behave('accept');
    await until(() => taken.length === 1 && raised.size === 0);
  });

  it('passes by what no route takes', async () => {
    const { url, ca, taken } = await startReceiver();
    const { id } = await subscribe(url, { routes: [{ wardIds: ['W9'] }] });
    startCourier(ca);
    await happen('a', 'b', 'c');
    await until(async () => (await subscriptions.list()).find((each) => each.id === id)?.position === 3);
    expect(taken).toEqual([]);
  });

  it('brings again from a position that somebody has set back', async () => {
    const { url, ca, taken } = await startReceiver();
    const { id } = await subscribe(url);
    const { courier } = startCourier(ca);
    await happen('a', 'b', 'c');
    await until(() => taken.length === 3);
    await until(async () => (await subscriptions.list())[0]?.position === 3);
    await subscriptions.change(id, { position: 1 });
    courier.wake();
    await until(() => taken.length === 5);
    expect(taken.slice(3).map(({ subject }) => subject)).toEqual(['b', 'c']);
    expect(taken[3]?.id).toBe(taken[1]?.id);
  });

  it('two of them share the work: nothing is left out, and each order stays', async () => {
    const { url, ca, taken } = await startReceiver();
    for (const name of ['one', 'two', 'three']) await subscribe(url, { name });
    startCourier(ca);
    startCourier(ca);
    for (let i = 0; i < 20; i++) await happen(`a${i}`);
    await until(() => taken.length >= 60);
    await until(async () => (await subscriptions.list()).every(({ position }) => position === 20));
    expect(taken).toHaveLength(60);
  });

  it('goes on where it was after a stop', async () => {
    const { url, ca, taken } = await startReceiver();
    await subscribe(url);
    const first = startCourier(ca);
    await happen('a');
    await until(() => taken.length === 1);
    await first.courier.stop();
    await happen('b');
    startCourier(ca);
    await until(() => taken.length === 2);
    expect(taken.map(({ subject }) => subject)).toEqual(['a', 'b']);
  });

  it('never calls into the house, whatever address a subscription holds', async () => {
    const { url, requests } = await startReceiver();
    const { id } = await subscribe(new URL(`https://127.0.0.1:${url.port}/`));
    startCourier('');
    await happen('a');
    await until(async () => (await subscriptions.list()).find((each) => each.id === id)?.isRefused === true);
    expect(requests).toHaveLength(0);
  });
});
