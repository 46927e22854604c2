import type { ChannelPolicy } from '../../domain/message-policy.ts';
import {
  admit,
  type Bucket,
  fullBucket,
  isCrowded,
  isFull,
  type Rank,
  type RateLimit,
} from '../../domain/rate-limit.ts';

/**
 * How fast may be told: a bucket per channel and per recipient, in memory. A restart begins with full ones, and a second
 * notifier process has its own: the limits keep people and the other side from being flooded, they are no guarantee.
 */
export interface Limiter {
  /** 'go', or until when to wait. `isCrowded`: others to this recipient had to wait lately. */
  admit(request: {
    readonly channel: string;
    readonly recipient: string;
    readonly limits: ChannelPolicy['limits'];
    readonly rank: Rank;
    readonly mustGo: boolean;
    readonly nowMs: number;
  }): { readonly kind: 'go'; readonly isCrowded: boolean } | { readonly kind: 'wait'; readonly untilMs: number };
}

/** Recipients remembered: more than a house has. Those whose buckets are full again are forgotten first. */
const RECIPIENTS_MAX = 20_000;

export function createLimiter(): Limiter {
  const channels = new Map<string, Bucket>();
  const recipients = new Map<string, Bucket>();
  return {
    admit({ channel, recipient, limits, rank, mustGo, nowMs }) {
      const key = `${channel}\n${recipient}`;
      const request = { nowMs, rank, mustGo };
      const theirs = recipients.get(key) ?? fullBucket(limits.recipient, nowMs);
      const own = admit(theirs, limits.recipient, request);
      if (own.kind === 'wait') {
        remember(recipients, key, own.bucket, limits.recipient, nowMs);
        return { kind: 'wait', untilMs: own.untilMs };
      }
      const all = admit(channels.get(channel) ?? fullBucket(limits.channel, nowMs), limits.channel, request);
      channels.set(channel, all.bucket);
      // The recipient's token is not spent by what the channel holds back.
      if (all.kind === 'wait') return { kind: 'wait', untilMs: all.untilMs };
      remember(recipients, key, own.bucket, limits.recipient, nowMs);
      return { kind: 'go', isCrowded: isCrowded(theirs, nowMs) };
    },
  };
}

function remember(buckets: Map<string, Bucket>, key: string, bucket: Bucket, limit: RateLimit, nowMs: number): void {
  buckets.delete(key);
  buckets.set(key, bucket);
  if (buckets.size <= RECIPIENTS_MAX) return;
  for (const [other, each] of buckets) {
    if (buckets.size <= RECIPIENTS_MAX / 2) return;
    if (isFull(each, limit, nowMs)) buckets.delete(other);
  }
  // All of them busy: the longest unused give way.
  for (const other of buckets.keys()) {
    if (buckets.size <= RECIPIENTS_MAX) return;
    buckets.delete(other);
  }
}
