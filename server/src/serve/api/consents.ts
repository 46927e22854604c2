import {
  AmendConsent,
  Consent,
  ConsentDecision,
  ConsentList,
  ConsentParty,
  ConsentPurpose,
  ConsentRecords,
  ConsentVersions,
  GiveConsent,
  RevokeConsent,
} from '@healthsync/contracts/consent';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ConsentDesk } from '../../access/consent-desk.ts';
import type { TreatmentConsent } from '../../access/held-consents.ts';
import type * as Kept from '../../domain/consent.ts';
import { parsePatientId } from '../../domain/ids.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { noteAudit } from '../audited.ts';
import { isOpenTo } from '../caller.ts';
import { consentShown, newestOf } from '../consent-shape.ts';
import { type FieldError, invalid, notFound, sendProblem } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { notFromThis, sendVersioned, versionFrom } from '../version-match.ts';
import { seesPatient, visiblePatient } from '../ward-scope.ts';
import { IdPath, parseInstant } from './parameters.ts';

export interface ConsentServices {
  readonly consents: ConsentDesk;
  readonly treatment: TreatmentConsent;
  readonly view: () => RegistryView;
  readonly now: () => number;
}

const DecisionQuery = Type.Object(
  {
    purpose: ConsentPurpose,
    party: Type.Optional(ConsentParty),
    at: Type.Optional(Type.String({ maxLength: 40, description: 'RFC 3339 with zone; default: now.' })),
  },
  { additionalProperties: false },
);

const RecordsQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
    cursor: Type.Optional(Type.String({ maxLength: 100 })),
  },
  { additionalProperties: false },
);

/** `<recorded at>.<id>` of the last that was shown. */
function parseCursor(text: string): { readonly recordedAtMs: number; readonly id: string } | undefined {
  const [, ms, id] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(text) ?? [];
  return ms === undefined || id === undefined ? undefined : { recordedAtMs: Number(ms), id };
}

