import { PutRota, Rota, RotaList, RotaSchedule, RotaVersions } from '@healthsync/contracts/rota';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { parseRotaId, type RotaId, type WardId } from '../../domain/ids.ts';
import { type Rota as DomainRota, onCallAt } from '../../domain/rota.ts';
import { rotaProblems, rotaWarnings } from '../../domain/rota-check.ts';
import type { Interval } from '../../domain/zoned-time.ts';
import type { Principal } from '../../identity/sessions.ts';
import { principalOf } from '../access-gate.ts';
import { invalid, notFound } from '../problem.ts';
import { toOnCall, toRota, toWarning } from '../rota-shape.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { notFromThis, versionFrom } from '../version-match.ts';
import type { EscalationServices } from './escalation-services.ts';
import { DAY_MS, Id, IdPath, Instant, parseInstant, parsePeriod } from './parameters.ts';
import { namesIn, otherWard, peopleIn, rotaReader, writesRota } from './rota-reading.ts';

const Period = Type.Object(
  { from: Type.Optional(Instant), to: Type.Optional(Instant) },
  { additionalProperties: false },
);
/** A year to plan in; four weeks where nobody says otherwise. */
const PERIOD_MAX_MS = 366 * DAY_MS;
const AHEAD_MS = 28 * DAY_MS;

