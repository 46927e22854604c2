import type { FastifyReply } from 'fastify';
import { isFresh } from '../domain/factor.ts';
import type { Principal } from '../identity/sessions.ts';
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
