import type { Json } from './json.ts';

/** What happened, as Step Functions' GetExecutionHistory tells it. */
export interface HistoryEvent {
  readonly id: number;
  /** 0: the beginning. */
  readonly previousId: number;
  readonly atMs: number;
  readonly type: HistoryEventType;
  readonly state?: string;
  readonly input?: Json;
  readonly output?: Json;
  readonly error?: string;
  readonly cause?: string;
  /** The function of a Task. */
  readonly resource?: string;
  /** Of a Map's iteration. */
  readonly index?: number;
}

/** In this order, because histories are kept by number (`history-text.ts`): add at the end only. */
export const HISTORY_EVENT_TYPES = [
  'ExecutionStarted',
  'ExecutionSucceeded',
  'ExecutionFailed',
  'ExecutionTimedOut',
  'ExecutionAborted',
  'TaskStateEntered',
  'TaskStateExited',
  'TaskScheduled',
  'TaskStarted',
  'TaskSubmitted',
  'TaskSucceeded',
  'TaskFailed',
  'TaskTimedOut',
  'TaskStateAborted',
  'WaitStateEntered',
  'WaitStateExited',
  'WaitStateAborted',
  'ChoiceStateEntered',
  'ChoiceStateExited',
  'PassStateEntered',
  'PassStateExited',
  'SucceedStateEntered',
  'SucceedStateExited',
  'FailStateEntered',
  'ParallelStateEntered',
  'ParallelStateExited',
  'ParallelStateStarted',
  'ParallelStateSucceeded',
  'ParallelStateFailed',
  'ParallelStateAborted',
  'MapStateEntered',
  'MapStateExited',
  'MapStateStarted',
  'MapStateSucceeded',
  'MapStateFailed',
  'MapStateAborted',
  'MapIterationStarted',
  'MapIterationSucceeded',
  'MapIterationFailed',
  'MapIterationAborted',
] as const;
export type HistoryEventType = (typeof HISTORY_EVENT_TYPES)[number];
