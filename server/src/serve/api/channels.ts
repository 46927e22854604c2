import {
  type Channel,
  ChannelList,
  ChannelPolicyHistory,
  ChannelTestResult,
  MessageSamples,
  PostChannelTest,
  PutChannelPolicy,
  type ChannelPolicy as ShownPolicy,
} from '@healthsync/contracts/channel';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { CHANNEL_TRAITS } from '../../domain/channel.ts';
import type { AlarmId } from '../../domain/ids.ts';
import {
  allows,
  type ChannelPolicy,
  defaultPolicy,
  MESSAGE_LEVELS,
  policyProblems,
} from '../../domain/message-policy.ts';
import { wordsOf } from '../../domain/message-words.ts';
import type { Subscription } from '../../domain/topic.ts';
import type { PolicyVersion } from '../../ports/channel-policies.ts';
import type { Notifier } from '../../ports/notifier.ts';
import type { ChannelTraffic } from '../../ports/outbox.ts';
import { type ChannelHealth, FAILING_FROM } from '../../vitals/5-notify/channel-watch.ts';
import { principalOf } from '../access-gate.ts';
import { refusalOf } from '../access-refusal.ts';
import { rfc3339 } from '../alert-shape.ts';
import { noteAudit } from '../audited.ts';
import { decisionOn } from '../caller.ts';
import { mayGrant } from '../event-grant.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import type { TellingServices } from '../telling-services.ts';
import type { Api } from '../validation.ts';

