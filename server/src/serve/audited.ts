import { hash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ACTIONS, isAction } from '../domain/access.ts';
import { type AuditActor, type AuditEntry, type AuditOutcome, STRANGER } from '../domain/audit-entry.ts';
import { parsePatientId, parseWardId } from '../domain/ids.ts';
import type { Principal } from '../identity/sessions.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Log } from '../telemetry/log.ts';
import { type AuditedRoute, type AuditRule, auditRuleOf, type Harmless } from './audit-routes.ts';
import { problemBody, sendProblem } from './problem.ts';
import { createRefusalFlood } from './refusal-flood.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Filled in for every route when it is made: what of it is written down, by method. */
    auditRules?: Readonly<Record<string, AuditRule>>;
  }
  interface FastifyRequest {
    /** What the handler knows and the request does not say. */
    auditNote: AuditNote;
  }
}

export interface AuditNote {
  patientId?: string;
  resourceId?: string;
  /** Who it was after all, where the gate could not know. */
  actor?: Pick<AuditActor, 'kind' | 'name' | 'userId'>;
  detail?: Readonly<Record<string, string | number | boolean>>;
  /** Where the status says otherwise: a redirection that tells of a refusal, an answer that reports a failure. */
  outcome?: Exclude<AuditOutcome, 'allowed'>;
}

export interface AuditServices {
  readonly audit: AuditLog & {
    /**
     * For what must go on while the database is away: the wall. Durable in the data folder if not in the log, where it
     * comes as soon as it can.
     */
    appendOrHold?(entries: readonly AuditEntry[]): Promise<void>;
    /** The sign-in name as an account has it; undefined: nobody's. */
    knownAccount?(name: string): Promise<string | undefined>;
  };
  readonly log: Log;
  readonly now: () => number;
}

/** For handlers: what their entry should say besides. */
export function noteAudit(request: FastifyRequest, note: AuditNote): void {
  request.auditNote = { ...request.auditNote, ...note, detail: { ...request.auditNote.detail, ...note.detail } };
}

/**
 * One entry for every request that opens what is known of patients or changes something, durable before its answer
 * leaves; what changes something is written down before it is done as well. What cannot be written down does not
 * happen: 503. `audit-routes.ts` says which routes are spared.
 */
export function registerAudit(app: FastifyInstance, { audit, log, now }: AuditServices): void {
  const flood = createRefusalFlood({ now });
  const answered = new WeakSet<FastifyRequest>();
  // Every request gets one of its own with the hook below.
  app.decorateRequest('auditNote');
  app.addHook('onRoute', (route) => {
    const rules = [route.method].flat().map((method) => [method, auditRuleOf(route, method)]);
    route.config = { ...route.config, auditRules: Object.fromEntries(rules) };
  });
  app.addHook('onRequest', async (request) => {
    request.auditNote = {};
  });

  app.addHook('preHandler', async (request, reply) => {
    const rule = ruleOf(request);
    if (rule?.kind !== 'audited' || rule.when === 'after') return;
    const entry = entryOf(request, rule, { atMs: now(), outcome: 'allowed', detail: { phase: 'begin' } });
    try {
      await write(request, rule, entry);
    } catch (error) {
      await refuse(request, reply, error);
      return;
    }
    if (rule.when === 'stream') noteEnd(request, reply, rule);
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const rule = ruleOf(request, reply);
    if (rule === undefined || rule.kind === 'harmless' || request.isUnaudited === true) return payload;
    answered.add(request);
    const outcome = rule === NO_ADDRESS ? 'denied' : (request.auditNote?.outcome ?? outcomeOf(reply.statusCode));
    if (rule.kind === 'refusals-only' && outcome !== 'denied') return payload;
    try {
      if (rule.action === SIGN_IN_ACTION) await noteAccount(request);
      const detail = { status: reply.statusCode, ...handedOut(rule, outcome, payload) };
      const entry = entryOf(request, rule, { atMs: now(), outcome, detail });
      await audit.append(isFlood(request, reply) && outcome !== 'allowed' ? flood.admit(entry) : [entry]);
      return payload;
    } catch (error) {
      // A refusal stays one: nothing was opened. It is missing in the log, and the log of the program says so.
      tell(request, error);
      return outcome === 'denied' ? payload : withhold(reply);
    }
  });
  const sweep = setInterval(() => void audit.append(flood.due()).catch(() => undefined), FLOOD_SWEEP_MS);
  sweep.unref();
  app.addHook('onClose', async () => clearInterval(sweep));

  async function refuse(request: FastifyRequest, reply: FastifyReply, error: unknown): Promise<void> {
    tell(request, error);
    request.isUnaudited = true;
    await sendProblem(reply, UNAVAILABLE);
  }

  function write(request: FastifyRequest, rule: AuditedRoute, entry: AuditEntry): Promise<unknown> {
    if (rule.mayBeHeld === true && audit.appendOrHold !== undefined) return audit.appendOrHold([entry]);
    return audit.append(request.principal === undefined ? flood.admit(entry) : [entry]);
  }

  /** Whose account was tried, if there is one of that name; what else was typed there may be a password. */
  async function noteAccount(request: FastifyRequest): Promise<void> {
    const { name } = (request.body ?? {}) as { readonly name?: unknown };
    if (request.auditNote?.actor !== undefined || typeof name !== 'string') return;
    const account = await audit.knownAccount?.(name);
    if (account !== undefined) noteAudit(request, { detail: { account } });
  }

  function noteEnd(request: FastifyRequest, reply: FastifyReply, rule: AuditedRoute): void {
    const startedMs = now();
    reply.raw.once('close', () => {
      // What was answered by the framework has had its entry.
      if (answered.has(request)) return;
      const { statusCode: status } = reply.raw;
      const detail = { phase: 'end', status, seconds: Math.round((now() - startedMs) / 1000) };
      const outcome = refusedBy(reply.raw.getHeader('location')) ?? outcomeOf(status);
      const entry = entryOf(request, rule, { atMs: now(), outcome, detail });
      write(request, rule, entry).then(undefined, (error: unknown) => tell(request, error));
    });
  }

  function tell(request: FastifyRequest, error: unknown): void {
    log.error('an entry of the audit log could not be written', {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      error,
    });
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Refused because it could not be written down: the refusal needs no entry, and could have none. */
    isUnaudited?: boolean;
  }
}

