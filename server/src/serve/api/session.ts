import { Me, Setup, SignIn as SignInBody } from '@healthsync/contracts/session';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Action, mayDo, type Role } from '../../domain/access.ts';
import type { Principal } from '../../identity/sessions.ts';
import { principalOf, SESSION_COOKIE } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { invalid, sendProblem } from '../problem.ts';
import type { Services } from '../services.ts';
import type { Api } from '../validation.ts';

/** Signing in, who I am, signing out, and the very first account. */
export function registerSession(app: FastifyInstance, { signIn, hooks }: Services): void {
  const api = app as unknown as Api;

  api.post(
    '/api/session',
    {
      config: { public: true },
      schema: { summary: 'Sign in', tags: ['session'], body: SignInBody, response: { 200: Me } },
    },
    async (request, reply) => {
      const browserMark = request.cookies[BROWSER_COOKIE]?.slice(0, 256);
      const outcome = await signIn.signIn({
        ...request.body,
        address: request.ip,
        ...(browserMark !== undefined && { browserMark }),
      });
      hooks?.signIn?.(outcome.kind);
      switch (outcome.kind) {
        case 'signed-in':
          return startSession(reply, outcome).send(toMe(outcome.principal));
        case 'refused':
          // Whether the name or the password was wrong is nobody's business.
          return sendProblem(reply, { status: 401, code: 'wrong-credentials', detail: 'Name or password is wrong.' });
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
    { config: { signedIn: true }, schema: { summary: 'Sign out', tags: ['session'] } },
    async (request, reply) => {
      if (request.credential !== undefined) await signIn.signOut(request.credential.secret);
      reply.clearCookie(SESSION_COOKIE, COOKIE);
      return reply.code(204).send();
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
        response: { 201: Me },
      },
    },
    async (request, reply) => {
      const outcome = await signIn.setUp({ ...request.body, address: request.ip });
      switch (outcome.kind) {
        case 'made':
          return startSession(reply, outcome).code(201).send(toMe(outcome.principal));
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

/** `__Host-`: only over TLS, only for this host, not for its subdomains (RFC 6265bis 4.1.3.2). */
const COOKIE = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const;

/** Tells a browser that signed in before from a stranger, so that nobody can lock a person out by guessing. */
const BROWSER_COOKIE = '__Host-healthsync-browser';
const BROWSER_SECONDS = 180 * 24 * 3600;

function startSession(
  reply: FastifyReply,
  opened: { readonly secret: string; readonly principal: Principal; readonly browserMark: string },
): FastifyReply {
  return reply
    .setCookie(BROWSER_COOKIE, opened.browserMark, { ...COOKIE, maxAge: BROWSER_SECONDS })
    .setCookie(SESSION_COOKIE, opened.secret, { ...COOKIE, maxAge: SESSION_COOKIE_SECONDS });
}

/** The session ends by the server's own limits, which use extends; the cookie only has to outlive the longest. */
const SESSION_COOKIE_SECONDS = 30 * 24 * 3600;

function refuseForNow(reply: FastifyReply, retryAfterMs: number): FastifyReply {
  return sendProblem(reply, {
    status: 429,
    code: 'too-many-attempts',
    detail: 'Too many attempts. Wait a moment.',
    retryAfterMs,
  });
}

function toMe(principal: Principal): Me {
  return {
    name: principal.name,
    displayName: principal.displayName,
    roles: [...principal.roles],
    actions: ACTIONS.filter((action) => mayDo(principal.roles as readonly Role[], action).allowed),
    sessionExpiresAt: rfc3339(principal.expiresAtMs),
  };
}

/** Every action there is; the compiler refuses a list with one missing. */
const ACTIONS = Object.keys({
  'wall.watch': true,
  'patient.read': true,
  'patient.write': true,
  'vitals.read': true,
  'alarm.read': true,
  'alarm.acknowledge': true,
  'alarm.escalate': true,
  'rota.read': true,
  'rota.write': true,
  'team.write': true,
  'limits.write': true,
  'rules.read': true,
  'rules.write': true,
  'device.read': true,
  'device.write': true,
  'rejected.read': true,
  'rejected.replay': true,
  'user.write': true,
  'operations.read': true,
  'system-alarm.acknowledge': true,
  'channel.write': true,
} satisfies Record<Action, true>) as readonly Action[];
