import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { Decision, Decisions, ResourceRef } from '../access/decisions.ts';
import { rolesFor } from '../access/role-decisions.ts';
import { type FhirInteraction, scopesAtFhir } from '../access/scopes.ts';
import { ACCOUNT_ROLES, type Action, PURPOSES, type Purpose, usualPurposeOf } from '../domain/access.ts';
import type { PatientId } from '../domain/ids.ts';
import { DPOP_ALGORITHMS } from '../identity/dpop.ts';
import type { Principal } from '../identity/sessions.ts';
import { refusalOf } from './access-refusal.ts';
import { bindCaller, decisionOn } from './caller.ts';
import { surelyOwnHost } from './own-host.ts';
import { invalid, sendProblem } from './problem.ts';
import type { Services } from './services.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the caller must be allowed to do. Every route says exactly one of these four. */
    action?: Action;
    /** It is about what is one for all organisations: for people of the one that runs the installation. */
    installation?: true;
    /** At the FHIR interface: what of which resource, for the scopes of SMART. */
    fhir?: FhirInteraction;
    /** Anyone who has signed in. */
    signedIn?: true;
    /** Authenticated by the route itself, by device certificate or device token. */
    device?: true;
    public?: true;
    /** Called from pages of other sites, and by no cookie of ours: proves its caller by itself. */
    crossSite?: true;
  }
  interface FastifyRequest {
    principal: Principal | undefined;
    /** The secret that was shown, and how. */
    credential: Credential | undefined;
    /** What let it through: of the route itself, then of the patient, ward or device it was asked for. */
    decision: RequestDecision | undefined;
    /** What refused it. On the way to an answer there may be several who say no to a part of a list, and none of all. */
    refusal: RequestDecision | undefined;
  }
}

export interface RequestDecision extends Pick<Decision, 'allowed' | 'policies' | 'emergencyAccess' | 'consent'> {
  readonly action: Action;
  readonly purpose: string;
  readonly patientId?: PatientId;
}

export interface Credential {
  readonly secret: string;
  /** `dpop`: with a proof of a key, beside it. */
  readonly by: 'bearer' | 'dpop' | 'cookie';
}

export const SESSION_COOKIE = '__Host-healthsync';

/** What the caller does it for, in our words (`PURPOSES`); a token that says so itself is not contradicted. */
const PURPOSE_HEADER = 'x-purpose-of-use';

/**
 * Deny by default. A route that does not say who may call it does not start; a caller who may not is refused before
 * anything is read or looked up. What lies behind the door is asked about further in, at the same decision point.
 */
