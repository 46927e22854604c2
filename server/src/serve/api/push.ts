import { createECDH, createHash } from 'node:crypto';
import {
  NewPushSubscription,
  PushKey,
  PushReceipt,
  PushSubscriptionList,
  RemovePushSubscription,
} from '@healthsync/contracts/push';
import type { FastifyInstance } from 'fastify';
import type { UserId } from '../../domain/ids.ts';
import type { AlarmAnswers } from '../../ports/alarm-answers.ts';
import type { Contacts } from '../../ports/contacts.ts';
import {
  PUSH_SUBSCRIPTIONS_MAX,
  type PushSubscription,
  type PushSubscriptions,
} from '../../ports/push-subscriptions.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import type { Api } from '../validation.ts';

export interface PushServices {
  /** The configured name of the channel. */
  readonly channel: string;
  /** What browsers subscribe with. */
  readonly publicKey: string;
  readonly subscriptions: PushSubscriptions;
  /** A browser that subscribes under its person's session proves the contact. */
  readonly contacts: Pick<Contacts, 'put' | 'vouch' | 'remove'>;
  readonly answers: Pick<AlarmAnswers, 'receipt'>;
  /** Whether this is the address of a push service, and not of whatever a person wants the server to call. */
  readonly isPushService: (url: URL) => boolean;
  readonly now: () => number;
}

/** A person's browsers: subscribing, leaving, and what reached them. Each sees and changes only one's own. */
export function registerPush(app: FastifyInstance, services: PushServices): void {
  const { channel, publicKey, subscriptions, contacts, answers, isPushService, now } = services;
  const api = app as unknown as Api;
  const tags = ['push'];

  api.get(
    '/api/push/key',
    { config: { signedIn: true }, schema: { summary: 'The key to subscribe with', tags, response: { 200: PushKey } } },
    () => ({ publicKey }),
  );

  api.get(
    '/api/push/subscriptions',
    {
      config: { signedIn: true },
      schema: { summary: 'My browsers', tags, response: { 200: PushSubscriptionList } },
    },
    async (request) => ({ subscriptions: (await subscriptions.of(principalOf(request).userId)).map(shown) }),
  );

  api.post(
    '/api/push/subscriptions',
    {
      config: { action: 'own.reach' },
      schema: { summary: 'Let this browser be pushed to', tags, body: NewPushSubscription },
    },
    async (request, reply) => {
      const { endpoint, keys } = request.body;
      const url = URL.parse(endpoint);
      if (url === null || !isPushService(url))
        return invalid(reply, [{ code: 'not-a-push-service', field: 'endpoint', detail: 'is not one we push to' }]);
      if (!isPoint(keys.p256dh))
        return invalid(reply, [{ code: 'invalid-value', field: 'keys.p256dh', detail: 'is no point on P-256' }]);
      const { userId } = principalOf(request);
      const subscription = { id: idOf(endpoint), userId, endpoint, ...keys, createdAtMs: now() };
      const outcome = await subscriptions.put(subscription);
      if (outcome === 'full') return tooMany(reply, `A person may have ${PUSH_SUBSCRIPTIONS_MAX} browsers.`);
      if (!(await becomeContact(userId))) return tooMany(reply, 'You have as many contacts as one may have.');
      return reply.code(201).send(shown(subscription));
    },
  );

  api.delete(
    '/api/push/subscriptions',
    {
      config: { signedIn: true },
      schema: { summary: 'Push to this browser no longer', tags, body: RemovePushSubscription },
    },
    async (request, reply) => {
      const { userId } = principalOf(request);
      if (!(await subscriptions.remove(userId, request.body.endpoint))) return notFound(reply, 'subscription');
      if ((await subscriptions.of(userId)).length === 0)
        await contacts.remove({ userId, channel, address: userId, atMs: now() });
      return reply.code(204).send();
    },
  );

  api.post(
    '/api/push/receipts',
    { config: { signedIn: true }, schema: { summary: 'A message reached this browser', tags, body: PushReceipt } },
    async (request, reply) => {
      const { delivery, state } = request.body;
      // Only of what was sent to oneself: the notifier's receipts begin with whose browsers they are of.
      await answers.receipt({ channel, receipt: `${principalOf(request).userId} ${delivery}`, state });
      return reply.code(204).send();
    },
  );

  /** The address of the contact is the person's own id: the notifier knows the browsers behind it. */
  async function becomeContact(userId: UserId): Promise<boolean> {
    const contact = { userId, channel, address: userId, atMs: now() };
    if ((await contacts.put(contact)) === 'too-many') return false;
    return (await contacts.vouch({ ...contact, by: 'channel' })) === 'verified';
  }
}

function tooMany(reply: Parameters<typeof sendProblem>[0], detail: string) {
  return sendProblem(reply, { status: 409, code: 'too-many', detail });
}

/** The same browser has the same id; the endpoint itself is a secret between the browser, its service and us. */
function idOf(endpoint: string): string {
  return createHash('sha256').update(endpoint).digest('base64url').slice(0, 22);
}

function isPoint(p256dh: string): boolean {
  try {
    const ecdh = createECDH('prime256v1');
    ecdh.generateKeys();
    return ecdh.computeSecret(Buffer.from(p256dh, 'base64url')).byteLength === 32;
  } catch {
    return false;
  }
}

function shown({ id, endpoint, createdAtMs }: PushSubscription): PushSubscriptionList['subscriptions'][number] {
  return { id, service: new URL(endpoint).host, createdAt: rfc3339(createdAtMs) };
}
