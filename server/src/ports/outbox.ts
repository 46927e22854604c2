import type { Alarm, AlarmChange, Priority } from '../domain/alarm.ts';
import type { NotificationEvent } from '../domain/channel.ts';
import type { AlarmId, UserId } from '../domain/ids.ts';
import type { OtherPage } from '../domain/told-together.ts';
import type { Recipient } from '../domain/topic.ts';
import type { ReceiptState } from './alarm-answers.ts';
import type { SystemAlarm } from './system-alarms.ts';

/** What must be told: written in the alarm's own transaction, told by the notifier role, each delivery recorded. */
export interface Outbox extends DeliveryOrders {
  /**
   * Turns changes of alarms that were not fanned out yet into deliveries, one per (change, channel, recipient). `plan` is
   * asked once per batch, and only where there is something; it answers for each change in the same order.
   *
   * What was told with a page of one of these alarms goes out by itself if that alarm no longer calls: the latest for each
   * alarm and recipient.
   */
  fanOut(plan: (changes: readonly AlarmChange[]) => Promise<readonly FanOutPlan[]>, nowMs: number): Promise<number>;

  /** Of an alarm of the installation: once per raising, channel and recipient. */
  enqueueSystem(alarm: SystemAlarm, recipients: readonly Recipient[], nowMs: number): Promise<number>;

  /**
   * Takes up to `limit` deliveries that are due, the urgent ones first, leased until `leaseUntilMs`, so that two notifiers
   * never send the same.
   */
  take(request: {
    readonly nowMs: number;
    readonly leaseUntilMs: number;
    readonly limit: number;
    /** How far apart pages may be that are told together; 0: none are. */
    readonly togetherMs?: number;
  }): Promise<readonly Delivery[]>;

  /**
   * Told with the page of another alarm of the same patient (`domain/told-together.ts`): taken as told, unless that page
   * no longer stands for it, asked for in the same moment. False: it does not, and this one is due at once.
   */
  tellWith(told: {
    readonly deliveryId: string;
    readonly attempt: number;
    /** The delivery that told it. */
    readonly toldWith: string;
    readonly atMs: number;
  }): Promise<boolean>;

  /** What became of an attempt. One whose lease ran out changes nothing, unless it delivered. */
  record(result: DeliveryResult): Promise<void>;

  /**
   * Where this delivery and others to the same recipient wait, at least `atLeast` in all, drops them for one summary,
   * taken by the caller. Only events in `events`, of alarms that are open and nobody's; never a high alarm's first words
   * (`mustGo`).
   */
  summarise(request: {
    readonly delivery: Pick<Delivery, 'deliveryId' | 'channel' | 'recipient'>;
    readonly events: readonly NotificationEvent[];
    readonly neverHigh: readonly NotificationEvent[];
    readonly atLeast: number;
    readonly nowMs: number;
    readonly leaseUntilMs: number;
  }): Promise<Delivery | undefined>;

  /** A receipt that came later. The delivery it is about; undefined: nobody's. */
  noteReceipt(receipt: {
    readonly channel: string;
    readonly receipt: string;
    readonly state: ReceiptState;
    readonly detail?: string;
    readonly atMs: number;
  }): Promise<{ readonly deliveryId: string; readonly recipient: string; readonly isNew: boolean } | undefined>;

  /** What this address was told of last. */
  latestTo(to: {
    readonly channel: string;
    readonly recipient: string;
  }): Promise<{ readonly alarmId?: AlarmId; readonly event: NotificationEvent; readonly atMs: number } | undefined>;

  /** Whether this alarm was told to this address. */
  wasTold(about: {
    readonly alarmId: AlarmId;
    readonly channel: string;
    readonly recipient?: string;
  }): Promise<boolean>;

  /** Delivery records of one alarm, oldest first. */
  deliveries(alarmId: string): Promise<readonly DeliveryRecord[]>;

  /** How each channel that was ever used fares. */
  traffic(): Promise<readonly ChannelTraffic[]>;
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
  /** Never told with another page: somebody asked for it, or everything else has failed. */
  readonly insists?: true;
}

export interface FanOutPlan {
  /** Absent: this change is told to nobody. */
  readonly event?: NotificationEvent;
  readonly recipients: readonly Recipient[];
  /** Channels on which whoever was told of this alarm before is told this too. */
  readonly followUpOn: readonly string[];
}

export interface Delivery {
  readonly deliveryId: string;
  readonly event: NotificationEvent;
  readonly channel: string;
  readonly recipient: string;
  readonly userId?: UserId;
  readonly priority: Priority;
  /** 1 for the first. */
  readonly attempt: number;
  readonly orderedAtMs: number;
  readonly isFollowUp: boolean;
  readonly insists: boolean;
  readonly about: DeliverySubject;
}

export type DeliverySubject =
  | {
      readonly kind: 'alarm';
      /** As it is now. */
      readonly alarm: Alarm;
      /** As it was when this was to be told; absent where it was ordered since. */
      readonly change?: AlarmChange;
      /** Of the deliveries of this alarm to this recipient that were ordered before. */
      readonly earlier: EarlierDeliveries;
      /** Of other alarms of this patient to this recipient; none where this one is told in any case. */
      readonly lately: LatelyTold;
    }
  | { readonly kind: 'system'; readonly alarm: SystemAlarm }
  | { readonly kind: 'summary'; readonly count: number };

export interface EarlierDeliveries {
  readonly wasDelivered: boolean;
  readonly isPending: boolean;
  readonly wasToldOfRaising: boolean;
  /** When the latest was ordered that was delivered or is under way, and was no follow-up. */
  readonly latestOrderedAtMs?: number;
  /** Of the latest that was delivered. */
  readonly receipt?: string;
}

export interface LatelyTold {
  readonly others: readonly OtherPage[];
  /** When an alarm of this patient was last taken. */
  readonly takenAtMs?: number;
}

export interface DeliveryResult {
  readonly deliveryId: string;
  readonly attempt: number;
  readonly outcome:
    | { readonly kind: 'delivered'; readonly receipt?: string }
    | { readonly kind: 'retry'; readonly reason: string; readonly nextAtMs: number }
    | { readonly kind: 'failed'; readonly reason: string }
    /** Not worth sending any more. */
    | { readonly kind: 'dropped'; readonly reason: string }
    /** It was not tried: it waits, and this was no attempt. */
    | { readonly kind: 'deferred'; readonly reason: string; readonly untilMs: number };
  readonly atMs: number;
}

export interface DeliveryRecord {
  readonly deliveryId: string;
  readonly event: NotificationEvent;
  readonly channel: string;
  readonly recipient: string;
  readonly userId?: UserId;
  /** Of one that was told in a summary: the summary's. */
  readonly state: 'pending' | 'delivered' | 'failed' | 'dropped';
  readonly attempts: number;
  /** Why it waits, failed or was dropped; `summarised`: it was told together with others. */
  readonly lastDetail?: string;
  readonly orderedAtMs: number;
  readonly updatedAtMs: number;
  readonly deliveredAtMs?: number;
  readonly receipt?: string;
  readonly receiptState?: ReceiptState;
  readonly receiptAtMs?: number;
  /** Of one that was ordered. */
  readonly dedupeKey?: string;
  /** It was told with this page of another alarm: state and receipt are that one's. */
  readonly toldWith?: { readonly alarmId: AlarmId; readonly atMs: number };
}

export interface ChannelTraffic {
  readonly channel: string;
  readonly waiting: number;
  readonly oldestWaitingAtMs?: number;
  readonly lastDeliveredAtMs?: number;
  readonly lastFailedAtMs?: number;
  readonly lastFailure?: string;
}
