import type { FastifyReply } from 'fastify';
import type { WardId } from '../domain/ids.ts';
import type { Principal } from '../identity/sessions.ts';
import { sendProblem } from './problem.ts';
import { seesWard, seesWholeHouse, wardsToShow } from './ward-scope.ts';

/**
 * Whether whoever asks may do what their route is for with an account, a service account or a key that has these wards.
 * Whoever was given wards has to do with those who were given some of the same and none besides: somebody who was given
 * none sees all of them, and would be their way into the other wards.
 */
export function reachesAccount(principal: Principal, wardIds: readonly WardId[]): boolean {
  if (principal.wardIds.length === 0 || wardIds.length === 0) return seesWholeHouse(principal);
  return wardIds.every((wardId) => seesWard(principal, wardId));
}

/** To whose wards a list of accounts is narrowed; undefined: no narrowing. */
export function accountsWithin(principal: Principal): readonly WardId[] | undefined {
  return wardsToShow(principal, undefined);
}

export function isWithin(within: readonly WardId[] | undefined, wardIds: readonly WardId[]): boolean {
  return within === undefined || (wardIds.length > 0 && wardIds.every((wardId) => within.includes(wardId)));
}

export function refuseBeyond(reply: FastifyReply): FastifyReply {
  const detail = 'You can give the wards that you have: name some of these, and no others.';
  return sendProblem(reply, {
    status: 403,
    code: 'other-ward',
    detail,
    errors: [{ code: 'other-ward', field: 'wards', detail }],
  });
}
