import {
  ChangeEventSubscription,
  EventSubscription,
  EventSubscriptionList,
  EventSubscriptionSecret,
  NewEventSubscription,
  ReplayEvents,
} from '@healthsync/contracts/event';
import type { FastifyInstance } from 'fastify';
import type { AlarmEvents, EventSubscriptionRecord, EventSubscriptions } from '../../ports/alarm-events.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { mayGrant, mayRoute } from '../event-grant.ts';
import { type FieldError, invalid, notFound, sendProblem } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { IdPath, parseInstant } from './parameters.ts';

export interface EventSubscriptionServices {
  readonly events: Pick<AlarmEvents, 'head' | 'positionBefore'>;
  readonly subscriptions: Omit<EventSubscriptions, 'take' | 'record'>;
  /** Why the address may not be called; undefined: it may. */
  readonly refusalOf: (url: string) => string | undefined;
  /** Whether the settings vouch for this address as one of the house. */
  readonly isOfHouse: (url: string) => boolean;
  /** `whsec_…`, unguessable. */
  readonly newSecret: () => string;
  /** Something may be due now. */
  readonly wake: () => void;
  readonly now: () => number;
}

/** So that a mistaken script does not fill the table; a house has a handful. */
const SUBSCRIPTIONS_MAX = 200;

export function registerEventSubscriptions(app: FastifyInstance, services: EventSubscriptionServices): void {
  const api = app as unknown as Api;
  const { events, subscriptions, refusalOf, isOfHouse, newSecret, wake, now } = services;
  const read = { config: { action: 'operations.read' as const } };
  const write = { config: { action: 'channel.write' as const } };
  const shown = async (record: EventSubscriptionRecord) => toShown(record, await events.head());

  api.get(
    '/api/event-subscriptions',
    { ...read, schema: { summary: 'Who is sent events', tags: ['events'], response: { 200: EventSubscriptionList } } },
    async (_request, reply) => {
      const [all, head] = await Promise.all([subscriptions.list(), events.head()]);
      return reply.send({ subscriptions: all.map((each) => toShown(each, head)) });
    },
  );

  api.post(
    '/api/event-subscriptions',
    {
      ...write,
      schema: {
        summary: 'Send events to an address; the secret is told once',
        tags: ['events'],
        body: NewEventSubscription,
        response: { 201: EventSubscriptionSecret },
      },
    },
    async (request, reply) => {
      const { name, url, detail = 'place', party, routes, from = 'now' } = request.body;
      const principal = principalOf(request);
      const head = await events.head();
      const errors = [...errorsOf(url), ...(from !== 'now' && from > head ? [beyond('from', head)] : [])];
      if (errors.length > 0) return invalid(reply, errors);
      if (!mayGrant(principal, detail)) return denied(reply);
      const outside = unconsented({ url, detail, party }, 'party');
      if (outside.length > 0) return invalid(reply, outside);
      if (!mayRoute(principal, routes)) return otherWards(reply);
      if ((await subscriptions.list()).length >= SUBSCRIPTIONS_MAX)
        return sendProblem(reply, { status: 409, code: 'too-many', detail: `At most ${SUBSCRIPTIONS_MAX}.` });
      const secret = newSecret();
      const position = from === 'now' ? head : from;
      const by = signatureOf(principal);
      const added = await subscriptions.add({
        name,
        url,
        secret,
        detail,
        ...(party !== undefined && { party }),
        routes,
        position,
        by,
        grantedBy: principal.userId,
        atMs: now(),
      });
      wake();
      return reply.code(201).send({ subscription: await shown(added), secret });
    },
  );

  api.patch(
    '/api/event-subscriptions/:id',
    {
      ...write,
      schema: {
        summary: 'Change, pause or go on with a subscription; a refusal is lifted',
        tags: ['events'],
        params: IdPath,
        body: ChangeEventSubscription,
        response: { 200: EventSubscription },
      },
    },
    async (request, reply) => {
      const { url, detail } = request.body;
      const errors = url === undefined ? [] : errorsOf(url);
      if (errors.length > 0) return invalid(reply, errors);
      const before = await found(request.params.id);
      if (before === undefined) return notFound(reply, 'subscription');
      // A new address for old detail is a new grant, too.
      const principal = principalOf(request);
      if (!mayGrant(principal, detail ?? before.detail)) return denied(reply);
      const next = { url: url ?? before.url, detail: detail ?? before.detail, party: before.party };
      const outside = unconsented(next, url === undefined ? 'detail' : 'url');
      // What was set up so before is sent the place alone, and can still be paused and called otherwise.
      if (outside.length > 0 && (url !== undefined || detail !== undefined)) return invalid(reply, outside);
      for (const routes of [before.routes, request.body.routes ?? before.routes])
        if (!mayRoute(principal, routes)) return otherWards(reply);
      const changed = await subscriptions.change(before.id, { ...request.body, grantedBy: principal.userId });
      if (changed === undefined) return notFound(reply, 'subscription');
      wake();
      return reply.send(await shown(changed));
    },
  );

  api.post(
    '/api/event-subscriptions/:id/replay',
    {
      ...write,
      schema: {
        summary: 'Send again from a position or a time on',
        tags: ['events'],
        params: IdPath,
        body: ReplayEvents,
        response: { 200: EventSubscription },
      },
    },
    async (request, reply) => {
      const head = await events.head();
      const position = await positionOf(request.body);
      if (position === undefined)
        return invalid(reply, [{ code: 'invalid-time', field: 'from', detail: 'must be RFC 3339 with a zone' }]);
      if (position > head) return invalid(reply, [beyond('after', head)]);
      const before = await found(request.params.id);
      if (before !== undefined && !mayRoute(principalOf(request), before.routes)) return otherWards(reply);
      const changed = await subscriptions.change(request.params.id, { position });
      if (changed === undefined) return notFound(reply, 'subscription');
      wake();
      return reply.send(toShown(changed, head));
    },
  );

  api.post(
    '/api/event-subscriptions/:id/secret',
    {
      ...write,
      schema: {
        summary: 'A new secret; the former one signs along until the next',
        tags: ['events'],
        params: IdPath,
        response: { 200: EventSubscriptionSecret },
      },
    },
    async (request, reply) => {
      const before = await found(request.params.id);
      if (before !== undefined && !mayRoute(principalOf(request), before.routes)) return otherWards(reply);
      const secret = newSecret();
      const former = before?.secret.split(' ')[0] ?? '';
      const changed = before && (await subscriptions.change(before.id, { secret: `${secret} ${former}` }));
      if (changed === undefined) return notFound(reply, 'subscription');
      return reply.send({ subscription: await shown(changed), secret });
    },
  );

  api.delete(
    '/api/event-subscriptions/:id',
    { ...write, schema: { summary: 'End a subscription', tags: ['events'], params: IdPath } },
    async (request, reply) => {
      const before = await found(request.params.id);
      if (before !== undefined && !mayRoute(principalOf(request), before.routes)) return otherWards(reply);
      const isEnded = before !== undefined && (await subscriptions.remove(before.id));
      return isEnded ? reply.code(204).send() : notFound(reply, 'subscription');
    },
  );

  async function found(id: string): Promise<EventSubscriptionRecord | undefined> {
    return (await subscriptions.list()).find((each) => each.id === id);
  }

  function errorsOf(url: string): readonly FieldError[] {
    const refused = refusalOf(url);
    return refused === undefined ? [] : [{ code: refused, field: 'url', detail: 'this address may not be called' }];
  }

  /** What leaves the house with a patient in it goes to a party with whom patients consent to share, by name. */
  function unconsented(
    { url, detail, party }: Pick<EventSubscriptionRecord, 'url' | 'detail'> & { readonly party: string | undefined },
    field: string,
  ): readonly FieldError[] {
    if (detail === 'place' || party !== undefined || isOfHouse(url)) return [];
    const said = 'outside the house more than the place is sent to a `party` alone, of patients who share with it';
    return [
      { code: 'party-needed', field, detail: `${said}; hosts of the house are named in HEALTHSYNC_OUTGOING_HOSTS` },
    ];
  }

  async function positionOf(asked: ReplayEvents): Promise<number | undefined> {
    if ('after' in asked) return asked.after;
    const atMs = parseInstant(asked.from);
    return atMs === undefined ? undefined : await events.positionBefore(atMs);
  }
}

