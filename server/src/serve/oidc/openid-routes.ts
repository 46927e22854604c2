import { AppAnswer, AppAnswered, AppLaunch, AppQuestion, NewAppLaunch } from '@healthsync/contracts/openid';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { PatientId } from '../../domain/ids.ts';
import { parsePatientId } from '../../domain/ids.ts';
import { parseFhirScope, wordsOfActions } from '../../domain/scope.ts';
import type { OpenIdProvider, Question } from '../../identity/openid-provider.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import type { Tickets } from '../../identity/tickets.ts';
import { principalOf } from '../access-gate.ts';
import { may } from '../caller.ts';
import { refuseStale } from '../fresh-proof.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import type { Api } from '../validation.ts';
import { visiblePatient } from '../ward-scope.ts';
import { smartConfiguration } from './smart-configuration.ts';

export interface OpenIdServices {
  readonly provider: () => OpenIdProvider;
  readonly fhirBase: () => string;
  readonly tickets: Tickets;
  readonly view: () => RegistryView;
  readonly now: () => number;
}

/** The embedded provider's own routes, and what a person is asked before an app gets anything. */
export function registerOpenId(app: FastifyInstance, services: OpenIdServices): void {
  const { provider, fhirBase, tickets, view, now } = services;
  const api = app as unknown as Api;
  const tags = ['apps'];

  for (const url of ['/fhir/.well-known/smart-configuration', '/.well-known/smart-configuration'])
    api.get(
      url,
      { config: { public: true }, schema: { summary: 'How apps sign in (SMART App Launch)', tags } },
      (_request, reply) =>
        reply
          .header('access-control-allow-origin', '*')
          .header('cache-control', 'public, max-age=300')
          .send(smartConfiguration(provider().issuer)),
    );

  api.post(
    '/api/app-launches',
    {
      config: { action: 'patient.read' },
      schema: { summary: 'Open an app for a patient', tags, body: NewAppLaunch, response: { 201: AppLaunch } },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const patientId = parsePatientId(request.body.patientId);
      if (patientId === undefined || visiblePatient(principal, view(), patientId) === undefined)
        return notFound(reply, 'patient');
      const { ticket } = tickets.issue(LAUNCH, { userId: principal.userId, patientId });
      return reply.code(201).send({ launch: ticket, iss: fhirBase() });
    },
  );

  // Below the page's own path: there, and only there, the browser that began it sends the cookie that says so.
  api.get(
    '/authorize/:uid/question',
    {
      config: { signedIn: true },
      schema: { summary: 'What an app asks for', tags, params: Uid, response: { 200: AppQuestion } },
    },
    async (request, reply) => {
      const question = await questionTo(request, reply);
      if (question === undefined) return refuseOver(reply);
      const launched = launchOf(request, question.launch);
      return {
        client: question.clientName,
        scopes: [...question.scopes],
        words: { ...wordsOfActions(question.scopes) },
        accessSeconds: question.accessSeconds,
        ...(question.refreshSeconds !== undefined && { refreshSeconds: question.refreshSeconds }),
        isFreshNeeded: question.isFreshNeeded,
        needsPatient: needsPatient(question.scopes) && launched === undefined,
        ...(launched !== undefined && { patientId: launched }),
      };
    },
  );

  api.post(
    '/authorize/:uid/answer',
    {
      config: { action: 'own.reach' },
      schema: { summary: 'Let it, or not', tags, params: Uid, body: AppAnswer, response: { 200: AppAnswered } },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      if (principal.kind !== 'session') return refuseOver(reply);
      const question = await questionTo(request, reply);
      if (question === undefined) return refuseOver(reply);
      if (!request.body.allow) return { location: await provider().answer(request.raw, reply.raw, { allow: false }) };
      if (question.isFreshNeeded && now() - lastShown(principal) > REAUTHENTICATED_MS) return refuseStale(reply);
      const patientId = patientOf(request, question);
      if (patientId === undefined && needsPatient(question.scopes))
        return invalid(reply, [{ code: 'missing', field: 'patientId', detail: 'is needed: the app works with one' }]);
      if (patientId !== undefined && !may(principal, 'patient.read', { kind: 'patient', patientId }))
        return notFound(reply, 'patient');
      const location = await provider().answer(request.raw, reply.raw, {
        allow: true,
        principal,
        scopes: question.scopes,
        ...(patientId !== undefined && { patientId }),
      });
      return { location };
    },
  );

  app.register(async (scope) => {
    // The provider reads its own bodies.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.route({
      method: ['GET', 'POST', 'OPTIONS'],
      url: '/oidc/*',
      // Apps of other sites come here, with credentials of their own and never with our cookie.
      config: { public: true, crossSite: true },
      handler(request, reply) {
        reply.hijack();
        for (const [name, value] of Object.entries(reply.getHeaders()))
          if (value !== undefined) reply.raw.setHeader(name, value);
        provider().handle(request.raw, reply.raw);
      },
    });
  });

  /** An app of another organisation is none of theirs: what it would read would leave their own. */
  async function questionTo(request: FastifyRequest, reply: FastifyReply): Promise<Question | undefined> {
    const question = await provider().question(request.raw, reply.raw);
    return question?.tenantId === principalOf(request).tenantId ? question : undefined;
  }

  /** Whom the app will work with: of the launch before what is chosen, and of that alone where it asks for no choice. */
  function patientOf(
    request: FastifyRequest<{ Body: AppAnswer }>,
    { scopes, launch }: Question,
  ): PatientId | undefined {
    const launched = launchOf(request, launch);
    if (needsPatient(scopes)) return launched ?? parsePatientId(request.body.patientId);
    // SMART App Launch 2.2, "Launch Context": with `launch`, the app is told what it was opened for.
    return scopes.includes('launch') ? launched : undefined;
  }

  /** The patient of a launch that this very person began. */
  function launchOf(request: FastifyRequest, text: string | undefined): PatientId | undefined {
    const ticket = text === undefined ? undefined : tickets.read<Launched>(LAUNCH, text);
    return ticket?.data.userId === principalOf(request).userId ? ticket?.data.patientId : undefined;
  }
}

interface Launched {
  readonly userId: string;
  readonly patientId: PatientId;
}

const LAUNCH = 'launch';
const Uid = Type.Object({ uid: Type.String({ pattern: '^[A-Za-z0-9_-]{10,64}$' }) });

/** "Now", for whom `prompt=login` or `max_age` asks once more. */
const REAUTHENTICATED_MS = 60_000;

const lastShown = ({ authenticatedAtMs, mfaAtMs = 0 }: { authenticatedAtMs: number; mfaAtMs?: number }): number =>
  Math.max(authenticatedAtMs, mfaAtMs);

/** SMART App Launch 2.2: `launch/patient` asks for one, and `patient/…` means nothing without one. */
const needsPatient = (scopes: readonly string[]): boolean =>
  scopes.some((scope) => scope === 'launch/patient' || parseFhirScope(scope)?.context === 'patient');

function refuseOver(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, {
    status: 409,
    code: 'sign-in-over',
    detail: 'This browser has no sign-in to an app under way. Go back to the app and begin again.',
  });
}
