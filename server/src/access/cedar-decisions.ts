import { type Response, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import { ACCOUNT_ROLES, type Action, type Role } from '../domain/access.ts';
import { type AccessFacts, NO_FACTS } from './access-facts.ts';
import { attributesInWords } from './attributes-in-words.ts';
import { type CedarRequest, cedarRequest } from './cedar-request.ts';
import type { Decision, Decisions, Explanation, Question, ResourceRef, Subject } from './decisions.ts';
import type { Policies } from './policy-files.ts';
import { roleAlone } from './role-alone.ts';

/** How old a decision may be: as long as a revoked session may go unnoticed, so that neither outlives the other. */
const FRESH_MS = 5_000;
/** People of a large hospital's shift, ten thousand devices, and room; some hundred bytes each. */
const SESSIONS_MAX = 25_000;
/** What one person asks about within seconds: a ward's patients by a handful of actions. Beyond it all is asked anew. */
const PER_SESSION_MAX = 4_000;

/** Decisions by the Cedar policies, remembered per session for a few seconds. */
export function createDecisions(options: {
  readonly policies: Policies;
  readonly facts: AccessFacts;
  readonly now: () => number;
  readonly hooks?: { decided?(from: 'memory' | 'policies', isAllowed: boolean): void };
}): Decisions {
  const { policies, facts, now, hooks } = options;
  const sessions = new Map<string, Map<string, Kept>>();
  /** A principal is one object for a request at least: its key is made once. */
  const bySubject = new WeakMap<Subject, Map<string, Kept>>();

  function sessionOf(subject: Subject): Map<string, Kept> {
    const known = bySubject.get(subject);
    if (known !== undefined) return known;
    const key = subjectKey(subject);
    const session = sessions.get(key) ?? new Map<string, Kept>();
    // The one asked longest ago comes first, and goes first.
    sessions.delete(key);
    sessions.set(key, session);
    if (sessions.size > SESSIONS_MAX) sessions.delete(sessions.keys().next().value as string);
    bySubject.set(subject, session);
    return session;
  }

  function decide(question: Question): Decision {
    const { principal, action, resource, context } = question;
    if (context?.atMs !== undefined) return ask(question, context.atMs).decision;
    const nowMs = now();
    const version = facts.version();
    const session = sessionOf(principal);
    const key = `${action} ${context?.purpose ?? ''} ${resourceKey(resource)}`;
    const known = session.get(key);
    // A clock set back must not keep what was decided alive.
    if (known !== undefined && known.version === version && Math.abs(nowMs - known.atMs) < FRESH_MS) {
      hooks?.decided?.('memory', known.decision.allowed);
      return known.decision;
    }
    const { decision } = ask(question, nowMs);
    if (session.size >= PER_SESSION_MAX) session.clear();
    session.set(key, { decision, version, atMs: nowMs });
    hooks?.decided?.('policies', decision.allowed);
    return decision;
  }

  function ask(question: Question, atMs: number): { readonly decision: Decision; readonly request: CedarRequest } {
    const request = cedarRequest(question, facts, atMs);
    const answer = authorize(policies, request);
    const { diagnostics } = answer;
    const allowed = isAllowed(answer);
    const reasons = [...diagnostics.errors.map(({ policyId }) => policyId), ...diagnostics.reason].sort();
    if (!allowed) return { decision: refusal(question, reasons), request };
    const emergencyAccess = emergencyThatCounts(request);
    return {
      decision: { allowed, policies: reasons, ...(emergencyAccess && { emergencyAccess }) },
      request,
    };

    /** The emergency access without which it would have been refused. */
    function emergencyThatCounts({ context }: CedarRequest): string | undefined {
      const { resource, principal } = question;
      const { emergency } = context;
      if (resource.kind !== 'patient' || emergency !== true) return undefined;
      const without = authorize(policies, { ...request, context: { ...context, emergency: false } });
      return isAllowed(without) ? undefined : facts.emergencyOf(principal.userId, resource.patientId, atMs)?.id;
    }
  }

  function refusal({ principal, action }: Question, reasons: readonly string[]): Decision {
    const needed = rolesFor(policies, action);
    // Whoever has no such role is told that first: nothing else would help.
    if (!principal.roles.some((role) => needed.includes(role)))
      return { allowed: false, policies: reasons, needs: needed };
    const obligations = reasons.map((id) => policies.all.get(id)?.obligation);
    // One wall that nothing opens is enough.
    if (obligations.includes(undefined)) return { allowed: false, policies: reasons };
    const obligation = obligations.includes('second-factor') ? 'second-factor' : 'break-glass';
    if (obligation === 'break-glass' && !mayBreakGlass(principal)) return { allowed: false, policies: reasons };
    return { allowed: false, policies: reasons, obligation };
  }

  const mayBreakGlass = (principal: Subject): boolean =>
    decide({ principal, action: 'break-glass.use', resource: { kind: 'door' } }).allowed;

  return {
    decide,
    explain(question): Explanation {
      const { decision, request } = ask(question, question.context?.atMs ?? now());
      return {
        ...decision,
        rules: decision.policies.flatMap((id) => policies.all.get(id) ?? []),
        attributes: attributesInWords(request),
      };
    },
  };
}

/** Which role alone would open the door to it: a matter of the policies, asked of them once. */
function rolesFor(policies: Policies, action: Action): readonly Role[] {
  const known = needs.get(policies) ?? new Map<Action, readonly Role[]>();
  needs.set(policies, known);
  const before = known.get(action);
  if (before !== undefined) return before;
  const found = ACCOUNT_ROLES.filter((role) => {
    const request = cedarRequest({ principal: roleAlone(role), action, resource: { kind: 'door' } }, NO_FACTS, 0);
    return isAllowed(authorize(policies, request));
  });
  known.set(action, found);
  return found;
}

const needs = new WeakMap<Policies, Map<Action, readonly Role[]>>();

/** A policy that cannot be evaluated may be the one that forbids: Cedar leaves it out, we do not. */
function isAllowed({ decision, diagnostics }: Response): boolean {
  return decision === 'allow' && diagnostics.errors.length === 0;
}

interface Kept {
  readonly decision: Decision;
  /** Of the facts it rests on. */
  readonly version: number;
  readonly atMs: number;
}

function authorize({ setId }: Policies, { entities, ...request }: CedarRequest): Response {
  const answer = statefulIsAuthorized({ ...request, entities: [...entities], preparsedPolicySetId: setId });
  // Cedar could not read what it was asked: a bug of ours, never a yes.
  if (answer.type === 'failure') throw new Error(`Cedar: ${answer.errors.map(({ message }) => message).join('; ')}`);
  return answer.response;
}

/** Everything about a subject that a policy can look at, or that what it looks at is found by. */
function subjectKey(subject: Subject): string {
  const { userId, roles, wardIds, tenantId, kind, authenticatedAtMs, mfaAtMs, purpose, scopes } = subject;
  return JSON.stringify([userId, tenantId, kind, authenticatedAtMs, mfaAtMs, purpose, roles, wardIds, scopes]);
}

function resourceKey(resource: ResourceRef): string {
  const tenantId = ('tenantId' in resource ? resource.tenantId : undefined) ?? '';
  switch (resource.kind) {
    case 'door':
      return 'door';
    case 'house':
      return `house ${tenantId}`;
    case 'ward':
      return `ward ${resource.wardId ?? '~'} ${tenantId}`;
    case 'patient':
      return `patient ${resource.patientId} ${resource.wardId ?? ''} ${tenantId}`;
    case 'device':
      return `device ${resource.deviceId} ${resource.wardId ?? ''} ${tenantId}`;
    case 'emergency-access':
      return `emergency ${resource.id} ${resource.by} ${tenantId}`;
    default:
      return resource satisfies never;
  }
}
