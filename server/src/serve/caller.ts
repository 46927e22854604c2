import type { Decision, Decisions, ResourceRef } from '../access/decisions.ts';
import type { Action } from '../domain/access.ts';
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

const DOOR: ResourceRef = { kind: 'door' };
const NOBODY: Decision = { allowed: false, policies: [] };
