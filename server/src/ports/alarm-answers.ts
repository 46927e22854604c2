/** What comes back through a channel: somebody answers, or the other side says what became of a message. */
export interface AlarmAnswers {
  /**
   * Acknowledges in the name of the person behind `from`, with that person's rights. The same answer twice is harmless.
   * Only after the channel's own signature and replay checks have passed.
   */
  answer(answer: AlarmAnswer): Promise<AnswerOutcome>;
  /** What became of a delivered message. One that nobody knows is ignored. */
  receipt(receipt: {
    /** The configured name of the channel. */
    readonly channel: string;
    /** As the notifier gave it. */
    readonly receipt: string;
    readonly state: ReceiptState;
    /** A code, never words or addresses. */
    readonly detail?: string;
  }): Promise<void>;
}

export interface AlarmAnswer {
  readonly action: 'acknowledge';
  readonly by:
    | { readonly token: string }
    | { readonly alarmId: string }
    /** The alarm this address was told of last: for channels whose answers carry nothing, such as an SMS. */
    | { readonly latestTo: string };
  /** The configured name of the channel. */
  readonly channel: string;
  /** Who the channel says it was: a Slack user id, a phone number, a push subscription's address. */
  readonly from: string;
}

export type AnswerOutcome =
  | { readonly kind: 'done' | 'already'; readonly owner: string }
  | {
      readonly kind:
        | 'unknown-person' // no verified contact has this address
        | 'unknown-alarm' // no such alarm or token, or the latest message was about several
        | 'expired'
        | 'not-allowed'; // known, but not with this role, ward, or token
    };

/** `delivered`: it reached the person's device. `read`: it was opened. */
export type ReceiptState = 'delivered' | 'failed' | 'read';