const NamePath = Type.Object({ name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$' }) });

/** The ways out of the house: how they fare, what they may say, and whether they work. */
export function registerChannels(app: FastifyInstance, services: TellingServices): void {
  const api = app as unknown as Api;
  const { notifiers, policies, contacts, testChannel, now } = services;
  const find = (name: string) => notifiers.find(({ channel }) => channel === name);

  api.get(
    '/api/channels',
    {
      config: { action: 'operations.read' },
      schema: { summary: 'Channels, their policy and health', tags: ['telling'], response: { 200: ChannelList } },
    },
    async (_request, reply) => {
      const [versions, traffic, subscriptions] = await Promise.all([
        policies.current(),
        services.traffic(),
        services.topics.list(),
      ]);
      const byChannel = new Map(traffic.map((each) => [each.channel, each]));
      return reply.send({
        channels: notifiers.map((notifier) =>
          shownChannel(notifier, {
            version: versions.get(notifier.channel),
            health: services.watch.health().get(notifier.channel),
            traffic: byChannel.get(notifier.channel),
            endpoints: endpointsOf(notifier.channel, services, subscriptions),
          }),
        ),
      });
    },
  );

  api.get(
    '/api/channels/samples',
    {
      config: { action: 'operations.read' },
      schema: { summary: 'What each level says', tags: ['telling'], response: { 200: MessageSamples } },
    },
    async (_request, reply) => reply.send({ samples: MESSAGE_LEVELS.map(sampleOf) }),
  );

  api.put(
    '/api/channels/:name/policy',
    {
      config: { action: 'channel.write', installation: true },
      schema: {
        summary: 'Change what a channel may say and how fast; every version is kept',
        tags: ['telling'],
        params: NamePath,
        body: PutChannelPolicy,
        response: { 200: ChannelPolicyHistory },
      },
    },
    async (request, reply) => {
      const notifier = find(request.params.name);
      if (notifier === undefined) return notFound(reply, 'channel');
      const { version, reason, ...policy } = request.body;
      const problems = policyProblems(notifier.type, policy);
      if (problems.length > 0) return invalid(reply, problems);
      // Nobody lets out of the house what they may not see themselves.
      if (allows(policy.level, 'detailed') && !mayGrant(principalOf(request), 'values'))
        return sendProblem(reply, {
          status: 403,
          code: 'role-needed',
          detail: 'Values and names in messages are allowed by those who may read the vitals of all wards themselves.',
        });
      const kept = await policies.put({
        channel: notifier.channel,
        after: version,
        policy,
        by: signatureOf(principalOf(request)),
        reason,
        atMs: now(),
      });
      if (kept === 'changed-meanwhile')
        return sendProblem(reply, {
          status: 409,
          code: 'changed-meanwhile',
          detail: 'Somebody changed it meanwhile. Read it again.',
        });
      return reply.send({ versions: (await policies.history(notifier.channel)).map(shownVersion) });
    },
  );

  api.get(
    '/api/channels/:name/policy/history',
    {
      config: { action: 'operations.read' },
      schema: {
        summary: 'Who changed a channel’s policy, when and why',
        tags: ['telling'],
        params: NamePath,
        response: { 200: ChannelPolicyHistory },
      },
    },
    async (request, reply) => {
      const notifier = find(request.params.name);
      if (notifier === undefined) return notFound(reply, 'channel');
      return reply.send({ versions: (await policies.history(notifier.channel)).map(shownVersion) });
    },
  );

  api.post(
    '/api/channels/:name/test',
    {
      // To one's own address anyone may; to an endpoint of the house those who run it.
      config: { signedIn: true },
      schema: {
        summary: 'Send a message that says it is a test, and see what becomes of it',
        tags: ['telling'],
        params: NamePath,
        body: PostChannelTest,
        response: { 200: ChannelTestResult },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const notifier = find(request.params.name);
      if (notifier === undefined) return notFound(reply, 'channel');
      const { endpoint } = request.body;
      if (endpoint !== undefined) {
        const decision = decisionOn(principal, { kind: 'door' }, 'channel.write');
        if (!decision.allowed) return sendProblem(reply, refusalOf(decision));
        const known = endpointsOf(notifier.channel, services, await services.topics.list());
        if (!known.includes(endpoint)) return notFound(reply, 'endpoint');
      }
      const recipient = endpoint ?? (await ownAddress(notifier.channel, principal.userId));
      if (recipient === undefined)
        return sendProblem(reply, {
          status: 409,
          code: 'no-contact',
          detail: 'You have no verified address on this channel.',
        });
      const result = await testChannel({ notifier, recipient, askedBy: principal.userId });
      if (result.kind === 'too-often')
        return sendProblem(reply, {
          status: 429,
          code: 'too-many-tests',
          detail: 'Too many tests. Wait a little.',
          retryAfterMs: result.retryAfterMs,
        });
      const { kind: outcome, ...rest } = result.outcome;
      if (outcome !== 'delivered') noteAudit(request, { outcome: 'failed', detail: { delivery: outcome } });
      return reply.send({
        outcome,
        ...('receipt' in rest && rest.receipt !== undefined ? { receipt: rest.receipt } : {}),
        ...('reason' in rest ? { reason: rest.reason } : {}),
        tookMs: result.tookMs,
      });
    },
  );

  async function ownAddress(channel: string, userId: Parameters<typeof contacts.of>[0][number]) {
    return (await contacts.of([userId])).find((contact) => contact.channel === channel)?.address;
  }
}

/** The names a test can be sent to: those of the settings, and whoever subscribed as an endpoint. */
export function endpointsOf(
  channel: string,
  { house }: Pick<TellingServices, 'house'>,
  stored: readonly Subscription[],
): readonly string[] {
  const subscribed = [...house.subscriptions, ...stored].flatMap(({ subscriber }) =>
    subscriber.kind === 'endpoint' && subscriber.channel === channel ? [subscriber.recipient] : [],
  );
  return [...new Set([...(house.endpoints.get(channel) ?? []), ...subscribed])].sort();
}

function shownChannel(
  { channel, type }: Notifier,
  known: {
    readonly version: PolicyVersion | undefined;
    readonly health: ChannelHealth | undefined;
    readonly traffic: ChannelTraffic | undefined;
    readonly endpoints: readonly string[];
  },
): Channel {
  const { contact, showsPictures } = CHANNEL_TRAITS[type];
  return {
    name: channel,
    type,
    policy: known.version === undefined ? installed(defaultPolicy(type)) : shownVersion(known.version),
    health: shownHealth(known.health, known.traffic),
    endpoints: [...known.endpoints],
    showsPictures,
    reachesPeople: contact !== undefined && contact.isIdentityOnly !== true,
  };
}

/** What this process saw is newer; what was before it started, the deliveries tell. */
function shownHealth(health: ChannelHealth | undefined, traffic: ChannelTraffic | undefined): Channel['health'] {
  const failedInARow = health?.failedInARow ?? 0;
  const delivered = latest(health?.lastDeliveredAtMs, traffic?.lastDeliveredAtMs);
  const failed = latest(health?.lastFailedAtMs, traffic?.lastFailedAtMs);
  const reason = failed === traffic?.lastFailedAtMs ? traffic?.lastFailure : health?.lastFailure;
  const isUnused = delivered === undefined && failed === undefined;
  return {
    state: failedInARow >= FAILING_FROM ? 'failing' : isUnused ? 'unused' : 'up',
    failedInARow,
    waiting: traffic?.waiting ?? 0,
    ...(traffic?.oldestWaitingAtMs === undefined ? {} : { oldestWaitingAt: rfc3339(traffic.oldestWaitingAtMs) }),
    ...(delivered === undefined ? {} : { lastDeliveredAt: rfc3339(delivered) }),
    ...(failed === undefined ? {} : { lastFailedAt: rfc3339(failed) }),
    ...(reason === undefined ? {} : { lastFailure: reason }),
  };
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

const installed = (policy: ChannelPolicy): ShownPolicy => ({ ...policy, version: 0 });

function shownVersion({ version, policy, by, reason, atMs }: PolicyVersion): ShownPolicy {
  return { ...policy, version, setBy: by, setAt: rfc3339(atMs), reason };
}

/** An invented alarm of an invented patient. */
function sampleOf(level: (typeof MESSAGE_LEVELS)[number]) {
  const cause = { vital: 'heartRate', value: 167, comparison: 'above', limit: 160, text: 'HR 167 > 160' } as const;
  const { subject, text } = wordsOf(
    {
      event: 'raised',
      alarm: {
        id: 'example' as AlarmId,
        priority: 'high',
        kind: 'physiological',
        rule: 'heartRate.above.high',
        cause,
        worst: cause,
        condition: 'present',
        raisedAtMs: Date.UTC(2026, 10, 22, 3, 4, 5),
      },
      bed: 'W3-01',
      patientName: 'Erika Mustermann',
    },
    level,
  );
  return { level, subject, text };
}
