import { DEFAULT_TENANT, type TenantId, type UserId } from '../domain/ids.ts';
import type { User } from '../ports/accounts.ts';
import type { OAuthClient } from '../ports/oauth-clients.ts';
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

/** As if they stood here and had shown all they have: for whether what they granted once is theirs to grant still. */
export function grantingSubject(user: User, nowMs: number): Subject {
  return { ...sessionOfUser(user, nowMs), mfaAtMs: nowMs };
}

/** The same of a service, whose own id is that of its client. */
export function grantingService(client: OAuthClient): Subject {
  const { id, roles, wardIds, tenantId, scopes } = client;
  return { userId: `svc-${id}` as UserId, name: id, roles, wardIds, tenantId, scopes, kind: 'api' };
}

/** A party outside to whom something is sent, whether it has an account here or not: for what its patients share with it. */
export function partySubject(party: string, tenantId: TenantId = DEFAULT_TENANT): Subject {
  return {
    userId: `party:${party}` as UserId,
    name: party,
    roles: ['integration'],
    wardIds: [],
    tenantId,
    kind: 'background',
    purpose: 'sharing',
  };
}