export function registerGate(
  app: FastifyInstance,
  {
    signIn,
    access,
  }: { readonly signIn: Pick<Services['signIn'], 'authenticate' | 'holdsKey'>; readonly access: Decisions },
): void {
  app.decorateRequest('principal', undefined);
  app.decorateRequest('credential', undefined);
  app.decorateRequest('decision', undefined);
  app.decorateRequest('refusal', undefined);
  app.addHook('onRoute', requireDeclaration);
  app.addHook('onRequest', async (request, reply) => {
    const { public: isPublic, device, action = 'own.use', fhir } = request.routeOptions.config;
    if (request.is404 || device === true) return;
    request.credential = credentialOf(request);
    if (request.routeOptions.config.crossSite !== true && isForged(request)) {
      await sendProblem(reply, { status: 403, code: 'cross-site', detail: 'Send this from HealthSync’s own pages.' });
      return;
    }
    if (isPublic === true) return;
    const known = request.credential && (await whoShows(request, request.credential));
    if (known === undefined) {
      if (request.credential?.by === 'dpop') reply.header('www-authenticate', DPOP_CHALLENGE);
      else reply.header('www-authenticate', 'Bearer realm="healthsync"');
      await refuseUnknown(reply, action);
      return;
    }
    const purpose = purposeOf(request, known);
    if (purpose === 'unknown') {
      await invalid(reply, [
        { code: 'invalid-value', field: PURPOSE_HEADER, detail: `must be one of ${PURPOSES.join(', ')}` },
      ]);
      return;
    }
    const scopes = fhir === undefined ? known.scopes : scopesAtFhir(known, { interaction: fhir, action });
    const asking = { ...known, ...(scopes !== undefined && { scopes }), ...(purpose !== undefined && { purpose }) };
    request.principal = bindCaller(asking, { decisions: access, action, note });
    const decision = decisionOn(request.principal, { kind: 'door' });
    if (!decision.allowed) return void (await sendProblem(reply, refusalOf(decision)));
    if (request.routeOptions.config.installation !== true) return;
    const ofAll = decisionOn(request.principal, { kind: 'installation' });
    if (!ofAll.allowed) await sendProblem(reply, refusalOf(ofAll));

    /** The last word counts, of the patient rather than of the door. */
    function note(resource: ResourceRef, { allowed, policies, emergencyAccess, consent }: Decision): void {
      const inEmergency = emergencyAccess === undefined ? undefined : 'emergency';
      const decision: RequestDecision = {
        action,
        allowed,
        policies,
        purpose: asking.purpose ?? inEmergency ?? usualPurposeOf(action),
        ...(emergencyAccess !== undefined && { emergencyAccess }),
        ...(consent !== undefined && { consent }),
        ...(resource.kind === 'patient' && { patientId: resource.patientId }),
      };
      if (!allowed) {
        request.refusal = decision;
        return;
      }
      const { decision: known } = request;
      const isAside = resource.kind === 'ward' ? known !== undefined : known?.patientId !== undefined;
      if (!isAside || resource.kind === 'patient') request.decision = decision;
    }
  });

  /** A token that is bound to a key is nobody's without its proof; and none is that comes with one it was not made for. */
  async function whoShows(request: FastifyRequest, { secret, by }: Credential): Promise<Principal | undefined> {
    const known = await signIn.authenticate(secret);
    const thumbprint = known?.keyThumbprint;
    if (thumbprint === undefined) return by === 'dpop' ? undefined : known;
    if (by !== 'dpop' || signIn.holdsKey === undefined) return undefined;
    const proof = request.headers['dpop'];
    const isHeld = await signIn.holdsKey({
      proof: typeof proof === 'string' ? proof : undefined,
      token: secret,
      thumbprint,
      method: request.method,
      host: surelyOwnHost(request),
      path: request.url.split('?', 1)[0] ?? '',
    });
    return isHeld ? known : undefined;
  }
}

/** A token without the scheme it was made for is not that token: RFC 9449 7.1 and 7.2. */
const DPOP_CHALLENGE = `DPoP realm="healthsync", error="invalid_token", algs="${DPOP_ALGORITHMS.join(' ')}"`;

/** A purpose is said to narrow what is open, and to be written down: it opens nothing. */
function purposeOf(request: FastifyRequest, { purpose }: Principal): string | undefined {
  const said = request.headers[PURPOSE_HEADER];
  if (said === undefined) return purpose;
  if (!PURPOSES.includes(said as Purpose)) return 'unknown';
  return purpose ?? (said as Purpose);
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
  if (route.url.startsWith('/fhir/') && isPublic !== true && route.config?.fhir === undefined)
    throw new Error(`${String(route.method)} ${route.url} must declare the FHIR interaction it is, for scopes`);
}

async function refuseUnknown(reply: FastifyReply, action: Action): Promise<void> {
  const needed = action === 'own.use' ? ACCOUNT_ROLES : rolesFor(action);
  await sendProblem(reply, {
    status: 401,
    code: 'not-signed-in',
    detail: `Sign in, or send a valid token, of one of these roles: ${needed.join(', ')}.`,
    rolesNeeded: needed,
  });
}

/** 256-bit secrets need 43 characters of base64url; anything much longer is not one of ours. */
const SECRET_MAX = 256;

function credentialOf(request: FastifyRequest): Credential | undefined {
  const [, scheme = '', token] = /^(Bearer|DPoP) ([\w.~+/=-]+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token !== undefined)
    return token.length <= SECRET_MAX ? { secret: token, by: scheme.toLowerCase() as 'bearer' | 'dpop' } : undefined;
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
  if (SAFE_METHODS.has(request.method) || request.credential?.by === 'bearer' || request.credential?.by === 'dpop')
    return false;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin';
  const { origin } = request.headers;
  if (origin !== undefined) return origin !== `https://${request.headers.host}`;
  return request.credential?.by === 'cookie';
}