/** What patients consent to: seen, recorded, changed and revoked. */
export function registerConsents(app: FastifyInstance, services: ConsentServices): void {
  const api = app as unknown as Api;
  const { consents, treatment, view, now } = services;
  const tags = ['consent'];
  const read = { action: 'consent.read' as const };
  const write = { action: 'consent.write' as const };

  api.get(
    '/api/patients/:id/consents',
    {
      config: read,
      schema: { summary: 'What a patient has consented to', tags, params: IdPath, response: { 200: ConsentList } },
    },
    async (request, reply) => {
      const place = placeOf(request, request.params.id);
      if (place === undefined) return notFound(reply, 'patient');
      const found = newestOf(await consents.ofPatient(place.id));
      return reply.send({ consents: found.map((consent) => consentShown(consent, now())), treatment });
    },
  );

  api.post(
    '/api/patients/:id/consents',
    {
      config: write,
      schema: {
        summary: 'Record that a patient consents to something, or refuses it',
        tags,
        params: IdPath,
        body: GiveConsent,
        response: { 201: Consent },
      },
    },
    async (request, reply) => {
      const place = placeOf(request, request.params.id);
      if (place === undefined) return notFound(reply, 'patient');
      const { purpose, party, decision = 'permit', from, until, givenAt, source, witness } = request.body;
      const times = timesOf({ from, until, givenAt });
      if (times.kind === 'invalid') return invalid(reply, times.errors);
      const { fromMs = now(), untilMs, givenAtMs = now() } = times;
      const principal = principalOf(request);
      const outcome = await consents.give({
        tenantId: principal.tenantId,
        patientId: place.id,
        purpose,
        decision,
        ...(party !== undefined && { party }),
        fromMs,
        ...(untilMs !== undefined && { untilMs }),
        givenAtMs,
        ...(source !== undefined && { source }),
        ...(witness !== undefined && { witness }),
        recordedBy: signatureOf(principal),
      });
      switch (outcome.kind) {
        case 'recorded':
          noteRecorded(request, outcome.consent);
          return sendVersioned(reply.code(201), 1, consentShown(outcome.consent, now()));
        case 'invalid':
          return invalid(reply, outcome.problems.map(toFieldError));
        case 'too-many':
          return sendProblem(reply, { status: 409, code: 'too-many', detail: 'This patient has very many already.' });
        default:
          return outcome satisfies never;
      }
    },
  );

  api.get(
    '/api/patients/:id/consent-decision',
    {
      config: read,
      schema: {
        summary: 'What a patient’s consent says of a purpose at a moment, and which version says so',
        tags,
        params: IdPath,
        querystring: DecisionQuery,
        response: { 200: ConsentDecision },
      },
    },
    async (request, reply) => {
      const place = placeOf(request, request.params.id);
      if (place === undefined) return notFound(reply, 'patient');
      const { purpose, party, at } = request.query;
      const atMs = at === undefined ? now() : parseInstant(at);
      if (atMs === undefined) return invalid(reply, [notATime('at')]);
      const decided = await consents.decisionAt(place.id, { purpose, ...(party !== undefined && { party }), atMs });
      const isNeeded = purpose !== 'treatment' || treatment === 'needed';
      return reply.send({
        purpose,
        ...(party !== undefined && { party }),
        at: rfc3339(atMs),
        decision: isNeeded ? decided.kind : 'not-needed',
        isOpen: !isNeeded || decided.kind === 'given',
        ...('by' in decided && { consentId: decided.by.id, version: decided.by.version }),
      });
    },
  );

  api.get(
    '/api/consents',
    {
      config: read,
      schema: {
        summary: 'Consents of everybody one may see, recorded last first',
        tags,
        querystring: RecordsQuery,
        response: { 200: ConsentRecords },
      },
    },
    async (request, reply) => {
      const { limit = 50, cursor } = request.query;
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      if (cursor !== undefined && after === undefined)
        return invalid(reply, [{ code: 'invalid-value', field: 'cursor', detail: 'is none of ours' }]);
      const principal = principalOf(request);
      const { tenantId } = principal;
      const found = await consents.recent({ tenantId, limit, ...(after !== undefined && { after }) });
      const last = found.length === limit ? found.at(-1) : undefined;
      return reply.send({
        consents: found
          .filter(({ patientId }) => isOpenTo(principal, patientId))
          .map((consent) => consentShown(consent, now())),
        ...(last !== undefined && { next: `${last.recordedAtMs}.${last.id}` }),
      });
    },
  );

  api.get(
    '/api/consents/:id/versions',
    {
      config: read,
      schema: {
        summary: 'Every version of a consent, newest first',
        tags,
        params: IdPath,
        response: { 200: ConsentVersions },
      },
    },
    async (request, reply) => {
      const versions = await consents.versions(request.params.id);
      if (!isTheirs(request, versions[0])) return notFound(reply, 'consent');
      return reply.send({ versions: versions.map((consent) => consentShown(consent, now())) });
    },
  );

  api.put(
    '/api/consents/:id',
    {
      config: write,
      schema: {
        summary: 'Other times for a consent, as a new version',
        tags,
        params: IdPath,
        body: AmendConsent,
        response: { 200: Consent },
      },
    },
    async (request, reply) => {
      const newest = await consents.newest(request.params.id);
      if (newest === undefined || !isTheirs(request, newest)) return notFound(reply, 'consent');
      const { from, until, version } = request.body;
      const times = timesOf({ from, until: until ?? undefined });
      if (times.kind === 'invalid') return invalid(reply, times.errors);
      const made = versionFrom(request, version);
      const outcome = await consents.amend({
        id: newest.id,
        from: made,
        change: {
          ...(times.fromMs !== undefined && { fromMs: times.fromMs }),
          ...(until === null ? { untilMs: null } : times.untilMs !== undefined && { untilMs: times.untilMs }),
        },
        by: signatureOf(principalOf(request)),
      });
      return sendRecorded(request, reply, outcome, made);
    },
  );

  api.post(
    '/api/consents/:id/revoke',
    {
      config: write,
      schema: {
        summary: 'Revoke a consent: it holds at once',
        tags,
        params: IdPath,
        body: Type.Union([RevokeConsent, Type.Null()]),
        response: { 200: Consent },
      },
    },
    async (request, reply) => {
      const newest = await consents.newest(request.params.id);
      if (newest === undefined || !isTheirs(request, newest)) return notFound(reply, 'consent');
      const { version, source, witness } = request.body ?? {};
      const made = versionFrom(request, version);
      const outcome = await consents.revoke({
        id: newest.id,
        by: signatureOf(principalOf(request)),
        ...(made !== undefined && { from: made }),
        ...(source !== undefined && { source }),
        ...(witness !== undefined && { witness }),
      });
      return sendRecorded(request, reply, outcome, made);
    },
  );

  function sendRecorded(
    request: FastifyRequest,
    reply: FastifyReply,
    outcome: Awaited<ReturnType<ConsentDesk['amend']>>,
    made: number | undefined,
  ): FastifyReply {
    switch (outcome.kind) {
      case 'recorded':
        noteRecorded(request, outcome.consent);
        return sendVersioned(reply, outcome.consent.version, consentShown(outcome.consent, now()));
      case 'invalid':
        return invalid(reply, outcome.problems.map(toFieldError));
      case 'revoked':
        return alreadyRevoked(reply, outcome.consent);
      case 'changed-meanwhile':
        return notFromThis(reply, made, {
          version: outcome.consent.version,
          by: outcome.consent.recordedBy,
          atMs: outcome.consent.recordedAtMs,
        });
      case 'not-found':
        return notFound(reply, 'consent');
      default:
        return outcome satisfies never;
    }
  }

  function placeOf(request: FastifyRequest, id: string) {
    const patientId = parsePatientId(id);
    return patientId && visiblePatient(principalOf(request), view(), patientId);
  }

  /** A consent of somebody who is no longer here is still to be seen by whoever sees everybody. */
  function isTheirs(request: FastifyRequest, consent: Kept.Consent | undefined): boolean {
    return consent !== undefined && seesPatient(principalOf(request), consent.patientId, undefined);
  }
}

