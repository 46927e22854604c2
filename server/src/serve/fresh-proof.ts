import type { FastifyReply, FastifyRequest } from 'fastify';
import { isFresh } from '../domain/factor.ts';
import type { UserId } from '../domain/ids.ts';
import type { Principal } from '../identity/sessions.ts';
import { principalOf } from './access-gate.ts';
import { sendProblem } from './problem.ts';

/** Long enough for one piece of work on accounts or keys, too short for a screen that was left. */
export const FRESH_MS = 10 * 60_000;

/**
 * Whether whoever asks has just shown who they are: by a second factor where they have one, by their password where they
 * have none. Keys and tokens cannot be asked again; they are narrowed by their scopes instead.
 */
export function hasFreshProof(
  principal: Principal,
  { hasFactor, nowMs }: { readonly hasFactor: boolean; readonly nowMs: number },
): boolean {
  if (principal.kind === 'api') return false;
  return isFresh(hasFactor ? principal.mfaAtMs : principal.authenticatedAtMs, nowMs, FRESH_MS);
}

export function refuseStale(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, {
    status: 403,
    code: 'fresh-proof-needed',
    detail: 'Show once more that it is you: with your second factor, or your password where you have none.',
  });
}

/**
 * For routes that change who may come in: false when the answer has been sent. A key or token cannot be asked again; what
 * it may do was narrowed when it was made, and its routes are written down like everybody's.
 */
export type FreshProof = (request: FastifyRequest, reply: FastifyReply) => Promise<boolean>;

export function createFreshProof(options: {
  readonly hasFactor: (userId: UserId) => Promise<boolean>;
  readonly now: () => number;
}): FreshProof {
  return async (request, reply) => {
    const principal = principalOf(request);
    if (principal.kind === 'api') return true;
    const hasFactor = await options.hasFactor(principal.userId);
    if (hasFreshProof(principal, { hasFactor, nowMs: options.now() })) return true;
    refuseStale(reply);
    return false;
  };
}
