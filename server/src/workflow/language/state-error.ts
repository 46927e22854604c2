/** The error names of the States Language, appendix A, and those Step Functions adds. */
export type StatesErrorName =
  | 'States.ALL'
  | 'States.HeartbeatTimeout'
  | 'States.Timeout'
  | 'States.TaskFailed'
  | 'States.Permissions'
  | 'States.ResultPathMatchFailure'
  | 'States.ParameterPathFailure'
  | 'States.BranchFailed'
  | 'States.NoChoiceMatched'
  | 'States.IntrinsicFailure'
  | 'States.ExceedToleratedFailureThreshold'
  | 'States.ItemReaderFailed'
  | 'States.ResultWriterFailed'
  | 'States.DataLimitExceeded'
  | 'States.Runtime';

/**
 * A state failed. Thrown while a state's fields are evaluated and caught in one place, `interpret.ts`, where Retry and
 * Catch decide what becomes of it: no caller in between could do anything about it.
 */
export class StateError extends Error {
  readonly error: string;

  constructor(error: StatesErrorName, cause: string) {
    super(cause);
    this.error = error;
  }
}