/** For the audit: which version of what this was. */
export function noteRecorded(
  request: FastifyRequest,
  { id, version, patientId, purpose, decision, state }: Kept.Consent,
) {
  noteAudit(request, { patientId, resourceId: id, detail: { version, consentTo: purpose, decision, state } });
}

function timesOf(texts: {
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly givenAt?: string | undefined;
}) {
  const errors: FieldError[] = [];
  const read = (field: 'from' | 'until' | 'givenAt'): number | undefined => {
    const text = texts[field];
    const ms = text === undefined ? undefined : parseInstant(text);
    if (text !== undefined && ms === undefined) errors.push(notATime(field));
    return ms;
  };
  const [fromMs, untilMs, givenAtMs] = [read('from'), read('until'), read('givenAt')];
  if (errors.length > 0) return { kind: 'invalid', errors } as const;
  return { kind: 'times', fromMs, untilMs, givenAtMs } as const;
}

const notATime = (field: string): FieldError => ({
  code: 'invalid-time',
  field,
  detail: 'must be RFC 3339 with a zone, or ms',
});

const toFieldError = ({ field, detail }: { readonly field: string; readonly detail: string }): FieldError => ({
  code: 'invalid-value',
  field,
  detail,
});

function alreadyRevoked(reply: FastifyReply, { recordedBy, recordedAtMs }: Kept.Consent): FastifyReply {
  return sendProblem(reply, {
    status: 409,
    code: 'already-revoked',
    detail: `${recordedBy} has revoked it at ${rfc3339(recordedAtMs)}. Record a new one.`,
  });
}
