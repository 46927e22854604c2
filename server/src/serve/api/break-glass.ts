import { EmergencyAccess, EmergencyAccessList, PostBreakGlass, ReviewBreakGlass } from '@healthsync/contracts/access';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { parsePatientId, type WardId } from '../../domain/ids.ts';
import { wardNameIn } from '../../identity/registry-view.ts';
import type * as Kept from '../../ports/emergency-accesses.ts';
import { principalOf } from '../access-gate.ts';
import { refusalOf } from '../access-refusal.ts';
import { rfc3339 } from '../alert-shape.ts';
import { noteAudit } from '../audited.ts';
import { decisionOn, may } from '../caller.ts';
import { patientsInBed } from '../patients-in-bed.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import type { AccessServices } from './access-services.ts';
import { Id, IdPath } from './parameters.ts';

const LIST_DEFAULT = 50;
const LIST_MAX = 200;

const ListQuery = Type.Object(
  {
    state: Type.Optional(Type.Enum(['open', 'reviewed'], { description: '`open` (default): waits for its review.' })),
    cursor: Type.Optional(Type.String({ maxLength: 200, description: '`next` of the page before.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_MAX })),
  },
  { additionalProperties: false },
);

/** Opening a record in an emergency, ending it, and the queue of its review. */
export function registerBreakGlass(app: FastifyInstance, services: AccessServices): void {
  const api = app as unknown as Api;
  const { emergencies, view, now } = services;
  const tags = ['access'];

  api.post(
    '/api/break-glass',
    {
      config: { action: 'break-glass.use' },
      schema: {
        summary: 'Open a patient’s record in an emergency: with a reason, for a short time, reviewed after',
        tags,
        body: PostBreakGlass,
        response: { 201: EmergencyAccess },
      },
    },
    async (request, reply) => {
      const { patientId: text, bed, ward, reason, minutes } = request.body;
      if ((text === undefined) === (bed === undefined))
        return invalid(reply, [{ code: 'invalid-value', field: 'patientId', detail: 'either this, or `bed`' }]);
      if (ward !== undefined && bed === undefined)
        return invalid(reply, [{ code: 'invalid-value', field: 'ward', detail: 'belongs to `bed`' }]);
      if (reason.trim().length < 10)
        return invalid(reply, [{ code: 'invalid-value', field: 'reason', detail: 'at least 10 characters' }]);
      const inBed = bed === undefined ? [] : patientsInBed(view().snapshot.patients, { bed, ward }, nameOf);
      if (inBed.length > 1)
        return sendProblem(reply, { status: 409, code: 'ambiguous-bed', detail: sayWhichWard(inBed) });
      const patientId = text === undefined ? inBed[0]?.id : parsePatientId(text);
      if (patientId === undefined) return notFound(reply, 'patient');
      noteAudit(request, { patientId });
      const principal = principalOf(request);
      const outcome = await emergencies.open({
        principal,
        signed: signatureOf(principal),
        patientId,
        reason: reason.trim(),
        ...(minutes !== undefined && { forMs: minutes * 60_000 }),
      });
      switch (outcome.kind) {
        case 'opened':
          noteAudit(request, { resourceId: outcome.access.id, detail: { until: rfc3339(outcome.access.endsAtMs) } });
          return reply.code(201).send(shown(outcome.access));
        case 'not-found':
          return notFound(reply, 'patient');
        case 'not-needed':
          return sendProblem(reply, {
            status: 409,
            code: 'not-needed',
            detail: 'This opens nothing: what you may do with this patient is open to you already.',
          });
        case 'refused':
          return sendProblem(reply, refusalOf(outcome.decision));
        case 'too-many':
          return sendProblem(reply, {
            status: 409,
            code: 'too-many-emergencies',
            detail: 'You have opened many records at once. End those you no longer need.',
          });
        default:
          return outcome satisfies never;
      }
    },
  );

  api.get(
    '/api/me/break-glass',
    {
      config: { signedIn: true },
      schema: {
        summary: 'What I have opened in an emergency, and is open still',
        tags,
        response: { 200: EmergencyAccessList },
      },
    },
    async (request, reply) => reply.send({ accesses: emergencies.runningOf(principalOf(request).userId).map(shown) }),
  );

  api.post(
    '/api/break-glass/:id/end',
    {
      config: { signedIn: true },
      schema: {
        summary: 'End it before its time: one’s own, or as who reviews it',
        tags,
        params: IdPath,
        response: { 200: EmergencyAccess },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const found = await emergencies.find(request.params.id);
      const isTheirs = found?.userId === principal.userId || may(principal, 'break-glass.review');
      if (found === undefined || !isTheirs) return notFound(reply, 'emergency access');
      noteAudit(request, { patientId: found.patientId });
      const wasRunning = await emergencies.end({ id: found.id, by: signatureOf(principal) });
      if (!wasRunning) return sendProblem(reply, { status: 409, code: 'already-ended', detail: 'It is over.' });
      return reply.send(shown((await emergencies.find(found.id)) ?? found));
    },
  );

  api.get(
    '/api/break-glass',
    {
      config: { action: 'break-glass.review' },
      schema: {
        summary: 'Emergency access: what waits for its review, oldest first, or what was reviewed, newest first',
        tags,
        querystring: ListQuery,
        response: { 200: EmergencyAccessList },
      },
    },
    async (request, reply) => {
      const { state = 'open', cursor, limit = LIST_DEFAULT } = request.query;
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      if (cursor !== undefined && after === undefined)
        return invalid(reply, [
          { code: 'invalid-cursor', field: 'cursor', detail: 'must be `next` of the page before' },
        ]);
      const found = await emergencies.list({
        isReviewed: state === 'reviewed',
        limit: limit + 1,
        ...(after && { after }),
      });
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return reply.send({
        accesses: page.map(shown),
        ...(found.length > limit && last !== undefined && { next: cursorAfter(last) }),
      });
    },
  );

  api.post(
    '/api/break-glass/:id/review',
    {
      config: { action: 'break-glass.review' },
      schema: {
        summary: 'Say whether it was justified; once, and by somebody else',
        tags,
        params: IdPath,
        body: ReviewBreakGlass,
        response: { 200: EmergencyAccess },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const found = await emergencies.find(request.params.id);
      if (found === undefined) return notFound(reply, 'emergency access');
      noteAudit(request, { patientId: found.patientId, detail: { justified: request.body.justified } });
      const decision = decisionOn(principal, {
        kind: 'emergency-access',
        id: found.id,
        by: found.userId,
        tenantId: found.tenantId,
      });
      if (!decision.allowed) return refuseReview(reply, decision);
      const outcome = await emergencies.review({
        id: found.id,
        justified: request.body.justified,
        comment: request.body.comment.trim(),
        byId: principal.userId,
        by: signatureOf(principal),
      });
      switch (outcome.kind) {
        case 'reviewed':
          return reply.send(shown(outcome.access));
        case 'already-reviewed':
          return sendProblem(reply, {
            status: 409,
            code: 'already-reviewed',
            detail: `${outcome.access.review?.by ?? 'Somebody'} has reviewed it.`,
          });
        case 'own':
          return refuseReview(reply, { allowed: false, policies: ['own-emergency'] });
        case 'not-found':
          return notFound(reply, 'emergency access');
        default:
          return outcome satisfies never;
      }
    },
  );

  function sayWhichWard(places: ReturnType<typeof patientsInBed>): string {
    const wards = [...new Set(places.map(({ wardId }) => nameOf(wardId) ?? 'none'))].sort();
    return `More than one patient lies in a bed of this name. Say which ward: ${wards.join(', ')}.`;
  }

  function nameOf(wardId: WardId | undefined): string | undefined {
    return wardNameIn(view(), wardId) ?? wardId;
  }

  function shown(access: Kept.EmergencyAccess): EmergencyAccess {
    const { id, userId, signed, patientId, wardId, reason, proof, beganAtMs, endsAtMs, endedAtMs, review } = access;
    const isOver = endedAtMs !== undefined || now() >= endsAtMs;
    return {
      id,
      userId,
      by: signed,
      patientId,
      ...(wardId !== undefined && { wardId }),
      reason,
      proof,
      beganAt: rfc3339(beganAtMs),
      until: rfc3339(endsAtMs),
      ...(endedAtMs !== undefined && { endedAt: rfc3339(endedAtMs) }),
      state: review !== undefined ? 'reviewed' : isOver ? 'ended' : 'active',
      ...(review !== undefined && {
        review: { justified: review.justified, comment: review.comment, by: review.by, at: rfc3339(review.atMs) },
      }),
    };
  }
}

function refuseReview(reply: FastifyReply, decision: Parameters<typeof refusalOf>[0]): FastifyReply {
  if (!decision.policies.includes('own-emergency')) return sendProblem(reply, refusalOf(decision));
  return sendProblem(reply, {
    status: 403,
    code: 'own-emergency',
    detail: 'Somebody else has to review what you opened.',
  });
}

const Cursor = Type.Tuple([Type.Integer({ minimum: 0, maximum: 8.64e15 }), Id]);

const cursorAfter = ({ beganAtMs, id }: Kept.EmergencyAccess): string =>
  Buffer.from(JSON.stringify([beganAtMs, id])).toString('base64url');

function parseCursor(text: string): { readonly beganAtMs: number; readonly id: string } | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Value.Check(Cursor, value) ? { beganAtMs: value[0], id: value[1] } : undefined;
  } catch {
    return undefined;
  }
}
