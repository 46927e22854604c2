import {
  PostTopicSubscription,
  PutMyTopics,
  TopicSubscription,
  TopicSubscriptionList,
} from '@healthsync/contracts/topic';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { parseContactAddress } from '../../domain/contact-address.ts';
import { parseUserId, type UserId } from '../../domain/ids.ts';
import { parseTopic, type Subscriber, type Subscription, type Topic, topicName } from '../../domain/topic.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { User } from '../../ports/accounts.ts';
import type { StoredSubscription } from '../../ports/topic-subscriptions.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { may } from '../caller.ts';
import { type FieldError, invalid, notFound, sendProblem } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import type { TellingServices } from '../telling-services.ts';
import type { Api } from '../validation.ts';
import { notFromThis, sendVersioned, versionFrom } from '../version-match.ts';
import { seesWard } from '../ward-scope.ts';
import { IdPath } from './parameters.ts';

/** Who is told of what: everyone for themselves, operators for endpoints and others. */
export function registerTopics(app: FastifyInstance, services: TellingServices): void {
  const api = app as unknown as Api;
  const { topics, house, now } = services;

  api.get(
    '/api/topics',
    {
      config: { action: 'operations.read' },
      schema: { summary: 'All subscriptions', tags: ['telling'], response: { 200: TopicSubscriptionList } },
    },
    async (_request, reply) => {
      const [stored, users] = await Promise.all([topics.list(), services.users()]);
      return reply.send({
        subscriptions: [
          ...house.subscriptions.map((each) => shown(each, users)),
          ...stored.map((each) => shownStored(each, users)),
        ],
      });
    },
  );

  api.get(
    '/api/me/topics',
    {
      config: { signedIn: true },
      schema: { summary: 'My subscriptions', tags: ['telling'], response: { 200: TopicSubscriptionList } },
    },
    async (request, reply) => {
      const { userId } = principalOf(request);
      return sendMine(reply, userId);
    },
  );

  api.put(
    '/api/me/topics',
    {
      config: { action: 'own.reach' },
      schema: {
        summary: 'Replace my subscriptions',
        tags: ['telling'],
        body: PutMyTopics,
        response: { 200: TopicSubscriptionList },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const wanted = request.body.subscriptions.map(({ topic, ...rest }) => ({ ...rest, topic: parseTopic(topic) }));
      const errors = wanted.flatMap(({ topic }, index) => errorsOf(topic, `subscriptions.${index}.topic`, principal));
      if (errors.length > 0) return invalid(reply, errors);
      const from = versionFrom(request, request.body.version);
      const outcome = await topics.replaceOf(
        principal.userId,
        wanted.flatMap(({ topic, ...rest }) => (topic === undefined ? [] : [{ topic, ...rest }])),
        { ...(from !== undefined && { from }), by: signatureOf(principal), atMs: now() },
      );
      if (outcome.kind === 'changed-meanwhile') return notFromThis(reply, from, outcome);
      return sendMine(reply, principal.userId);
    },
  );

  /** The version is read first: whoever changes it meanwhile makes this one old, not this list newer than it is. */
  async function sendMine(reply: FastifyReply, userId: UserId): Promise<FastifyReply> {
    const version = await topics.versionOf(userId);
    const mine = (await topics.list()).filter(
      ({ subscriber }) => subscriber.kind === 'user' && subscriber.userId === userId,
    );
    return sendVersioned(reply, version, { version, subscriptions: mine.map((each) => shownStored(each, [])) });
  }

  api.post(
    '/api/topics/subscriptions',
    {
      config: { action: 'channel.write' },
      schema: {
        summary: 'Subscribe a person or an endpoint; a second of the same replaces the first',
        tags: ['telling'],
        body: PostTopicSubscription,
        response: { 200: TopicSubscription },
      },
    },
    async (request, reply) => {
      const { subscriber: asked, topic: text, ...rest } = request.body;
      const topic = parseTopic(text);
      const users = await services.users();
      const subscriber = subscriberOf(asked, users, services);
      const errors = [
        ...(topic === undefined ? errorsOf(undefined, 'topic') : []),
        ...('field' in subscriber ? [subscriber] : []),
      ];
      if (topic === undefined || 'field' in subscriber) return invalid(reply, errors);
      const by = signatureOf(principalOf(request));
      return reply.send(shownStored(await topics.put({ topic, subscriber, ...rest, by, atMs: now() }), users));
    },
  );

  api.delete(
    '/api/topics/subscriptions/:id',
    {
      config: { action: 'channel.write' },
      schema: { summary: 'End a subscription', tags: ['telling'], params: IdPath },
    },
    async (request, reply) => {
      if (house.subscriptions.some(({ id }) => id === request.params.id))
        return sendProblem(reply, { status: 409, code: 'of-the-settings', detail: 'It is changed in the settings.' });
      const by = signatureOf(principalOf(request));
      const isEnded = await topics.remove(request.params.id, { by, atMs: now() });
      return isEnded ? reply.code(204).send() : notFound(reply, 'subscription');
    },
  );
}

/** What is wrong with a topic, and whether this person may hear of it. */
function errorsOf(topic: Topic | undefined, field: string, principal?: Principal): readonly FieldError[] {
  if (topic === undefined)
    return [{ code: 'invalid-value', field, detail: 'expected something like alarms.high.W3; system has no ward' }];
  if (principal === undefined || topic.class === 'system') return [];
  // Not a screen on the corridor either: whoever passes by could be told on a telephone of theirs.
  if (!may(principal, 'alarm.acknowledge'))
    return [{ code: 'role-needed', field, detail: 'your roles do not let you hear of patients’ alarms' }];
  return topic.wardId === undefined || seesWard(principal, topic.wardId)
    ? []
    : [{ code: 'other-ward', field, detail: 'a ward that is not yours' }];
}

function subscriberOf(
  asked: PostTopicSubscription['subscriber'],
  users: readonly User[],
  { notifiers, house }: TellingServices,
): Subscriber | FieldError {
  if (asked.kind === 'user') {
    const userId = parseUserId(asked.userId);
    const isThere = users.some(({ id }) => id === userId);
    return userId !== undefined && isThere
      ? { kind: 'user', userId }
      : { code: 'unknown-user', field: 'subscriber.userId', detail: 'no such user' };
  }
  const { channel, recipient } = asked;
  const type = notifiers.find((each) => each.channel === channel)?.type;
  if (type === undefined)
    return { code: 'unknown-channel', field: 'subscriber.channel', detail: 'no channel of this name is configured' };
  const closed = house.endpoints.get(channel);
  if (closed !== undefined && !closed.includes(recipient))
    return {
      code: 'unknown-endpoint',
      field: 'subscriber.recipient',
      detail: 'this channel sends only to what the settings name',
    };
  // One address, written as its channel writes it: a list of several would pass for one.
  const address = closed === undefined ? parseContactAddress(type, recipient) : recipient;
  if (address === undefined)
    return { code: 'invalid-value', field: 'subscriber.recipient', detail: 'is no address of this channel' };
  return { kind: 'endpoint', channel, recipient: address };
}

function shown(
  { id, topic, subscriber, minPriority, events }: Subscription,
  users: readonly User[],
): TopicSubscription {
  return {
    id,
    topic: topicName(topic),
    subscriber: subscriber.kind === 'user' ? { ...subscriber, ...nameOf(subscriber.userId, users) } : subscriber,
    ...(minPriority === undefined ? {} : { minPriority }),
    ...(events === undefined ? {} : { events: events.filter(isShown) }),
    source: 'settings',
  };
}

function shownStored(stored: StoredSubscription, users: readonly User[]): TopicSubscription {
  const { createdBy, createdAtMs } = stored;
  return { ...shown(stored, users), source: 'app', createdBy, createdAt: rfc3339(createdAtMs) };
}

function nameOf(userId: string, users: readonly User[]) {
  const name = users.find(({ id }) => id === userId)?.displayName;
  return name === undefined ? {} : { name };
}

type ShownEvent = NonNullable<TopicSubscription['events']>[number];
const HIDDEN: readonly string[] = ['summary', 'verification', 'test'];
const isShown = (event: string): event is ShownEvent => !HIDDEN.includes(event);
