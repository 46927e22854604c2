import type { Json } from './language/json.ts';

/**
 * What a Task of a definition invokes: registered under the name that stands in `Parameters.FunctionName`, given the
 * `Payload`. What it answers becomes `{"Payload": …}`; with `.waitForTaskToken` its answer is only noted, and the state
 * waits until the token is completed, failed or timed out.
 *
 * It may be called again for the same task, after a crash or when a lease was lost: whatever it brings about must hang
 * on the idempotency key. Throwing fails the task: a `TaskFailed` with the name it gives, for Retry and Catch, anything
 * else with its class's name (a `Failure` with its code).
 */
export type TaskHandler = (input: Json, task: TaskContext) => Promise<unknown>;

/** By function name. */
export type TaskHandlers = Readonly<Record<string, TaskHandler>>;

export interface TaskContext {
  /** `execution:state:attempt`: the same for the same task, however often it is called. */
  readonly idempotencyKey: string;
  /** `definition:name`. */
  readonly executionId: string;
  /** Only with `.waitForTaskToken`. */
  readonly taskToken?: string;
  /** The task has timed out, its execution has ended, or this process stops. */
  readonly signal: AbortSignal;
}

/**
 * Answered by a function that was given a token and knows already what completes it: written together with its return,
 * so that nothing has to be signalled and taken again. Who brings definitions to AWS Step Functions has it send
 * `SendTaskSuccess` with `output`.
 */
export class Answered {
  readonly output: unknown;

  constructor(output: unknown) {
    this.output = output;
  }
}

/** Fails a task with an Error Name of the handler's own. */
export class TaskFailed extends Error {
  readonly error: string;

  constructor(error: string, cause: string) {
    super(cause);
    this.error = error;
  }
}
