import { AlarmEventPage, EventDetail } from '@healthsync/contracts/event';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { WardId } from '../../domain/ids.ts';
import { alarmCloudEvent } from '../../events/cloud-event.ts';
import type { AlarmEvents } from '../../ports/alarm-events.ts';
import { principalOf } from '../access-gate.ts';
import { mayGrant } from '../event-grant.ts';
import { sendProblem } from '../problem.ts';
import type { Api } from '../validation.ts';
import { seesWard } from '../ward-scope.ts';
import { type EventSubscriptionServices, registerEventSubscriptions } from './event-subscriptions.ts';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

const Query = Type.Object(
  {
    after: Type.Optional(Type.Integer({ minimum: 0, description: '`next` of the page before, or a `sequence`.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX })),
    detail: Type.Optional(EventDetail),
  },
  { additionalProperties: false },
);

/** What happened to alarms, for other systems: read from any position, or sent to subscriptions. */
export function registerEvents(
  app: FastifyInstance,
  services: EventSubscriptionServices & { readonly events: Pick<AlarmEvents, 'read'> },
): void {
  const api = app as unknown as Api;
  api.get(
    '/api/events',
    {
      config: { action: 'operations.read' },
      schema: {
        summary: 'Alarm events from a position on, oldest first',
        tags: ['events'],
        querystring: Query,
        response: { 200: AlarmEventPage },
      },
    },
    async (request, reply) => {
      const { after = 0, limit = LIMIT_DEFAULT, detail = 'place' } = request.query;
      const principal = principalOf(request);
      if (!mayGrant(principal, detail))
        return sendProblem(reply, {
          status: 403,
          code: 'role-needed',
          detail: 'More than the place of an alarm is for those who may read patients’ alarms.',
        });
      const found = await services.events.read({ after, limit: limit + 1 });
      const page = found.slice(0, limit);
      return reply.send({
        // Of other wards they are passed by, and `next` goes past them.
        events: page.flatMap(({ facts, ...event }) => {
          // Security alerts are read at their own address.
          const isShown = !('about' in facts) && seesWard(principal, facts.wardId as WardId | undefined);
          return isShown ? [alarmCloudEvent(event, facts, detail)] : [];
        }),
        next: page.at(-1)?.position ?? after,
        isEnd: found.length <= limit,
      });
    },
  );
  registerEventSubscriptions(app, services);
}
