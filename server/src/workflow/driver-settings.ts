import type { WorkflowStore } from '../ports/workflow-store.ts';
import type { Definitions } from './definitions.ts';
import type { Execution } from './language/execution.ts';
import type { Seed } from './language/random.ts';
import type { TaskHandlers } from './task-handler.ts';

export interface DriverHealth {
  /** The store could not be reached at the last try. */
  readonly isStoreAway: boolean;
  /** Executions this process holds, and tasks it runs. */
  readonly held: number;
  readonly tasks: number;
  /** Executions met that this program cannot run: their definition, or a function it invokes, is not here. */
  readonly parked: number;
}

export interface DriverHooks {
  /** What was due is written: how late, counted from its wake. */
  advanced?(done: { readonly lateMs: number }): void;
  task?(done: { readonly resource: string; readonly outcome: 'succeeded' | 'failed'; readonly ms: number }): void;
  ended?(done: { readonly definition: string; readonly status: Execution['status'] }): void;
  /** By definition or function name: nothing of a patient. */
  onParked?(what: string): void;
  onStoreError?(error: unknown): void;
  /** A handler threw something that is neither a `TaskFailed` nor a `Failure`: a defect. */
  onHandlerError?(resource: string, error: unknown): void;
}

export interface DriverDependencies {
  readonly store: WorkflowStore;
  readonly definitions: Definitions;
  readonly handlers: TaskHandlers;
  /** Names this process in leases; no two that run at once may share it. One that keeps it resumes at once after a crash. */
  readonly worker: string;
  readonly now: () => number;
  readonly monotonicMs: () => number;
  /** 128 random bits. */
  readonly seed: () => Seed;
  readonly hooks?: DriverHooks;
  readonly settings?: Partial<DriverSettings>;
}

export interface DriverSettings {
  /** Rows in one transaction: some milliseconds of work, so that what was just signalled waits no longer. */
  readonly batchMax: number;
  /** Transactions at once, so that one computes while another's commit reaches the disk. */
  readonly lanes: number;
  /** Tasks at once; the others wait their turn, their executions held. */
  readonly tasksMax: number;
  /** Executions in memory; nothing more is taken until some are done. */
  readonly heldMax: number;
  /** How long a process that vanished keeps its executions from others. */
  readonly leaseMs: number;
  /** How often to look without being woken: for what a notice failed to tell. */
  readonly pollMs: number;
  /** How long tasks get to end when the process stops. */
  readonly drainMs: number;
  /** How long ended executions are kept for reading; 90 days, as the archive. */
  readonly retainMs: number;
}

export const DRIVER_SETTINGS: DriverSettings = {
  batchMax: 500,
  lanes: 2,
  tasksMax: 256,
  heldMax: 10_000,
  leaseMs: 15_000,
  pollMs: 5_000,
  drainMs: 5_000,
  retainMs: 90 * 86_400_000,
};
