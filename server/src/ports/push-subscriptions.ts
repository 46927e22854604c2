import type { UserId } from '../domain/ids.ts';

/** The browsers that people let us push to (RFC 8030). */
export interface PushSubscriptions {
  /**
   * Keeps one, or takes it over: an endpoint belongs to one browser, and whoever signed in there last gets its messages.
   * `full` when the person has as many as one may have.
   */
  put(subscription: PushSubscription): Promise<'kept' | 'full'>;
  of(userId: UserId): Promise<readonly PushSubscription[]>;
  /** Only that person's own; false: not there. */
  remove(userId: UserId, endpoint: string): Promise<boolean>;
  /** The push service said that it is gone (404, 410): whoever it belonged to. */
  removeGone(id: string): Promise<void>;
}

/** More than phone, tablet and two workstations is a browser that forgets and subscribes anew. */
export const PUSH_SUBSCRIPTIONS_MAX = 10;

export interface PushSubscription {
  /** Made from the endpoint, safe to show and to log. */
  readonly id: string;
  readonly userId: UserId;
  readonly endpoint: string;
  /** The browser's public key: 65 octets, uncompressed P-256, base64url. */
  readonly p256dh: string;
  /** The authentication secret shared with the browser: 16 octets, base64url. */
  readonly auth: string;
  readonly createdAtMs: number;
}
