import type { AlarmKind, Priority } from '../domain/alarm.ts';
import type { ChannelType, NotificationEvent } from '../domain/channel.ts';

/** One channel that can tell somebody something. */
export interface Notifier {
  /** The configured name, e.g. `slack-icu`: several of one type may exist. */
  readonly channel: string;
  readonly type: ChannelType;
  /**
   * Sends once. `idempotencyKey` is the same for every attempt of the same message: a channel that can, uses it to
   * suppress a second delivery. Never throws: a refusal, a silence and a broken connection are outcomes. Gives up when
   * the signal says so.
   */
  send(
    message: Notification,
    options: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ): Promise<DeliveryOutcome>;
}

/** What may leave the house: decided by `domain/message-policy.ts` under the channel's policy. */
export interface Notification {
  readonly subject: string;
  readonly text: string;
  /** The structured form for machine channels; holds nothing that `text` may not hold. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  readonly recipient: string;
  readonly event: NotificationEvent;
  /** Which alarm it is about; absent for `summary`, `verification` and `test`. */
  readonly alarm?: NotifiedAlarm;
  /** Where a person can see it and answer. */
  readonly wallUrl?: string;
  /**
   * What an answer must bring back to acknowledge: opaque, unguessable, expiring, bound to this alarm and recipient, and
   * new with every attempt. Absent where the policy allows no answer.
   */
  readonly answerToken?: string;
  /**
   * The receipt of the latest delivery of the same alarm to the same recipient, so that a message can be changed in
   * place, or an incident resolved.
   */
  readonly earlierReceipt?: string;
  /** Only where the channel's policy says so. */
  readonly rich?: RichContent;
}

export interface NotifiedAlarm {
  /** An alarm's id, or a system alarm's. */
  readonly id: string;
  readonly priority: Priority;
  readonly kind: AlarmKind;
  readonly raisedAtMs: number;
}

export interface RichContent {
  readonly html: string;
  /** Shown in the HTML as `cid:<cid>`. */
  readonly images: readonly { readonly cid: string; readonly png: Uint8Array; readonly alt: string }[];
}

/** `reason` may be shown and logged: a code or status, never the other side's words, an address or a secret. */
export type DeliveryOutcome =
  | {
      readonly kind: 'delivered';
      /** What the other side calls it, for later receipts and updates. At most 500 characters. */
      readonly receipt?: string;
    }
  /** May succeed later; `retryAfterMs` is what the other side asked for. */
  | { readonly kind: 'transient'; readonly reason: string; readonly retryAfterMs?: number }
  /** Will not succeed however often it is tried. */
  | { readonly kind: 'permanent'; readonly reason: string };
