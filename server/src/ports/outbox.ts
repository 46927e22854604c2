import type { AlarmChange } from '../domain/alarm.ts';

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
