import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { type Action, mayDo, ROLES } from '../domain/access.ts';
import type { Principal } from '../identity/sessions.ts';
import { sendProblem } from './problem.ts';
import type { Services } from './services.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the caller must be allowed to do. Every route says exactly one of these four. */
    action?: Action;
    /** Anyone who has signed in. */
    signedIn?: true;
    /** Authenticated by the route itself, by device certificate or device token. */
    device?: true;
    public?: true;
  }
  interface FastifyRequest {
    principal: Principal | undefined;
    /** The secret that was shown, and how. */
    credential: Credential | undefined;
  }
}

export interface Credential {
  readonly secret: string;
  readonly by: 'bearer' | 'cookie';
}

export const SESSION_COOKIE = '__Host-healthsync';

/**
 * Deny by default. A route that does not say who may call it does not start; a caller who may not is refused before
 * anything is read or looked up.
 */
export function registerGate(app: FastifyInstance, signIn: Pick<Services['signIn'], 'authenticate'>): void {
  app.decorateRequest('principal', undefined);
  app.decorateRequest('credential', undefined);
  app.addHook('onRoute', requireDeclaration);
  app.addHook('onRequest', async (request, reply) => {
    const { public: isPublic, device, action } = request.routeOptions.config;
    if (request.is404 || device === true) return;
    request.credential = credentialOf(request);
    if (isForged(request)) {
      await sendProblem(reply, { status: 403, code: 'cross-site', detail: 'Send this from HealthSync’s own pages.' });
      return;
    }
    if (isPublic === true) return;
    request.principal = request.credential && (await signIn.authenticate(request.credential.secret));
    if (request.principal === undefined) await refuseUnknown(reply, action);
    else if (action !== undefined) await refuseUnlessAllowed(reply, request.principal, action);
  });
}

/** What a caller who passed the gate is. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new Error('a handler asked for a principal on a route without one');
  return request.principal;
}

export function requireDeclaration(route: RouteOptions): void {
  const { action, signedIn, device, public: isPublic } = route.config ?? {};
  const declared = [action, signedIn, device, isPublic].filter((one) => one !== undefined).length;
  if (declared !== 1)
    throw new Error(`${String(route.method)} ${route.url} must declare one of action, signedIn, device, public`);
}

async function refuseUnknown(reply: FastifyReply, action: Action | undefined): Promise<void> {
  const needed = action === undefined ? ROLES : neededRoles(action);
  reply.header('www-authenticate', 'Bearer realm="healthsync"');
  await sendProblem(reply, {
    status: 401,
    code: 'not-signed-in',
    detail: `Sign in, or send a valid token, of one of these roles: ${needed.join(', ')}.`,
    rolesNeeded: needed,
  });
}

async function refuseUnlessAllowed(reply: FastifyReply, principal: Principal, action: Action): Promise<void> {
  const decision = mayDo(principal.roles, action);
  if (decision.allowed) return;
  await sendProblem(reply, {
    status: 403,
    code: 'role-needed',
    detail: `This needs one of these roles: ${decision.roleNeeded.join(', ')}.`,
    rolesNeeded: decision.roleNeeded,
  });
}

function neededRoles(action: Action): readonly string[] {
  const nobody = mayDo([], action);
  return nobody.allowed ? [] : nobody.roleNeeded;
}

/** 256-bit secrets need 43 characters of base64url; anything much longer is not one of ours. */
const SECRET_MAX = 256;

function credentialOf(request: FastifyRequest): Credential | undefined {
  const bearer = /^Bearer ([\w.~+/=-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer.length <= SECRET_MAX ? { secret: bearer, by: 'bearer' } : undefined;
  const cookie = request.cookies[SESSION_COOKIE];
  return cookie !== undefined && cookie !== '' && cookie.length <= SECRET_MAX
    ? { secret: cookie, by: 'cookie' }
    : undefined;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Cross-site request forgery: a browser sends our cookie along with what another site made it send, so an unsafe
 * request needs proof that it comes from our own pages. Fetch Metadata says so in every current browser, Origin in
 * older ones; a request with the cookie and neither is refused. SameSite=Strict stands before this, and a bearer token
 * is never sent by a browser on its own.
 */
function isForged(request: FastifyRequest): boolean {
  if (SAFE_METHODS.has(request.method) || request.credential?.by === 'bearer') return false;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin';
  const { origin } = request.headers;
  if (origin !== undefined) return origin !== `https://${request.headers.host}`;
  return request.credential?.by === 'cookie';
}
