/** What an execution may grow to: Step Functions' own quotas, so that what runs here runs there. */
export const LIMITS = {
  /** Input, output and result of a state, as UTF-8 JSON. */
  payloadBytesMax: 262_144,
  /** Events in an execution's history; one that goes on beyond fails. */
  eventsMax: 25_000,
  /** The source of a definition. */
  definitionBytesMax: 1_048_576,
  /** Any number of seconds in a definition: three years. */
  secondsMax: 99_999_999,
  /**
   * Transitions of one execution without waiting for anything; then others have their turn. Ours: a loop of Pass and
   * Choice must not hold the process.
   */
  transitionsAtOnceMax: 500,
} as const;
