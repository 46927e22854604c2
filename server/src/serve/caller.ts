import type { Decision, Decisions, ResourceRef } from '../access/decisions.ts';
import type { Action } from '../domain/access.ts';
import type { PatientId } from '../domain/ids.ts';
import type { Principal } from '../identity/sessions.ts';

/**
 * Whoever passed the gate is bound to the one decision point, together with what their route asks for: so everything
 * further in asks there, and for that. A principal that came another way is refused everything.
 */
export function bindCaller(principal: Principal, bound: Bound): Principal {
  // One object per request: what is noted belongs to it alone.
  const own = { ...principal };
  callers.set(own, bound);
  return own;
}

export interface Bound {
  readonly decisions: Decisions;
  /** What the route asks for. */
  readonly action: Action;
  /** Every decision about a patient, a ward or a device that was taken on the way. */
  readonly note?: (resource: ResourceRef, decision: Decision) => void;
}

const callers = new WeakMap<Principal, Bound>();

/** May they do this; where no resource is named: at all, somewhere. */
export function may(principal: Principal, action: Action, resource: ResourceRef = DOOR): boolean {
  return decisionOn(principal, resource, action).allowed;
}

/** What their route asks for, with this. */
export function decisionOn(principal: Principal, resource: ResourceRef, action?: Action): Decision {
  const bound = callers.get(principal);
  if (bound === undefined) return NOBODY;
  const decision = bound.decisions.decide({ principal, action: action ?? bound.action, resource });
  // What is asked on the side, such as whether notes are shown too, is not what the request was about.
  if (action === undefined || action === bound.action) bound.note?.(resource, decision);
  return decision;
}

/** In their care by the plan, or opened by them in an emergency, wherever they lie; of these whom their route shows. */
export function patientsOf(principal: Principal): readonly PatientId[] {
  const bound = callers.get(principal);
  if (bound === undefined) return [];
  const { decisions, action } = bound;
  // Not noted: a request for a list is about none of them in particular.
  const isShown = (patientId: PatientId) =>
    decisions.decide({ principal, action, resource: { kind: 'patient', patientId } }).allowed;
  return [...decisions.patientsOf(principal)].filter(isShown);
}

/** Whether what their route asks for is theirs with this patient, for a list: a request for one is about none of them. */
export function isOpenTo(principal: Principal, patientId: PatientId): boolean {
  const bound = callers.get(principal);
  const resource = { kind: 'patient', patientId } as const;
  return bound?.decisions.decide({ principal, action: bound.action, resource }).allowed === true;
}

const DOOR: ResourceRef = { kind: 'door' };
const NOBODY: Decision = { allowed: false, policies: [] };
