/** What becomes of a delivery after one attempt. */
export type NextAttempt =
  | { readonly kind: 'retry'; readonly atMs: number }
  | { readonly kind: 'failed'; readonly reason: 'refused' | 'attempts-exhausted' | 'too-late' };

export interface RetryPolicy {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly attemptsMax: number;
  /** Counted from when the delivery was ordered. */
  readonly giveUpAfterMs: number;
}

/**
 * 1, 2, 4 … seconds, then every five minutes, for four hours at most: a mail server that is down overnight must not pour
 * out yesterday's alarms in the morning. 60 attempts are what fits.
 */
export const RETRY_BY_DEFAULT: RetryPolicy = {
  firstMs: 1_000,
  maxMs: 300_000,
  attemptsMax: 60,
  giveUpAfterMs: 4 * 3_600_000,
};

export function nextAttempt(
  attempt: {
    readonly number: number;
    readonly nowMs: number;
    readonly orderedAtMs: number;
    readonly outcome: { readonly kind: 'transient'; readonly retryAfterMs?: number } | { readonly kind: 'permanent' };
  },
  policy: RetryPolicy,
  random: number,
): NextAttempt {
  if (attempt.outcome.kind === 'permanent') return { kind: 'failed', reason: 'refused' };
  if (attempt.number >= policy.attemptsMax) return { kind: 'failed', reason: 'attempts-exhausted' };
  const waitMs = Math.max(backoffMs(attempt.number, policy, random), attempt.outcome.retryAfterMs ?? 0);
  const atMs = attempt.nowMs + waitMs;
  if (atMs > attempt.orderedAtMs + policy.giveUpAfterMs) return { kind: 'failed', reason: 'too-late' };
  return { kind: 'retry', atMs };
}

/**
 * How long to wait after the attempt of that number, from 1 on. `random` in [0, 1) spreads the retries of many (full
 * jitter over the upper half).
 */
export function backoffMs(
  number: number,
  { firstMs, maxMs }: Pick<RetryPolicy, 'firstMs' | 'maxMs'>,
  random: number,
): number {
  const fullMs = Math.min(firstMs * 2 ** Math.min(number - 1, 30), maxMs);
  return Math.round(fullMs * (0.5 + random / 2));
}
