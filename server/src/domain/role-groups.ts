import { ACCOUNT_ROLES, type Role } from './access.ts';
import { parseWardId, type WardId } from './ids.ts';

/** What a group of the hospital's directory means here: `ICU-Nurses=nurse@w3`; without a ward, the whole house. */
export interface RoleGroup {
  readonly group: string;
  readonly role: Role;
  readonly wardId?: WardId;
}

/** Undefined for what is not written so. */
export function parseRoleGroup(text: string): RoleGroup | undefined {
  const [, group, role, ward] = /^([^=,]{1,200})=([a-z-]+)(?:@(.+))?$/.exec(text.trim()) ?? [];
  if (group === undefined || !ACCOUNT_ROLES.includes(role as Role)) return undefined;
  if (ward === undefined) return { group: group.trim(), role: role as Role };
  const wardId = parseWardId(ward);
  return wardId === undefined ? undefined : { group: group.trim(), role: role as Role, wardId };
}

/**
 * What somebody in these groups is here. In whose groups no ward is named sees the whole house; where one group names a
 * ward, only those that are named: a group too many never shows more patients.
 */
export function meaningOfGroups(
  known: readonly RoleGroup[],
  groups: readonly string[],
): { readonly roles: readonly Role[]; readonly wardIds: readonly WardId[] } {
  const meant = known.filter(({ group }) => groups.includes(group));
  return {
    roles: [...new Set(meant.map(({ role }) => role))],
    wardIds: [...new Set(meant.flatMap(({ wardId }) => wardId ?? []))],
  };
}
