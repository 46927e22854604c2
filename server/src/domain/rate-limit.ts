/**
 * A token bucket: `burst` at once, then `perMinute`. What must not wait takes its token in advance, so that what may wait
 * waits longer. Deferred messages get the moments at which there will be tokens for them, urgent ones before others, so
 * that a thousand that wait are not all tried every second.
 */
export interface RateLimit {
  readonly burst: number;
  readonly perMinute: number;
}

export interface Bucket {
  /** Below zero after something that could not wait. */
  readonly tokens: number;
  readonly atMs: number;
  /** By rank: the last moment promised to something of this rank, or a more urgent one. */
  readonly promisedMs: readonly [high: number, medium: number, low: number];
}

/** 0: high, 1: medium, 2: low. */
export type Rank = 0 | 1 | 2;

export function fullBucket({ burst }: RateLimit, nowMs: number): Bucket {
  return { tokens: burst, atMs: nowMs, promisedMs: [NEVER, NEVER, NEVER] };
}

const NEVER = Number.NEGATIVE_INFINITY;

/** Something had to wait, and its moment is now or still to come. */
export function isCrowded(bucket: Bucket, nowMs: number): boolean {
  return bucket.promisedMs.some((ms) => ms >= nowMs);
}

/** Idle for so long that it is as good as new: need not be remembered. */
export function isFull(bucket: Bucket, limit: RateLimit, nowMs: number): boolean {
  return filled(bucket, limit, nowMs).tokens >= limit.burst && bucket.promisedMs.every((ms) => ms <= nowMs);
}

export type Admission =
  | { readonly kind: 'go'; readonly bucket: Bucket }
  | { readonly kind: 'wait'; readonly untilMs: number; readonly bucket: Bucket };

/** `mustGo`: may not wait, whatever the limit. */
export function admit(
  bucket: Bucket,
  limit: RateLimit,
  request: { readonly nowMs: number; readonly rank: Rank; readonly mustGo: boolean },
): Admission {
  const now = filled(bucket, limit, request.nowMs);
  if (request.mustGo || now.tokens >= 1)
    // The debt is bounded by a burst: a hundred high alarms must not silence everything else for an hour.
    return { kind: 'go', bucket: { ...now, tokens: Math.max(-limit.burst, now.tokens - 1) } };
  const intervalMs = 60_000 / limit.perMinute;
  const earliestMs = request.nowMs + Math.ceil((1 - now.tokens) * intervalMs);
  const afterMs = (now.promisedMs[request.rank] as number) + intervalMs;
  const untilMs = Math.max(earliestMs, Math.ceil(afterMs));
  const promised = now.promisedMs.map((ms, rank) => (rank >= request.rank ? Math.max(ms, untilMs) : ms));
  return { kind: 'wait', untilMs, bucket: { ...now, promisedMs: promised as [number, number, number] } };
}

/** Time that runs backwards adds nothing and takes nothing. */
function filled(bucket: Bucket, { burst, perMinute }: RateLimit, nowMs: number): Bucket {
  const passedMs = Math.max(0, nowMs - bucket.atMs);
  return {
    ...bucket,
    tokens: Math.min(burst, bucket.tokens + (passedMs * perMinute) / 60_000),
    atMs: Math.max(bucket.atMs, nowMs),
  };
}
