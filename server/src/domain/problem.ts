/** What can be wrong with a reading. Stable: device makers and operators program against these codes. */
export type ProblemCode =
  | 'malformed-json' // not JSON, or not UTF-8
  | 'invalid-shape' // wrong type, unknown field, missing field
  | 'invalid-id'
  | 'invalid-time' // not RFC 3339 with a zone
  | 'clock-ahead' // further in the future than clocks may differ
  | 'too-old' // before anything this installation keeps
  | 'implausible-value' // outside what a living patient can show
  | 'unknown-unit' // not a UCUM unit of that vital
  | 'inconsistent-values' // e.g. diastolic not below systolic
  | 'no-values' // neither a vital nor a status: nothing to keep
  | 'foreign-device' // names another device than the one that authenticated
  | 'unknown-device'
  | 'no-assignment' // nobody wore the device at that time
  | 'unknown-profile'
  | 'mapping-failed' // the vendor's JSON does not hold what its profile says
  | 'too-large';

export interface Problem {
  readonly code: ProblemCode;
  /** JSON path of what is at fault, such as `vitals.heartRate`; empty for the whole. */
  readonly field: string;
  /** For a person, without patient data: what was expected, never the value received. */
  readonly detail: string;
}

/** What became of one reading. Only `accepted` and `duplicate` mean it is on stable storage. */
export type IngestOutcome =
  | { readonly kind: 'accepted'; readonly readingId: string }
  | { readonly kind: 'duplicate'; readonly readingId: string }
  | {
      readonly kind: 'rejected';
      readonly readingId?: string;
      readonly problems: readonly Problem[];
      /** Only the entries named in `problems` were left out; the rest of the reading is on stable storage. */
      readonly kept?: true;
    }
  /** Not the source's fault: it must keep the reading and send it again. */
  | { readonly kind: 'unavailable'; readonly retryAfterMs: number };
