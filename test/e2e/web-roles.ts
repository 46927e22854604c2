import { rolesMay } from '../../server/src/access/role-decisions.ts';
import { ACTION_NAMES, ROLES } from '../../server/src/domain/access.ts';

/** What a role may do, asked of the server's own policies: a ward that is played must not grant more or less. */
export function actionsOf(role: string): readonly string[] {
  const known = ROLES.find((each) => each === role);
  if (known === undefined) throw new Error(`no such role: ${role}`);
  return ACTION_NAMES.filter((action) => rolesMay([known], action));
}