/** How much of what is known of patients has left: whoever takes much of it is noticed by that. */
function handedOut({ action }: Exclude<AuditRule, Harmless>, outcome: AuditOutcome, payload: unknown) {
  const isOfPatients = isAction(action) && ACTIONS[action].isOfPatients;
  if (!isOfPatients || outcome !== 'allowed' || typeof payload !== 'string') return {};
  return { bytes: Buffer.byteLength(payload) };
}

const SIGN_IN_ACTION = 'session.sign-in';
const FLOOD_SWEEP_MS = 10_000;
const UNAVAILABLE = {
  status: 503,
  code: 'audit-unavailable',
  detail: 'This is written down before it happens, and cannot be now. Try again.',
  retryAfterMs: 2_000,
};

function ruleOf(request: FastifyRequest, reply?: FastifyReply): AuditRule | undefined {
  if (!request.is404) return request.routeOptions.config.auditRules?.[request.method];
  // A page of the app has any address.
  return reply !== undefined && reply.statusCode >= 400 ? NO_ADDRESS : undefined;
}

/** Whoever tries addresses looks for a door that is open. Which they were is not written down: a path may hold anything. */
const NO_ADDRESS: AuditRule = {
  kind: 'refusals-only',
  action: 'address.unknown',
  resource: 'address',
  why: 'there is nothing there to be opened',
};

/** Strangers, and whoever is told to slow down: what comes in thousands is counted, after the first of each minute. */
const isFlood = (request: FastifyRequest, reply: FastifyReply): boolean =>
  request.principal === undefined || reply.statusCode === 429;

/** What would have gone out is replaced as a whole: headers that belong to it, such as a session's cookie, with it. */
function withhold(reply: FastifyReply): string {
  for (const name of Object.keys(reply.getHeaders())) if (!KEPT_HEADERS.has(name)) reply.removeHeader(name);
  reply.code(UNAVAILABLE.status);
  reply.header('content-type', 'application/problem+json').header('cache-control', 'no-store');
  reply.header('retry-after', Math.ceil(UNAVAILABLE.retryAfterMs / 1000));
  return JSON.stringify(problemBody(UNAVAILABLE));
}

/** Of `security-headers.ts`; the same on every answer. */
const KEPT_HEADERS = new Set([
  'content-security-policy',
  'strict-transport-security',
  'x-content-type-options',
  'referrer-policy',
  'permissions-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'cross-origin-embedder-policy',
  'x-frame-options',
  // Whoever complains can say of which request.
  'x-request-id',
]);

/** 404 as well: what is not one's own to see is answered like what is not there. */
function outcomeOf(status: number): AuditOutcome {
  if (status < 400) return 'allowed';
  return status === 401 || status === 403 || status === 404 || status === 429 ? 'denied' : 'failed';
}

