import type { Role } from '../domain/access.ts';
import { DEFAULT_TENANT, type UserId } from '../domain/ids.ts';
import type { Subject } from './decisions.ts';

/** Somebody who has this role and nothing else, where one shows it. */
export function roleAlone(role: Role): Subject {
  const kind = role === 'integration' ? 'api' : role === 'device' ? 'device' : 'session';
  return { userId: `role:${role}` as UserId, roles: [role], wardIds: [], tenantId: DEFAULT_TENANT, kind };
}
