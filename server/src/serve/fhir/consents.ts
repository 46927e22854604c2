import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Bundle, Consent as FhirConsent, OperationOutcome } from 'fhir/r4.js';
import { Type } from 'typebox';
import type { Consent, consentProblems } from '../../domain/consent.ts';
import { parsePatientId } from '../../domain/ids.ts';
import { principalOf } from '../access-gate.ts';
import { type ConsentServices, noteRecorded } from '../api/consents.ts';
import { Id, IdPath } from '../api/parameters.ts';
import { noteAudit } from '../audited.ts';
import { newestOf } from '../consent-shape.ts';
import { strictJsonParser } from '../json-body.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { seesPatient, visiblePatient } from '../ward-scope.ts';
import { consentUpdate, versionMatched } from './change-consent.ts';
import { fhirConsent } from './consent.ts';
import { type ElementProblem, parseConsent } from './parse-consent.ts';
import { VIP_LABELS } from './security-labels.ts';

const FHIR_JSON = 'application/fhir+json';

/** Consents as FHIR R4: read, search, and recorded, changed and revoked by what another system sends. */
export function registerFhirConsents(app: FastifyInstance, services: ConsentServices): void {
  if (!app.hasContentTypeParser(FHIR_JSON))
    app.addContentTypeParser(FHIR_JSON, { parseAs: 'string' }, strictJsonParser(app));
  const api = app as unknown as Api;
  const { consents, view, now } = services;
  const tags = ['consent'];

  api.get(
    '/fhir/Consent',
    {
      config: { action: 'consent.read', fhir: 'Consent.s' },
      schema: {
        summary: 'What a patient has consented to (FHIR R4)',
        tags,
        querystring: Type.Object(
          { patient: Type.String({ pattern: '^(Patient/)?[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$' }) },
          { additionalProperties: false },
        ),
      },
    },
    async (request, reply) => {
      const patientId = parsePatientId(request.query.patient.replace(/^Patient\//, ''));
      const place = patientId && visiblePatient(principalOf(request), view(), patientId);
      if (patientId !== undefined) noteAudit(request, { patientId });
      const found = place === undefined ? [] : newestOf(await consents.ofPatient(place.id));
      const bundle: Bundle<FhirConsent> = {
        resourceType: 'Bundle',
        type: 'searchset',
        total: found.length,
        link: [{ relation: 'self', url: `/fhir/Consent?patient=${request.query.patient}` }],
        ...(found.length > 0 && {
          entry: found.map((consent) => ({
            fullUrl: `urn:healthsync:consent:${consent.id}`,
            resource: labelled(consent),
            search: { mode: 'match' as const },
          })),
        }),
      };
      return sendFhir(reply, 200, bundle);
    },
  );

  api.get(
    '/fhir/Consent/:id',
    {
      config: { action: 'consent.read', fhir: 'Consent.r' },
      schema: { summary: 'One consent, in its newest version (FHIR R4)', tags, params: IdPath },
    },
    async (request, reply) => sendOne(request, reply, await consents.newest(request.params.id)),
  );

  api.get(
    '/fhir/Consent/:id/_history/:version',
    {
      config: { action: 'consent.read', fhir: 'Consent.r' },
      schema: {
        summary: 'One version of a consent (FHIR R4)',
        tags,
        params: Type.Object({ id: Id, version: Type.String({ pattern: '^[1-9]\\d{0,8}$' }) }),
      },
    },
    async (request, reply) => {
      const versions = await consents.versions(request.params.id);
      return sendOne(
        request,
        reply,
        versions.find(({ version }) => String(version) === request.params.version),
      );
    },
  );

  api.post(
    '/fhir/Consent',
    {
      config: { action: 'consent.write', fhir: 'Consent.c' },
      schema: { summary: 'Record a consent (FHIR R4)', tags, body: Type.Unknown() },
    },
    async (request, reply) => {
      const parsed = parseConsent(request.body, now());
      if (parsed.kind === 'refused') return refuse(reply, 422, parsed.problems);
      const principal = principalOf(request);
      const { patientId } = parsed.consent;
      noteAudit(request, { patientId });
      if (visiblePatient(principal, view(), patientId) === undefined)
        return refuse(reply, 422, [
          { element: 'Consent.patient.reference', code: 'not-found', detail: 'there is no such patient' },
        ]);
      const outcome = await consents.give({
        ...parsed.consent,
        tenantId: principal.tenantId,
        recordedBy: signatureOf(principal),
      });
      switch (outcome.kind) {
        case 'recorded': {
          noteRecorded(request, outcome.consent);
          const { id, version } = outcome.consent;
          // FHIR R4 http#create: where it is now, and its version.
          reply.header('location', `/fhir/Consent/${id}/_history/${version}`).header('etag', `W/"${version}"`);
          return sendFhir(reply, 201, labelled(outcome.consent));
        }
        case 'invalid':
          return refuse(reply, 422, outcome.problems.map(problemOf));
        case 'too-many':
          return refuse(reply, 409, [{ element: 'Consent', code: 'too-many', detail: 'there are very many already' }]);
        default:
          return outcome satisfies never;
      }
    },
  );

  api.put(
    '/fhir/Consent/:id',
    {
      config: { action: 'consent.write', fhir: 'Consent.u' },
      schema: {
        summary: 'Other times for a consent, or `inactive`: revoked, at once (FHIR R4; with If-Match)',
        tags,
        params: IdPath,
        body: Type.Unknown(),
      },
    },
    async (request, reply) => {
      const standing = await consents.newest(request.params.id);
      // Not 405, as http#update has it of ids that nobody gave: what is there for others would be told by that.
      if (standing === undefined || !isTheirs(request, standing)) return notThere(reply);
      noteAudit(request, { patientId: standing.patientId, resourceId: standing.id });
      const tag = versionMatched(request.headers['if-match']);
      const from = tag === 'none' ? undefined : tag;
      noteAudit(request, { detail: { versionBefore: typeof from === 'number' ? from : 0 } });
      if (from === 'not-ours' || (from !== undefined && from !== standing.version))
        return refuse(reply, 412, [staleAgainst(standing)]);
      const update = consentUpdate(request.body, standing, now());
      if (update.kind === 'id-differs') return refuse(reply, 400, update.problems);
      if (update.kind === 'refused') return refuse(reply, 422, update.problems);
      // Nobody is asked to look first before they take something back.
      if (update.kind === 'times' && from === undefined) return refuse(reply, 428, [LOOK_FIRST]);
      const what = { id: standing.id, by: signatureOf(principalOf(request)) };
      const outcome =
        update.kind === 'times'
          ? await consents.amend({ ...what, from, change: update.change })
          : await consents.revoke({ ...what, ...update.how, ...(from !== undefined && { from }) });
      return sendUpdated(request, reply, { outcome, isRevoking: update.kind === 'revoke' });
    },
  );

  function sendUpdated(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: {
      readonly outcome: Awaited<ReturnType<ConsentServices['consents']['amend']>>;
      readonly isRevoking: boolean;
    },
  ): FastifyReply {
    const { outcome, isRevoking } = asked;
    switch (outcome.kind) {
      case 'recorded':
        noteRecorded(request, outcome.consent);
        return sendVersion(reply, outcome.consent);
      case 'invalid':
        return refuse(reply, 422, outcome.problems.map(problemOf));
      case 'changed-meanwhile':
        return refuse(reply, 412, [staleAgainst(outcome.consent)]);
      case 'revoked':
        // Sent twice is revoked once.
        return isRevoking ? sendVersion(reply, outcome.consent) : refuse(reply, 409, [REVOKED]);
      case 'not-found':
        return notThere(reply);
      default:
        return outcome satisfies never;
    }
  }

  function sendVersion(reply: FastifyReply, consent: Consent): FastifyReply {
    reply.header('etag', `W/"${consent.version}"`);
    return sendFhir(reply, 200, labelled(consent));
  }

  function isTheirs(request: FastifyRequest, consent: Consent): boolean {
    return seesPatient(principalOf(request), consent.patientId, undefined);
  }

  function sendOne(request: FastifyRequest, reply: FastifyReply, consent: Consent | undefined): FastifyReply {
    return consent === undefined || !isTheirs(request, consent) ? notThere(reply) : sendVersion(reply, consent);
  }

  function labelled(consent: Consent): FhirConsent {
    const resource = fhirConsent(consent);
    if (view().place(consent.patientId)?.isVip !== true) return resource;
    return { ...resource, meta: { ...resource.meta, security: [...VIP_LABELS] } };
  }
}

/** Where in a FHIR Consent what we call so is said. */
const ELEMENTS = {
  witness: 'Consent.extension[0].valueReference.identifier.value',
  party: 'Consent.provision.provision[0].actor[0].reference.identifier.value',
  from: 'Consent.provision.period.start',
  until: 'Consent.provision.period.end',
  givenAt: 'Consent.dateTime',
} as const;

function sendFhir(
  reply: FastifyReply,
  status: number,
  resource: FhirConsent | Bundle | OperationOutcome,
): FastifyReply {
  return reply
    .code(status)
    .header('content-type', `${FHIR_JSON}; charset=utf-8`)
    .header('cache-control', 'no-store')
    .serializer(JSON.stringify)
    .send(resource);
}

type Issue = Omit<ElementProblem, 'code'> & {
  readonly code: ElementProblem['code'] | 'not-found' | 'too-many' | 'conflict';
};

const LOOK_FIRST: Issue = {
  element: 'Consent.meta.versionId',
  code: 'required',
  detail: 'read it, and say by If-Match which version this was made from',
};
const REVOKED: Issue = { element: 'Consent.status', code: 'conflict', detail: 'it is revoked: record another consent' };

const staleAgainst = ({ version }: Consent): Issue => ({
  element: 'Consent.meta.versionId',
  code: 'conflict',
  detail: `it is at version ${version} by now: read it again`,
});

type ConsentProblem = ReturnType<typeof consentProblems>[number];

const problemOf = ({ field, detail }: ConsentProblem): Issue => ({ element: ELEMENTS[field], code: 'value', detail });

function notThere(reply: FastifyReply): FastifyReply {
  return refuse(reply, 404, [{ element: 'Consent', code: 'not-found', detail: 'there is no such consent' }]);
}

function refuse(reply: FastifyReply, status: number, problems: readonly Issue[]): FastifyReply {
  return sendFhir(reply, status, {
    resourceType: 'OperationOutcome',
    issue: problems.map(({ element, code, detail }) => ({
      severity: 'error',
      code: code === 'too-many' ? 'too-costly' : code,
      diagnostics: `${element}: ${detail}`,
      expression: [element],
    })),
  });
}
