import { PostOverride, RotaOverride } from '@healthsync/contracts/rota';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { UserId } from '../../domain/ids.ts';
import { overrideProblems } from '../../domain/rota-check.ts';
import { principalOf } from '../access-gate.ts';
import { invalid, notFound } from '../problem.ts';
import { toOverride } from '../rota-shape.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import type { EscalationServices } from './escalation-services.ts';
import { Id, IdPath, parseInstant } from './parameters.ts';
import { otherWard, rotaReader, writesRota } from './rota-reading.ts';

const OverridePath = Type.Object({ id: Id, overrideId: Id });

/** Somebody stands in for a while, and is taken out again. */
export function registerRotaOverrides(app: FastifyInstance, services: EscalationServices): void {
  const api = app as unknown as Api;
  const { rotas, newId, now } = services;
  const { find, knownUsers } = rotaReader(services);
  const write = { action: 'rota.write' } as const;
  const tags = ['rotas'];

  api.post(
    '/api/rotas/:id/overrides',
    {
      config: write,
      schema: {
        summary: 'Give a stretch of a layer to somebody else',
        tags,
        params: IdPath,
        body: PostOverride,
        response: { 201: RotaOverride },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const rota = await find(request.params.id);
      if (rota === undefined) return notFound(reply, 'rota');
      if (!writesRota(principal, rota)) return otherWard(reply);
      const { layer, userId, reason } = request.body;
      const times = (['from', 'to'] as const).map((field) => [field, parseInstant(request.body[field])] as const);
      const wrong = times.filter(([, ms]) => ms === undefined);
      if (wrong.length > 0)
        return invalid(
          reply,
          wrong.map(([field]) => ({ code: 'invalid-time', field, detail: 'must be RFC 3339 with a zone, or ms' })),
        );
      const [fromMs, toMs] = times.map(([, ms]) => ms) as [number, number];
      const asked = { layer, userId: userId as UserId, fromMs, toMs };
      const problems = overrideProblems(rota, asked, { userIds: await knownUsers(), nowMs: now() });
      if (problems.length > 0) return invalid(reply, problems);
      // Who was on call until now is a record, and stays as it was.
      const override = { ...asked, fromMs: Math.max(fromMs, now()) };
      const made = { id: newId(), rotaId: rota.id, madeBy: signatureOf(principal), madeAtMs: now(), reason };
      await rotas.addOverride({ ...override, ...made });
      return reply.code(201).send(toOverride({ ...override, ...made }));
    },
  );

  api.delete(
    '/api/rotas/:id/overrides/:overrideId',
    {
      config: write,
      schema: { summary: 'Take an override back', tags, params: OverridePath, response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const rota = await find(request.params.id);
      if (rota === undefined) return notFound(reply, 'rota');
      if (!writesRota(principal, rota)) return otherWard(reply);
      const id = request.params.overrideId;
      const isWithdrawn = await rotas.withdrawOverride({
        rotaId: rota.id,
        id,
        by: signatureOf(principal),
        atMs: now(),
      });
      return isWithdrawn ? reply.code(204).send(null) : notFound(reply, 'override');
    },
  );
}
