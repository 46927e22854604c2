import { OnCallNow, StaffList } from '@healthsync/contracts/rota';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { WardId } from '../../domain/ids.ts';
import { onCallAt } from '../../domain/rota.ts';
import { rfc3339 } from '../alert-shape.ts';
import { invalid } from '../problem.ts';
import { toOnCall } from '../rota-shape.ts';
import type { Api } from '../validation.ts';
import type { EscalationServices } from './escalation-services.ts';
import { DAY_MS, Id, Instant, parseInstant } from './parameters.ts';
import { namesIn, rotaReader } from './rota-reading.ts';

/** Far enough to say until when somebody is on call. */
const AHEAD_MS = 28 * DAY_MS;

/** Who is on call, and who could be. */
export function registerOnCall(app: FastifyInstance, services: EscalationServices): void {
  const api = app as unknown as Api;
  const { directory, now } = services;
  const { inForce } = rotaReader(services);
  const read = { action: 'rota.read' } as const;
  const tags = ['rotas'];

  api.get(
    '/api/on-call',
    {
      config: read,
      schema: {
        summary: 'Who is on call, now or at a moment',
        tags,
        querystring: Type.Object(
          { ward: Type.Optional(Id), at: Type.Optional(Instant) },
          { additionalProperties: false },
        ),
        response: { 200: OnCallNow },
      },
    },
    async (request, reply) => {
      const { ward, at } = request.query;
      const atMs = at === undefined ? now() : parseInstant(at);
      if (atMs === undefined)
        return invalid(reply, [{ code: 'invalid-time', field: 'at', detail: 'must be RFC 3339 with a zone, or ms' }]);
      const all = await inForce({ fromMs: atMs, toMs: atMs + AHEAD_MS });
      const nameOf = namesIn(await directory.worldOf({}));
      const concerns = ({ wardIds }: { readonly wardIds: readonly WardId[] }) =>
        ward === undefined || wardIds.length === 0 || wardIds.includes(ward as WardId);
      return reply.send({
        at: rfc3339(atMs),
        rotas: all
          .filter(({ rota }) => concerns(rota))
          .map(({ rota, overrides }) => ({
            id: rota.id,
            name: rota.name,
            wardIds: [...rota.wardIds],
            onCall: onCallAt(rota, overrides, atMs).map((each) => toOnCall(each, nameOf)),
          })),
      });
    },
  );

  api.get(
    '/api/staff',
    {
      config: read,
      schema: {
        summary: 'Whom rotas and care teams may name',
        tags,
        querystring: Type.Object({ ward: Type.Optional(Id) }, { additionalProperties: false }),
        response: { 200: StaffList },
      },
    },
    async (request, reply) => {
      const { ward } = request.query;
      const world = await directory.worldOf({});
      const staff = [...world.people.values()]
        .filter(({ mayAnswer, wardIds }) => {
          const isOfWard = ward === undefined || wardIds.length === 0 || wardIds.includes(ward as WardId);
          return mayAnswer && isOfWard;
        })
        .map(({ userId, displayName, roles, wardIds }) => ({
          userId,
          name: displayName,
          roles: [...roles],
          wardIds: [...wardIds],
          reachable: (world.contacts.get(userId)?.length ?? 0) > 0,
        }))
        .sort((a, b) => a.name.localeCompare(b.name));
      return reply.send({ staff });
    },
  );
}
