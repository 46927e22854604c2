/** One channel that can tell somebody something. */
export interface Notifier {
  readonly channel: string;
  /**
   * Sends once. `idempotencyKey` is the same for every attempt of the same message: a channel that can, uses it to
   * suppress a second delivery. Never throws for a refusal by the other side.
   */
  send(
    message: Notification,
    options: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ): Promise<DeliveryOutcome>;
}

/** What may leave the house: decided by `domain/notification.ts` under the channel's policy. */
export interface Notification {
  readonly subject: string;
  readonly text: string;
  /** The structured form for machine channels; holds nothing that `text` may not hold. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  readonly recipient: string;
}

export type DeliveryOutcome =
  | { readonly kind: 'delivered'; readonly receipt?: string }
  | { readonly kind: 'transient'; readonly reason: string; readonly retryAfterMs?: number }
  | { readonly kind: 'permanent'; readonly reason: string };
