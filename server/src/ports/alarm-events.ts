import type { AlarmEventFacts, EventDetail, EventRoute } from '../domain/alarm-event.ts';
import type { TenantId, UserId } from '../domain/ids.ts';
import type { SecurityEventFacts } from '../domain/security-event.ts';
import type { DeliveryOutcome } from './notifier.ts';

/**
 * What happened to alarms, in one order that never changes: an event is written in the transaction of its change, and
 * gets its position afterwards, when nothing that began before it can still be under way. Whoever has read up to a
 * position has missed nothing before it.
 */
export interface AlarmEvents {
  /** Gives positions to all that was committed since; answers how many. Harmless to call from several processes. */
  sequence(): Promise<number>;
  /** With `position > after`, oldest first. */
  read(query: { readonly after: number; readonly limit: number }): Promise<readonly StoredEvent[]>;
  /** The position of the newest; 0 for none. */
  head(): Promise<number>;
  /** The last position before that moment; 0 for none. */
  positionBefore(atMs: number): Promise<number>;
  /** Forgets what is older, except what a subscription still waits for; answers how many. */
  forget(beforeMs: number): Promise<number>;
}

export interface StoredEvent {
  readonly position: number;
  readonly id: string;
  readonly atMs: number;
  /** Of an alarm; or of a security alert (`about`). */
  readonly facts: AlarmEventFacts | SecurityEventFacts;
  /** In which organisation. Absent: the first one. */
  readonly tenantId?: TenantId;
}

/** Who is sent events, and how far each has come. */
export interface EventSubscriptions {
  list(): Promise<readonly EventSubscriptionRecord[]>;
  add(subscription: {
    readonly name: string;
    readonly url: string;
    readonly secret: string;
    readonly detail: EventDetail;
    readonly party?: string;
    readonly routes: readonly EventRoute[];
    readonly position: number;
    readonly by: string;
    /** Whose right stands behind `detail`. */
    readonly grantedBy: UserId;
    readonly atMs: number;
  }): Promise<EventSubscriptionRecord>;
  /** Undefined: there is none. A change of anything lifts a refusal and tries again at once. */
  change(id: string, change: SubscriptionChange): Promise<EventSubscriptionRecord | undefined>;
  remove(id: string): Promise<boolean>;

  /** Subscriptions that are behind and due, each leased to the caller until then. */
  take(request: {
    readonly nowMs: number;
    readonly leaseUntilMs: number;
    readonly limit: number;
  }): Promise<readonly EventSubscriptionRecord[]>;
  /**
   * How far it has come, or why not, under the lease it was taken with; ends the lease unless it is extended. Answers
   * false, and changes nothing, where the lease is another's by now or the subscription was moved meanwhile.
   */
  record(progress: {
    readonly id: string;
    readonly lease: string;
    readonly position: number;
    readonly atMs: number;
    readonly outcome:
      | { readonly kind: 'delivered' | 'passed'; readonly leaseUntilMs?: number }
      | { readonly kind: 'retry'; readonly reason: string; readonly nextAtMs: number }
      | { readonly kind: 'refused'; readonly reason: string };
  }): Promise<boolean>;
}

export type SubscriptionChange = {
  readonly grantedBy?: UserId;
  readonly name?: string;
  readonly url?: string;
  readonly secret?: string;
  readonly detail?: EventDetail;
  readonly routes?: readonly EventRoute[];
  readonly isPaused?: boolean;
  /** Again, or further on, from there. */
  readonly position?: number;
};

export interface EventSubscriptionRecord {
  readonly id: string;
  /** Whose: of other organisations it is sent nothing. Absent: the first one's. */
  readonly tenantId?: TenantId;
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  readonly detail: EventDetail;
  /** Outside the house: more than the place is sent of those who consent to sharing with it. */
  readonly party?: string;
  /** Whoever set it up last: more than the place is sent as long as they may see that themselves. Absent: nobody. */
  readonly grantedBy?: UserId;
  readonly routes: readonly EventRoute[];
  readonly position: number;
  readonly isPaused: boolean;
  /** The receiver wants no more. */
  readonly isRefused: boolean;
  readonly failures: number;
  readonly failingSinceMs?: number;
  readonly lastFailure?: string;
  readonly lastDeliveredAtMs?: number;
  /** Of `take`. */
  readonly lease?: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
}

/** Brings one event to one receiver. */
export interface EventCarrier {
  carry(delivery: {
    readonly url: string;
    readonly secret: string;
    readonly id: string;
    readonly body: string;
    readonly signal: AbortSignal;
  }): Promise<DeliveryOutcome>;
}
