import { Alert, AlertDetail, AlertList } from '@healthsync/contracts/alert';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Alarm } from '../../domain/alarm.ts';
import { parseAlarmId, parsePatientId, parseWardId } from '../../domain/ids.ts';
import type { Principal } from '../../identity/sessions.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339, toAlert } from '../alert-shape.ts';
import { bedLabel, wardOfAlarm } from '../live/places.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import type { Services } from '../services.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { seesWard, wardsToShow } from '../ward-scope.ts';
import { Id, IdPath, Instant, parseInstant } from './parameters.ts';

const ALERTS_DEFAULT = 200;
/** A page: about half a megabyte. */
const ALERTS_MAX = 1_000;

const Query = Type.Object(
  {
    patient: Type.Optional(Id),
    ward: Type.Optional(Id),
    state: Type.Optional(Type.Enum(['active', 'resolved'])),
    from: Type.Optional(Instant),
    to: Type.Optional(Instant),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: ALERTS_MAX })),
  },
  { additionalProperties: false },
);

/** Alarms: which there are, who was told, and taking one. */
export function registerAlerts(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { alarms, acknowledge, deliveries, view, hooks } = services;

  api.get(
    '/api/alerts',
    {
      config: { action: 'alarm.read' },
      schema: { summary: 'Alarms, newest first', tags: ['alerts'], querystring: Query, response: { 200: AlertList } },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { patient, state, limit = ALERTS_DEFAULT } = request.query;
      const ward = parseWardId(request.query.ward);
      if (ward !== undefined && !seesWard(principal, ward))
        return sendProblem(reply, { status: 403, code: 'other-ward', detail: 'A ward that is not yours.' });
      const times = (['from', 'to'] as const).map((field) => [field, request.query[field]] as const);
      const wrong = times.filter(([, text]) => text !== undefined && parseInstant(text) === undefined);
      if (wrong.length > 0)
        return invalid(
          reply,
          wrong.map(([field]) => ({ code: 'invalid-time', field, detail: 'must be RFC 3339 with a zone, or ms' })),
        );
      const patientId = parsePatientId(patient);
      const [fromMs, toMs] = times.map(([, text]) => (text === undefined ? undefined : parseInstant(text)));
      const wardIds = wardsToShow(principal, ward);
      const found = await alarms.list({
        limit,
        ...(patientId !== undefined && { patientId }),
        ...(wardIds !== undefined && { wardIds }),
        ...(state !== undefined && { open: state === 'active' }),
        ...(fromMs !== undefined && { fromMs }),
        ...(toMs !== undefined && { toMs }),
      });
      return reply.send({ alerts: found.map(shown) });
    },
  );

  api.get(
    '/api/alerts/:id',
    {
      config: { action: 'alarm.read' },
      schema: {
        summary: 'One alarm, and who was told',
        tags: ['alerts'],
        params: IdPath,
        response: { 200: AlertDetail },
      },
    },
    async (request, reply) => {
      const alarm = await visibleAlarm(principalOf(request), request.params.id);
      if (alarm === undefined) return notFound(reply, 'alarm');
      const told = await deliveries(alarm.id);
      return reply.send({
        alert: shown(alarm),
        // Not to whom: a recipient may be a private number.
        deliveries: told.map(({ channel, state, attempts, updatedAtMs }) => ({
          channel,
          state,
          attempts,
          updatedAt: rfc3339(updatedAtMs),
        })),
      });
    },
  );

  api.post(
    '/api/alerts/:id/acknowledge',
    {
      config: { action: 'alarm.acknowledge' },
      schema: {
        summary: 'Take an alarm: one owner, whoever is second is told who',
        tags: ['alerts'],
        params: IdPath,
        response: { 200: Alert },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const alarm = await visibleAlarm(principal, request.params.id);
      if (alarm === undefined) return notFound(reply, 'alarm');
      const outcome = await acknowledge({ id: alarm.id, by: signatureOf(principal) });
      switch (outcome.kind) {
        case 'acknowledged':
          hooks?.acknowledged?.(outcome.change.alarm);
          return reply.send(shown(outcome.change.alarm));
        case 'already-acknowledged':
          return sendProblem(reply, {
            status: 409,
            code: 'already-acknowledged',
            detail: `${outcome.alarm.acknowledgedBy ?? 'Somebody'} has it.`,
          });
        case 'already-resolved':
          return sendProblem(reply, { status: 409, code: 'already-resolved', detail: 'This alarm is over.' });
        case 'not-found':
          return notFound(reply, 'alarm');
        default:
          return outcome satisfies never;
      }
    },
  );

  async function visibleAlarm(principal: Principal, text: string): Promise<Alarm | undefined> {
    const id = parseAlarmId(text);
    const alarm = id && (await alarms.find(id));
    return alarm !== undefined && seesWard(principal, wardOfAlarm(view(), alarm)) ? alarm : undefined;
  }

  function shown(alarm: Alarm): Alert {
    return toAlert(alarm, (bedId) => bedLabel(view(), bedId));
  }
}