/** On-call rotas: who takes turns, who stands in, and where nobody does. */
export function registerRotas(app: FastifyInstance, services: EscalationServices): void {
  const api = app as unknown as Api;
  const { rotas, directory, view, now } = services;
  const { inForce, find, schedule, knownUsers } = rotaReader(services);
  const read = { action: 'rota.read' } as const;
  const write = { action: 'rota.write' } as const;
  const tags = ['rotas'];

  api.get(
    '/api/rotas',
    {
      config: read,
      schema: { summary: 'Rotas, who is on call, and what is wrong', tags, response: { 200: RotaList } },
    },
    async (_request, reply) => {
      const period = ahead();
      const all = await inForce(period);
      const world = await directory.worldOf({});
      return reply.send({
        rotas: all.map((one) => ({
          rota: toRota(one.rota),
          now: onCallAt(one.rota, one.overrides, now()).map((each) => toOnCall(each, namesIn(world))),
          warnings: rotaWarnings(one, peopleIn(world), period, all).map(toWarning),
        })),
      });
    },
  );

  api.get(
    '/api/rotas/:id/schedule',
    {
      config: read,
      schema: {
        summary: 'Who is on call when, and where nobody is',
        tags,
        params: IdPath,
        querystring: Period,
        response: { 200: RotaSchedule },
      },
    },
    async (request, reply) => {
      const rota = await find(request.params.id);
      if (rota === undefined) return notFound(reply, 'rota');
      const period = periodOf(request.query);
      return period.kind === 'invalid' ? invalid(reply, period.errors) : reply.send(await schedule(rota, period));
    },
  );

  api.get(
    '/api/rotas/:id/gaps',
    {
      config: read,
      schema: {
        summary: 'What will go wrong with a rota if nobody acts: gaps, double bookings, people who cannot be reached',
        tags,
        params: IdPath,
        querystring: Period,
        response: { 200: Type.Object({ warnings: RotaSchedule.properties.warnings }) },
      },
    },
    async (request, reply) => {
      const rota = await find(request.params.id);
      if (rota === undefined) return notFound(reply, 'rota');
      const period = periodOf(request.query);
      if (period.kind === 'invalid') return invalid(reply, period.errors);
      return reply.send({ warnings: (await schedule(rota, period)).warnings });
    },
  );

  api.get(
    '/api/rotas/:id/versions',
    {
      config: read,
      schema: {
        summary: 'Every version of a rota, newest first',
        tags,
        params: IdPath,
        response: { 200: RotaVersions },
      },
    },
    async (request, reply) => {
      const id = parseRotaId(request.params.id);
      const versions = id === undefined ? [] : await rotas.versions(id);
      return versions.length === 0 ? notFound(reply, 'rota') : reply.send({ versions: versions.map(toRota) });
    },
  );

  api.post(
    '/api/rotas/check',
    {
      config: write,
      schema: {
        summary: 'What a rota would lead to, without keeping it',
        tags,
        querystring: Type.Object({ id: Type.Optional(Id) }, { additionalProperties: false }),
        body: PutRota,
        response: { 200: RotaSchedule },
      },
    },
    async (request, reply) => {
      const { reason } = request.body;
      const asked = wanted((request.query.id ?? 'new') as RotaId, request.body);
      if (await refuse(reply, principalOf(request), asked)) return reply;
      const set = { retired: false, setBy: signatureOf(principalOf(request)), setAtMs: now(), reason };
      return reply.send(await schedule({ ...asked, version: request.body.version || 1, ...set }, ahead()));
    },
  );

  api.put(
    '/api/rotas/:id',
    {
      config: write,
      schema: {
        summary: 'Make a rota, or its next version',
        tags,
        params: IdPath,
        body: PutRota,
        response: { 200: RotaSchedule },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const id = parseRotaId(request.params.id) as RotaId;
      const before = await rotas.find(id);
      // Whoever may not write what it was may not write over it either.
      if (before !== undefined && !writesRota(principal, before)) return otherWard(reply);
      const asked = wanted(id, request.body);
      if (await refuse(reply, principal, asked)) return reply;
      const { version, reason } = request.body;
      const from = versionFrom(request, version);
      const outcome = await rotas.put({
        rota: asked,
        retired: false,
        by: signatureOf(principal),
        reason,
        atMs: now(),
        from: from ?? 0,
      });
      if (outcome.kind === 'changed-meanwhile') return notFromThis(reply, from, outcome);
      return reply.send(await schedule(outcome.rota, ahead()));
    },
  );

  api.delete(
    '/api/rotas/:id',
    {
      config: write,
      schema: {
        summary: 'Retire a rota: nobody is called by it any more; its versions stay',
        tags,
        params: IdPath,
        querystring: Type.Object(
          { reason: Type.String({ minLength: 3, maxLength: 500 }) },
          { additionalProperties: false },
        ),
        response: { 200: Rota },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const before = await find(request.params.id);
      if (before === undefined) return notFound(reply, 'rota');
      if (!writesRota(principal, before)) return otherWard(reply);
      const { version, retired, setBy, setAtMs, reason: _, ...rota } = before;
      const { reason } = request.query;
      const outcome = await rotas.put({
        rota,
        retired: true,
        by: signatureOf(principal),
        reason,
        atMs: now(),
        from: version,
      });
      return outcome.kind === 'changed-meanwhile'
        ? notFromThis(reply, version, outcome)
        : reply.send(toRota(outcome.rota));
    },
  );

  const ahead = (): Interval => ({ fromMs: now(), toMs: now() + AHEAD_MS });

  function periodOf(query: { readonly from?: string; readonly to?: string }) {
    const from = query.from === undefined ? undefined : parseInstant(query.from);
    const to = query.to ?? String((from ?? now()) + AHEAD_MS);
    return parsePeriod(
      { ...query, from: query.from ?? String(now()), to },
      {
        nowMs: now(),
        spanMs: AHEAD_MS,
        longestMs: PERIOD_MAX_MS,
      },
    );
  }

  function wanted(id: RotaId, { name, wardIds, zone, layers }: PutRota): Omit<DomainRota, 'version'> {
    return { id, name, wardIds: wardIds as WardId[], zone, layers: layers as unknown as DomainRota['layers'] };
  }

  async function refuse(
    reply: FastifyReply,
    principal: Principal,
    rota: Omit<DomainRota, 'version'>,
  ): Promise<boolean> {
    if (!writesRota(principal, rota)) {
      otherWard(reply);
      return true;
    }
    const wardIds = new Set<string>(view().snapshot.wards.map(({ id }) => id));
    const problems = rotaProblems(rota, { userIds: await knownUsers(), wardIds });
    if (problems.length > 0) invalid(reply, problems);
    return problems.length > 0;
  }
}