/** RFC 6749 §4.1.2.1: an app is told by where the browser is sent that somebody was not let in. */
function refusedBy(location: unknown): AuditOutcome | undefined {
  if (typeof location !== 'string' || !URL.canParse(location, 'https://ignored.invalid')) return undefined;
  const { searchParams, hash } = new URL(location, 'https://ignored.invalid');
  const error = searchParams.get('error') ?? new URLSearchParams(hash.slice(1)).get('error');
  if (error === null) return undefined;
  return error === 'access_denied' ? 'denied' : 'failed';
}

function entryOf(
  request: FastifyRequest,
  rule: Exclude<AuditRule, Harmless>,
  what: { readonly atMs: number; readonly outcome: AuditOutcome; readonly detail: NonNullable<AuditNote['detail']> },
): AuditEntry {
  const note = request.auditNote ?? {};
  const parameters = (request.params ?? {}) as Readonly<Record<string, string | undefined>>;
  // A list may be answered though parts of it were refused; and what was let in may still find nothing.
  const decision = what.outcome === 'denied' ? (request.refusal ?? request.decision) : request.decision;
  const isAudited = rule.kind === 'audited';
  const id = note.resourceId ?? idOf(isAudited ? parameters[rule.idParameter ?? ''] : undefined);
  const patientId =
    note.patientId ?? decision?.patientId ?? patientOf(request, isAudited ? rule.patientParameter : undefined);
  const purpose = decision?.purpose ?? request.principal?.purpose;
  const tenantId = request.principal?.tenantId;
  return {
    atMs: what.atMs,
    actor: { ...actorOf(request), ...note.actor },
    action: rule.action,
    resource: { kind: rule.resource, ...(id !== undefined && { id }) },
    outcome: what.outcome,
    correlationId: request.id,
    detail: {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      ...wardsOf(request, isAudited && rule.mayBeHeld === true),
      ...(decision?.emergencyAccess !== undefined && { emergencyAccess: decision.emergencyAccess }),
      ...(decision?.consent !== undefined && { consent: `${decision.consent.id}#${decision.consent.version}` }),
      ...endpointOf(request),
      ...note.detail,
      ...what.detail,
    },
    ...(patientId !== undefined && { patientId }),
    ...(purpose !== undefined && { purpose }),
    ...(tenantId !== undefined && { tenantId }),
    ...(decision !== undefined && { policies: decision.policies }),
  };
}

function actorOf(request: FastifyRequest): AuditActor {
  const { principal, credential } = request;
  // IPv4 behind a socket of both families (RFC 4291 §2.5.5.2).
  const address = request.ip.replace(/^::ffff:(?=\d)/, '');
  if (principal === undefined) return { kind: 'person', name: STRANGER, address };
  return {
    kind: isService(principal) ? 'service' : 'person',
    name: principal.name,
    userId: principal.userId,
    address,
    ...(credential !== undefined && { sessionId: sessionIdOf(credential.secret) }),
  };
}

/** Tells sessions apart and opens none: 64 bits of the hash of a 256-bit secret. */
export function sessionIdOf(secret: string): string {
  return hash('sha256', `healthsync audit session ${secret}`, 'hex').slice(0, 16);
}

function isService({ roles, factors }: Principal): boolean {
  return roles.includes('integration') || factors?.includes('private-key-jwt') === true;
}

/** Only what is an id is written down: a path may hold anything. */
function idOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[A-Za-z0-9_][A-Za-z0-9._:@-]{0,127}$/.test(text) ? text : undefined;
}

function patientOf(request: FastifyRequest, parameter: string | undefined): string | undefined {
  const parameters = (request.params ?? {}) as Readonly<Record<string, string | undefined>>;
  const { patient } = (request.query ?? {}) as { readonly patient?: unknown };
  return parsePatientId((parameter === undefined ? undefined : parameters[parameter]) ?? patient);
}

/** Of routes that end in a star: which part of it, where it is a plain word. */
function endpointOf(request: FastifyRequest): Readonly<Record<string, string>> {
  const { '*': rest } = (request.params ?? {}) as { readonly '*'?: string };
  return rest !== undefined && /^[a-z][a-z/-]{0,40}$/.test(rest) ? { endpoint: rest } : {};
}

function wardsOf(request: FastifyRequest, isStream: boolean): Readonly<Record<string, string>> {
  const asked = (request.query as { ward?: unknown } | undefined)?.ward;
  const named = [asked ?? []].flat().flatMap((ward) => parseWardId(ward) ?? []);
  if (named.length > 0) return { wards: named.join(' ') };
  if (!isStream || request.principal === undefined) return {};
  return { wards: request.principal.wardIds.length === 0 ? 'all' : request.principal.wardIds.join(' ') };
}
