import { type Response, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import { ACCOUNT_ROLES, type Action, type Role } from '../domain/access.ts';
import { type AccessFacts, NO_FACTS } from './access-facts.ts';
import { attributesInWords } from './attributes-in-words.ts';
import { type CedarRequest, cedarRequest } from './cedar-request.ts';
import {
  type Decision,
  type Decisions,
  type Explanation,
  OBLIGATIONS,
  type Question,
  type ResourceRef,
  type Subject,
} from './decisions.ts';
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
  readonly hooks?: { decided?(from: 'memory' | 'same' | 'policies', isAllowed: boolean): void };
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
    if (context?.atMs !== undefined)
      return judge(question, cedarRequest(question, { facts, policies, atMs: context.atMs }), context.atMs);
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
    const request = cedarRequest(question, { facts, policies, atMs: nowMs });
    const shown = JSON.stringify([request.context, request.entities, request.consent]);
    // The policies would be shown the same as before: they would say the same.
    const isSame = known !== undefined && known.shown === shown && known.decision.emergencyAccess === undefined;
    const decision = isSame ? known.decision : judge(question, request, nowMs);
    if (session.size >= PER_SESSION_MAX) session.clear();
    session.set(key, { decision, shown, version, atMs: nowMs });
    hooks?.decided?.(isSame ? 'same' : 'policies', decision.allowed);
    return decision;
  }

  function judge(question: Question, request: CedarRequest, atMs: number): Decision {
    const answer = authorize(request);
    const { diagnostics } = answer;
    const allowed = isAllowed(answer);
    const reasons = [...diagnostics.errors.map(({ policyId }) => policyId), ...diagnostics.reason].sort();
    const { consent } = request;
    if (!allowed) return { ...refusal(question, reasons), ...(consent !== undefined && { consent }) };
    const emergencyAccess = emergencyThatCounts();
    return {
      allowed,
      policies: reasons,
      ...(emergencyAccess !== undefined && { emergencyAccess }),
      ...(consent !== undefined && { consent }),
    };

    /** The emergency access without which it would have been refused. */
    function emergencyThatCounts(): string | undefined {
      const { resource, principal } = question;
      const { emergency } = request.context;
      if (resource.kind !== 'patient' || emergency !== true) return undefined;
      const without = authorize({ ...request, context: { ...request.context, emergency: false } });
      return isAllowed(without) ? undefined : facts.emergencyOf(principal.userId, resource.patientId, atMs)?.id;
    }
  }

  function refusal({ principal, action }: Question, reasons: readonly string[]): Decision {
    const needed = rolesFor(policies, action);
    // Whoever has no such role is told that first: nothing else would help.
    if (reasons.length === 0 || !principal.roles.some((role) => needed.includes(role)))
      return { allowed: false, policies: reasons, needs: needed };
    const obligations = reasons.map((id) => policies.all.get(id)?.obligation);
    // One wall that nothing opens is enough.
    if (obligations.includes(undefined)) return { allowed: false, policies: reasons };
    const obligation = OBLIGATIONS.find((one) => obligations.includes(one)) ?? 'break-glass';
    if (obligation === 'break-glass' && !mayBreakGlass(principal)) return { allowed: false, policies: reasons };
    return { allowed: false, policies: reasons, obligation };
  }

  const mayBreakGlass = (principal: Subject): boolean =>
    decide({ principal, action: 'break-glass.use', resource: { kind: 'door' } }).allowed;

  return {
    decide,
    patientsOf: ({ userId, launchPatientId }) =>
      launchPatientId === undefined ? facts.patientsOf(userId, now()) : new Set([launchPatientId]),
    explain(question): Explanation {
      const atMs = question.context?.atMs ?? now();
      const request = cedarRequest(question, { facts, policies, atMs });
      const decision = judge(question, request, atMs);
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
    const question = { principal: roleAlone(role), action, resource: { kind: 'door' } } as const;
    return isAllowed(authorize(cedarRequest(question, { facts: NO_FACTS, policies, atMs: 0 })));
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
  /** What the policies were shown. */
  readonly shown: string;
  /** Of the facts it rests on. */
  readonly version: number;
  readonly atMs: number;
}

function authorize({ principal, action, resource, context, entities, slice }: CedarRequest): Response {
  const asked = { principal, action, resource, context, entities: [...entities] };
  const answer = statefulIsAuthorized({ ...asked, preparsedPolicySetId: slice.setId });
  // Cedar could not read what it was asked: a bug of ours, never a yes.
  if (answer.type === 'failure') throw new Error(`Cedar: ${answer.errors.map(({ message }) => message).join('; ')}`);
  return answer.response;
}

/** Everything about a subject that a policy can look at, or that what it looks at is found by. */
function subjectKey(subject: Subject): string {
  const { userId, name, tenantId, kind, authenticatedAtMs, mfaAtMs, purpose, launchPatientId } = subject;
  const who = [userId, name, tenantId, kind, authenticatedAtMs, mfaAtMs, purpose, launchPatientId];
  return JSON.stringify([...who, subject.roles, subject.wardIds, subject.scopes]);
}

function resourceKey(resource: ResourceRef): string {
  const tenantId = ('tenantId' in resource ? resource.tenantId : undefined) ?? '';
  switch (resource.kind) {
    case 'door':
      return 'door';
    case 'installation':
      return 'installation';
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
