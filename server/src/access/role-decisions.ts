import { ACCOUNT_ROLES, type Action, type Role } from '../domain/access.ts';
import type { WardId } from '../domain/ids.ts';
import { NO_FACTS } from './access-facts.ts';
import { createDecisions } from './cedar-decisions.ts';
import type { Decisions } from './decisions.ts';
import { openPolicies, type Policies } from './policy-files.ts';
import { roleAlone } from './role-alone.ts';

/**
 * Whether these roles open the door to an action at all, by the policies alone: for what a page shows or hides, and whom
 * one would tell. Whether somebody may do it to somebody now, `Decisions` says.
 */
export function rolesMay(roles: readonly Role[], action: Action): boolean {
  return roles.some((role) => roleMay(role, action));
}

/** The same of whoever was given these wards: some things are of all wards, and theirs who were given none. */
export function rolesMayIn(wardIds: readonly WardId[], roles: readonly Role[], action: Action): boolean {
  return roles.some((role) => roleMay(role, action, roleAlone(role).kind, wardIds.slice(0, 1)));
}

/** The same of a key or an app that acts for them: some things are a person's who is there. */
export function programMay(roles: readonly Role[], action: Action): boolean {
  return roles.some((role) => roleMay(role, action, 'api'));
}

/** Which roles open that door. */
export const rolesFor = (action: Action): readonly Role[] => ACCOUNT_ROLES.filter((role) => roleMay(role, action));

/** The policies are constants of a process, and so is what they say of a role alone. */
const known = new Map<string, boolean>();
let decisions: Decisions | undefined;

/** Where the house has policies of its own: from now on by these. Said once, before anybody is asked about. */
export function rolesGoBy(policies: Policies): void {
  known.clear();
  decisions = createDecisions({ policies, facts: NO_FACTS, now: () => 0 });
}

function roleMay(role: Role, action: Action, kind = roleAlone(role).kind, wardIds: readonly WardId[] = []): boolean {
  // At a door it is asked whether somebody was given wards, not which.
  const key = `${role} ${action} ${kind} ${wardIds.length === 0}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  decisions ??= createDecisions({ policies: openPolicies(), facts: NO_FACTS, now: () => 0 });
  const principal = { ...roleAlone(role), kind, wardIds };
  const { allowed } = decisions.decide({ principal, action, resource: { kind: 'door' } });
  known.set(key, allowed);
  return allowed;
}
