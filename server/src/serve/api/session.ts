import { Me, Setup, SignIn as SignInBody, SignInStep } from '@healthsync/contracts/session';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { rolesMayIn } from '../../access/role-decisions.ts';
import { ACTION_NAMES } from '../../domain/access.ts';
import { DEFAULT_TENANT } from '../../domain/ids.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { StepOutcome } from '../../identity/sign-in.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { invalid, sendProblem } from '../problem.ts';
import type { Services } from '../services.ts';
import { endSession, fromOf, startPending, startSession } from '../session-cookies.ts';
import type { Api } from '../validation.ts';

/** Signing in by name and password, who I am, signing out, and the very first account. */
export function registerSession(app: FastifyInstance, { signIn, hooks }: Services): void {
  const api = app as unknown as Api;

  api.post(
    '/api/session',
    {
      config: { public: true },
      schema: { summary: 'Sign in', tags: ['session'], body: SignInBody, response: { 200: Me, 202: SignInStep } },
    },
    async (request, reply) => {
      const outcome = await signIn.signIn({ ...request.body, ...fromOf(request) });
      hooks?.signIn?.(outcome.kind);
      switch (outcome.kind) {
        case 'signed-in':
        case 'second-factor':
        case 'enrol':
          return sendStep(reply, outcome, 200);
        case 'refused':
          return refuseCredentials(reply);
        case 'wait':
          return refuseForNow(reply, outcome.retryAfterMs);
        default:
          return outcome satisfies never;
      }
    },
  );

  api.get(
    '/api/session',
    { config: { signedIn: true }, schema: { summary: 'Who I am', tags: ['session'], response: { 200: Me } } },
    (request) => toMe(principalOf(request)),
  );

  api.delete(
    '/api/session',
    { config: { action: 'own.leave' }, schema: { summary: 'Sign out', tags: ['session'] } },
    async (request, reply) => {
      if (request.credential !== undefined) await signIn.signOut(request.credential.secret);
      return endSession(reply).code(204).send();
    },
  );

  api.post(
    '/api/setup',
    {
      config: { public: true },
      schema: {
        summary: 'Make the first account with the one-time code',
        tags: ['session'],
        body: Setup,
        response: { 201: Me, 202: SignInStep },
      },
    },
    async (request, reply) => {
      const outcome = await signIn.setUp({ ...request.body, address: request.ip });
      switch (outcome.kind) {
        case 'made':
          return sendStep(reply, outcome.step, 201);
        case 'refused':
          return sendProblem(reply, {
            status: 403,
            code: 'setup-refused',
            detail: 'The link was used already, is too old, or is not ours.',
          });
        case 'unfit':
          return invalid(reply, [{ code: 'invalid-value', field: outcome.field, detail: outcome.detail }]);
        case 'wait':
          return refuseForNow(reply, outcome.retryAfterMs);
        default:
          return outcome satisfies never;
      }
    },
  );
}

/** The session, or what is still owed for one. */
export function sendStep(reply: FastifyReply, step: StepOutcome, status: 200 | 201): FastifyReply {
  if (step.kind === 'signed-in') return startSession(reply, step).code(status).send(toMe(step.principal));
  const methods = step.kind === 'second-factor' ? step.methods : [];
  return startPending(reply, step).code(202).send({ next: step.kind, methods });
}

/** Whether the name or the password was wrong is nobody's business. */
export function refuseCredentials(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, { status: 401, code: 'wrong-credentials', detail: 'Name or password is wrong.' });
}

export function refuseForNow(reply: FastifyReply, retryAfterMs: number): FastifyReply {
  return sendProblem(reply, {
    status: 429,
    code: 'too-many-attempts',
    detail: 'Too many attempts. Wait a moment.',
    retryAfterMs,
  });
}

export function toMe(principal: Principal): Me {
  return {
    name: principal.name,
    displayName: principal.displayName,
    roles: [...principal.roles],
    wards: [...principal.wardIds],
    ...(principal.tenantId !== DEFAULT_TENANT && { organisation: principal.tenantId }),
    actions: ACTION_NAMES.filter((action) => rolesMayIn(principal.wardIds, principal.roles, action)),
    sessionExpiresAt: rfc3339(principal.expiresAtMs),
    factors: [...principal.factors],
    ...(principal.mfaAtMs !== undefined && { secondFactorAt: rfc3339(principal.mfaAtMs) }),
  };
}
