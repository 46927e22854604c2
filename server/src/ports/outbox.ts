import type { AlarmChange } from '../domain/alarm.ts';
import type { NotificationEvent } from '../domain/channel.ts';
import type { AlarmId, UserId } from '../domain/ids.ts';

/** What must be told: written in the alarm's own transaction, told by the notifier role, each delivery recorded. */
export interface Outbox {
  /** Takes up to `limit` deliveries that are due, leased until `leaseUntilMs`, so that two notifiers never send the same. */
  take(request: {
    readonly nowMs: number;
    readonly leaseUntilMs: number;
    readonly limit: number;
  }): Promise<readonly Delivery[]>;
  record(result: {
    readonly deliveryId: string;
    readonly attempt: number;
    readonly outcome: 'delivered' | 'retry' | 'failed';
    readonly detail: string;
    readonly atMs: number;
    /** When to try again; required for `retry`. */
    readonly nextAtMs?: number;
  }): Promise<void>;
  /** Turns outbox events not yet fanned out into one delivery per (event, channel, recipient). */
  fanOut(
    routes: (change: AlarmChange) => readonly { readonly channel: string; readonly recipient: string }[],
    nowMs: number,
  ): Promise<number>;
  /** Delivery records of one alarm, oldest first. */
  deliveries(alarmId: string): Promise<readonly DeliveryRecord[]>;
}

export interface Delivery {
  readonly deliveryId: string;
  readonly change: AlarmChange;
  readonly channel: string;
  readonly recipient: string;
  /** 1 for the first. */
  readonly attempt: number;
}

export interface DeliveryRecord {
  readonly deliveryId: string;
  readonly channel: string;
  readonly recipient: string;
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  readonly lastDetail?: string;
  readonly updatedAtMs: number;
}

/** For whoever decides who is told beside the subscriptions: escalation. */
export interface DeliveryOrders {
  /** One delivery for each order whose `dedupeKey` is new; answers how many are. An unknown alarm makes none. */
  enqueue(orders: readonly DeliveryOrder[], nowMs: number): Promise<number>;
}

export interface DeliveryOrder {
  readonly alarmId: AlarmId;
  readonly event: NotificationEvent;
  readonly channel: string;
  readonly recipient: string;
  /** Whose contact it is, where it is a person's. */
  readonly userId?: UserId;
  /** The same for the same order, however often it is given: `execution:state:attempt` and the recipient. */
  readonly dedupeKey: string;
}