function beyond(field: string, head: number): FieldError {
  return { code: 'invalid-value', field, detail: `at most ${head}, the newest event` };
}

function denied(reply: Parameters<typeof sendProblem>[0]) {
  return sendProblem(reply, {
    status: 403,
    code: 'role-needed',
    detail: 'More than the place of an alarm is granted by those who may read patients’ alarms of all wards.',
  });
}

function otherWards(reply: Parameters<typeof sendProblem>[0]) {
  return sendProblem(reply, {
    status: 403,
    code: 'other-ward',
    detail: 'Every route must name wards, and only yours: otherwise it sends events of all of them.',
  });
}

function toShown(record: EventSubscriptionRecord, head: number): EventSubscription {
  const { id, name, url, detail, party, routes, position, createdBy, lastFailure } = record;
  const { lastDeliveredAtMs, failingSinceMs } = record;
  return {
    id,
    name,
    host: new URL(url).host,
    detail,
    ...(party === undefined ? {} : { party }),
    routes: routes as EventSubscription['routes'],
    position,
    behind: Math.max(0, head - position),
    state: stateOf(record),
    ...(lastDeliveredAtMs === undefined ? {} : { lastDeliveredAt: rfc3339(lastDeliveredAtMs) }),
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(failingSinceMs === undefined ? {} : { failingSince: rfc3339(failingSinceMs) }),
    createdBy,
    createdAt: rfc3339(record.createdAtMs),
  };
}

function stateOf({ isPaused, isRefused, failures }: EventSubscriptionRecord): EventSubscription['state'] {
  if (isRefused) return 'refused';
  if (isPaused) return 'paused';
  return failures > 0 ? 'failing' : 'active';
}
