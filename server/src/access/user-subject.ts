import { DEFAULT_TENANT } from '../domain/ids.ts';
import type { User } from '../ports/accounts.ts';
import type { Subject } from './decisions.ts';

/** Somebody who is not here in a session: who answers by a channel, or for whom something is done. */
export function userSubject({ id, name, roles, wardIds, tenantId }: User): Subject {
  return { userId: id, name, roles, wardIds, tenantId: tenantId ?? DEFAULT_TENANT, kind: 'background' };
}

/** As if they had signed in this moment: for asking what they could do. */
export function sessionOfUser(user: User, nowMs: number): Subject {
  return {
    ...userSubject(user),
    kind: user.roles.includes('integration') ? 'api' : 'session',
    authenticatedAtMs: nowMs,
  };
}
