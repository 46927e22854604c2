import { RejectedList } from '@healthsync/contracts/device';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Principal } from '../../identity/sessions.ts';
import type { RejectedReading } from '../../ports/rejected-readings.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { notFound, sendProblem } from '../problem.ts';
import type { Services } from '../services.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { seesWard } from '../ward-scope.ts';
import { Id, IdPath } from './parameters.ts';

const REJECTED_DEFAULT = 50;
/** Payloads come whole: a page of the largest is bounded by the ingest's own size bound. */
const REJECTED_MAX = 200;

const Query = Type.Object(
  {
    device: Type.Optional(Id),
    code: Type.Optional(Type.String({ pattern: '^[a-z-]{1,40}$' })),
    state: Type.Optional(Type.Enum(['open', 'replayed', 'dismissed'])),
    before: Type.Optional(Id),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: REJECTED_MAX })),
  },
  { additionalProperties: false },
);
const Replayed = Type.Object({ outcome: Type.Enum(['accepted', 'duplicate']) }, { $id: 'ReplayResult' });

/** Readings that were refused: why, and another try after whatever was wrong has been put right. */
export function registerRejectedReadings(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { rejected, replayRejected, view, now } = services;

  api.get(
    '/api/rejected-readings',
    {
      config: { action: 'rejected.read' },
      schema: {
        summary: 'Rejected readings, newest first',
        tags: ['rejected'],
        querystring: Query,
        response: { 200: RejectedList },
      },
    },
    async (request, reply) => {
      const { device, code, state, before, limit = REJECTED_DEFAULT } = request.query;
      const found = await rejected.list({
        limit,
        ...(device !== undefined && { deviceId: device }),
        ...(code !== undefined && { code }),
        ...(state !== undefined && { state }),
        ...(before !== undefined && { beforeId: before }),
      });
      const principal = principalOf(request);
      return reply.send({ rejected: found.filter((one) => isVisible(principal, one)).map(toShown) });
    },
  );

  api.post(
    '/api/rejected-readings/:id/replay',
    {
      config: { action: 'rejected.replay' },
      schema: {
        summary: 'Admit it again, as if it came from its device now',
        tags: ['rejected'],
        params: IdPath,
        response: { 200: Replayed },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const one = await visibleOne(principal, request.params.id);
      if (one === undefined) return notFound(reply, 'rejected reading');
      if (one.state !== 'open') return sendProblem(reply, { status: 409, code: `already-${one.state}` });
      const outcome = await replayRejected(one.id, signatureOf(principal));
      switch (outcome.kind) {
        case 'accepted':
        case 'duplicate':
          return reply.send({ outcome: outcome.kind });
        case 'rejected':
          return sendProblem(reply, {
            status: 409,
            code: 'still-rejected',
            detail: 'It would be rejected again.',
            errors: outcome.problems,
          });
        case 'unavailable':
          return sendProblem(reply, { status: 503, code: 'unavailable', retryAfterMs: outcome.retryAfterMs });
        case 'not-found':
          return notFound(reply, 'rejected reading');
        default:
          return outcome satisfies never;
      }
    },
  );

  api.post(
    '/api/rejected-readings/:id/dismiss',
    {
      config: { action: 'rejected.replay' },
      schema: { summary: 'Put it aside', tags: ['rejected'], params: IdPath, response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const one = await visibleOne(principal, request.params.id);
      if (one === undefined) return notFound(reply, 'rejected reading');
      if (one.state !== 'open') return sendProblem(reply, { status: 409, code: `already-${one.state}` });
      await rejected.mark(one.id, 'dismissed', now(), signatureOf(principal));
      return reply.code(204).send(null);
    },
  );

  async function visibleOne(principal: Principal, id: string): Promise<RejectedReading | undefined> {
    const one = await rejected.find(id);
    return one !== undefined && isVisible(principal, one) ? one : undefined;
  }

  /** The payload holds measurements: who may not see the ward may not see it. */
  function isVisible(principal: Principal, one: RejectedReading): boolean {
    const patientId = view().patientAt(one.deviceId, one.receivedAtMs);
    return seesWard(principal, patientId === undefined ? undefined : view().place(patientId)?.wardId);
  }
}

function toShown(one: RejectedReading): RejectedList['rejected'][number] {
  return {
    id: one.id,
    deviceId: one.deviceId,
    receivedAt: rfc3339(one.receivedAtMs),
    source: one.source,
    payload: Buffer.from(one.payload).toString('utf8'),
    errors: one.problems.map(({ code, field, detail }) => ({ code, field, detail })),
    state: one.state,
  };
}
