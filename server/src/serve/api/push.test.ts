import { createECDH } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { memoryPushSubscriptions } from '../../adapters/memory/memory-push-subscriptions.ts';
import { isPushService } from '../../adapters/notify/push-services.ts';
import type { Contacts } from '../../ports/contacts.ts';
import type { PushSubscriptions } from '../../ports/push-subscriptions.ts';
import { memoryAnswers } from '../hooks/test-answers.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { registerPush } from './push.ts';

/** Contacts of one channel, as far as subscribing touches them. */
function memoryContacts() {
  const verified = new Set<string>();
  const known = new Set<string>();
  const contacts: Pick<Contacts, 'put' | 'vouch' | 'remove'> = {
    async put({ userId }) {
      const outcome = known.has(userId) ? 'changed' : 'added';
      known.add(userId);
      return outcome;
    },
    async vouch({ userId, address, by }) {
      if (!known.has(userId) || address !== userId || by !== 'channel') return 'not-found';
      verified.add(userId);
      return 'verified';
    },
    async remove({ userId }) {
      verified.delete(userId);
      return known.delete(userId);
    },
  };
  return { contacts, verified };
}

describe('the browsers of a person', () => {
  let server: TestServer;
  let subscriptions: PushSubscriptions;
  let contacts: ReturnType<typeof memoryContacts>;
  let answers: ReturnType<typeof memoryAnswers>;
  let nurse: string;
  let physician: string;
  beforeAll(async () => {
    server = await startTestServer({
      server: {
        plugins: [
          (app) =>
            registerPush(app, {
              channel: 'web-push',
              publicKey: 'BPublic',
              // Fresh ones for each test, behind a server that is started once.
              subscriptions: {
                put: (subscription) => subscriptions.put(subscription),
                of: (userId) => subscriptions.of(userId),
                remove: (userId, endpoint) => subscriptions.remove(userId, endpoint),
                removeGone: (id) => subscriptions.removeGone(id),
              },
              contacts: {
                put: (contact) => contacts.contacts.put(contact),
                vouch: (contact) => contacts.contacts.vouch(contact),
                remove: (contact) => contacts.contacts.remove(contact),
              },
              answers: { receipt: (receipt) => answers.answers.receipt(receipt) },
              isPushService: (url) => isPushService(url),
              now: () => server.now(),
            }),
        ],
      },
    });
    nurse = await server.token('nurse');
    physician = await server.token('physician');
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    subscriptions = memoryPushSubscriptions();
    contacts = memoryContacts();
    answers = memoryAnswers({});
  });

  const point = () => {
    const keys = createECDH('prime256v1');
    return keys.generateKeys('base64url');
  };
  const browser = (name: string, change: object = {}) => ({
    endpoint: `https://fcm.googleapis.com/fcm/send/${name}`,
    expirationTime: null,
    keys: { p256dh: point(), auth: 'a'.repeat(22) },
    ...change,
  });
  const call = (method: string, path: string, token: string | undefined, body?: unknown) =>
    server.call(`/api/push/${path}`, {
      method,
      ...(token === undefined ? {} : { token }),
      ...(body === undefined ? {} : { body }),
    });

  it('subscribes, is listed without its address, becomes a verified contact, and leaves again', async () => {
    expect((await call('GET', 'key', nurse)).body).toEqual({ publicKey: 'BPublic' });
    const made = await call('POST', 'subscriptions', nurse, browser('phone'));
    expect(made.status).toBe(201);
    expect(made.raw).not.toContain('phone');
    expect(contacts.verified.size).toBe(1);
    expect((await call('GET', 'subscriptions', nurse)).body).toEqual({ subscriptions: [made.body] });
    const left = await call('DELETE', 'subscriptions', nurse, { endpoint: browser('phone').endpoint });
    expect(left.status).toBe(204);
    expect((await call('GET', 'subscriptions', nurse)).body).toEqual({ subscriptions: [] });
    expect(contacts.verified.size).toBe(0);
  });
  it('whoever has another browser left stays a contact', async () => {
    await call('POST', 'subscriptions', nurse, browser('phone'));
    await call('POST', 'subscriptions', nurse, browser('desk'));
    await call('DELETE', 'subscriptions', nurse, { endpoint: browser('phone').endpoint });
    expect(contacts.verified.size).toBe(1);
  });
  it('nobody sees or ends another’s', async () => {
    await call('POST', 'subscriptions', nurse, browser('phone'));
    expect((await call('GET', 'subscriptions', physician)).body).toEqual({ subscriptions: [] });
    const ended = await call('DELETE', 'subscriptions', physician, { endpoint: browser('phone').endpoint });
    expect(ended.status).toBe(404);
    expect((await call('GET', 'subscriptions', nurse)).body.subscriptions).toHaveLength(1);
  });
  it('needs a session', async () => {
    for (const [method, path] of [
      ['GET', 'key'],
      ['GET', 'subscriptions'],
      ['POST', 'subscriptions'],
      ['DELETE', 'subscriptions'],
      ['POST', 'receipts'],
    ] as const)
      expect([path, (await call(method, path, undefined, method === 'GET' ? undefined : {})).status]).toEqual([
        path,
        401,
      ]);
  });
  it.each([
    ['an address in the house', { endpoint: 'https://10.0.0.1/push' }, 'endpoint'],
    ['an address that is no push service', { endpoint: 'https://example.org/push' }, 'endpoint'],
    ['an unencrypted address', { endpoint: 'http://fcm.googleapis.com/x' }, 'endpoint'],
    ['a key that is no point', { keys: { p256dh: `B${'A'.repeat(86)}`, auth: 'a'.repeat(22) } }, 'keys.p256dh'],
    ['a short secret', { keys: { p256dh: 'B'.repeat(87), auth: 'a' } }, 'keys.auth'],
    ['an unknown field', { priority: 'high' }, 'priority'],
  ])('refuses %s, and names the field', async (_what, change, field) => {
    const refused = await call('POST', 'subscriptions', nurse, browser('phone', change));
    expect(refused.status).toBe(400);
    expect(refused.body.errors.map((error: { field: string }) => error.field)).toContain(field);
    expect((await call('GET', 'subscriptions', nurse)).body).toEqual({ subscriptions: [] });
  });
  it('has a bound', async () => {
    for (let i = 0; i < 10; i++)
      expect((await call('POST', 'subscriptions', nurse, browser(`b${i}`))).status).toBe(201);
    expect(await call('POST', 'subscriptions', nurse, browser('more'))).toMatchObject({
      status: 409,
      body: { code: 'too-many' },
    });
  });
  it('a message that reached its browser is known to have, and nobody can say so of another’s', async () => {
    expect((await call('POST', 'receipts', nurse, { delivery: 'd1', state: 'read' })).status).toBe(204);
    await call('POST', 'receipts', physician, { delivery: 'd1', state: 'delivered' });
    expect(answers.receipts).toEqual([
      { channel: 'web-push', receipt: 'u0 d1', state: 'read' },
      { channel: 'web-push', receipt: 'u1 d1', state: 'delivered' },
    ]);
    expect((await call('POST', 'receipts', nurse, { delivery: 'd1', state: 'failed' })).status).toBe(400);
  });
});
