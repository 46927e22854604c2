/** A dependency is broken. Expected outcomes are never a Failure: they are named values. */
export type FailureCode =
  | 'log-full' // the disk or the log's own bound is exhausted; the source must hold its data and try again
  | 'log-broken' // a write or sync failed: fatal, the process must stop acknowledging
  | 'log-closed'
  | 'database-unavailable'
  | 'database-rejected' // the database answered, and said no: a defect, retrying will not help
  | 'provider-unavailable' // another OpenID provider does not answer
  | 'overloaded' // a bound was reached
  | 'keys-unavailable'
  | 'keys-refused' // whoever holds the keys answered, and said no: retrying will not help
  | 'data-folder-in-use'
  | 'data-folder-unusable'
  | 'configuration-invalid';

export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly retryable: boolean;

  constructor(code: FailureCode, message: string, options: { readonly retryable: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
  }
}
