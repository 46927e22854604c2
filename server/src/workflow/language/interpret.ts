import type { Identity } from './context.ts';
import type { Definition, Machine, TaskState } from './definition.ts';
import type { Branch, Execution, Thread } from './execution.ts';
import type { HistoryEvent } from './history-event.ts';
import type { Json } from './json.ts';
import { LIMITS } from './limits.ts';
import type { Seed } from './random.ts';
import { note, openRun, type Run } from './run.ts';
import { type Happening, happen, type Outcome, startThread } from './threads.ts';

/** What an execution has become, and what it asks for. A pure function's answer: the same events give the same. */
export interface Step {
  readonly execution: Execution;
  /** What is new. */
  readonly history: readonly HistoryEvent[];
  /** Every task whose function is to be running now; one that runs and is not among them is to be stopped. */
  readonly tasks: readonly TaskOrder[];
  /** Every token that may be completed. */
  readonly tokens: readonly string[];
  /** When time alone moves it on. */
  readonly wakeAtMs?: number;
  /** Once it has ended: its output, or how it failed. */
  readonly output?: Json;
  readonly error?: string;
  readonly cause?: string;
}

export interface TaskOrder {
  /** Its number in the execution: unique for each state, entry and attempt, and the same again after a crash. */
  readonly task: number;
  readonly state: string;
  readonly resource: string;
  readonly payload: Json;
  readonly token?: string;
}

export type WorkflowEvent = Happening | { readonly kind: 'stop'; readonly error?: string; readonly cause?: string };

/** Time and randomness come with the event. */
export interface Moment {
  readonly atMs: number;
  readonly seed: Seed;
}

export function beginExecution(definition: Definition, of: Identity, input: Json, moment: Moment): Step {
  const kept = definition.keepsInput ? input : undefined;
  const run = openRun(definition, of, { ...moment, input: kept }, { events: 0, tasks: 0 });
  const thread = startThread(definition.machine, { input, event: 0 });
  // As Step Functions tells it: the first state follows event 0, as the start does.
  note(run, { event: 0 }, 'ExecutionStarted', { input });
  const { timeoutMs } = definition;
  const base = {
    ...(kept !== undefined && { input: kept }),
    ...(timeoutMs !== undefined && { deadlineMs: of.startedAtMs + timeoutMs }),
  };
  const outcome = happen(run, definition.machine, thread, { kind: 'time' });
  return conclude(run, base, thread, outcome);
}

/** Lets an event happen to an execution. One that has ended stays as it is. */
export function advanceExecution(
  definition: Definition,
  of: Identity,
  execution: Execution,
  event: WorkflowEvent,
  moment: Moment,
): Step {
  if (execution.thread === undefined) return { execution, history: [], tasks: [], tokens: [] };
  const run = openRun(definition, of, { ...moment, input: execution.input }, execution);
  const thread = copyThread(execution.thread);
  if (execution.deadlineMs !== undefined && execution.deadlineMs <= moment.atMs)
    return end(run, execution, thread, 'TIMED_OUT', { error: 'States.Timeout' });
  if (event.kind === 'stop') {
    const { error, cause } = event;
    return end(run, execution, thread, 'ABORTED', {
      ...(error !== undefined && { error }),
      ...(cause !== undefined && { cause }),
    });
  }
  return conclude(run, execution, thread, happen(run, definition.machine, thread, event));
}

type Base = Pick<Execution, 'input' | 'deadlineMs'>;

function conclude(run: Run, base: Base, thread: Thread, outcome: Outcome): Step {
  switch (outcome.kind) {
    case 'ended':
      return end(run, base, thread, 'SUCCEEDED', { output: outcome.output });
    case 'failed':
      return end(run, base, thread, 'FAILED', outcome.fault);
    case 'waiting':
      if (run.events >= LIMITS.eventsMax)
        return end(run, base, thread, 'FAILED', {
          error: 'States.Runtime',
          cause: `The execution reached the maximum number of history events (${LIMITS.eventsMax}).`,
        });
      return goOn(run, base, thread);
    default:
      return outcome satisfies never;
  }
}

function goOn(run: Run, base: Base, thread: Thread): Step {
  const outlook: Outlook = { tasks: [], tokens: [], wakeAtMs: base.deadlineMs ?? Number.POSITIVE_INFINITY };
  look(run.definition.machine, thread, run.atMs, outlook);
  return {
    execution: { status: 'RUNNING', events: run.events, tasks: run.tasks, ...inputAndDeadline(base), thread },
    history: run.history,
    tasks: outlook.tasks,
    tokens: outlook.tokens,
    ...(outlook.wakeAtMs !== Number.POSITIVE_INFINITY && { wakeAtMs: outlook.wakeAtMs }),
  };
}

const ENDS = {
  SUCCEEDED: 'ExecutionSucceeded',
  FAILED: 'ExecutionFailed',
  TIMED_OUT: 'ExecutionTimedOut',
  ABORTED: 'ExecutionAborted',
} as const;

function end(
  run: Run,
  base: Base,
  thread: Thread,
  status: keyof typeof ENDS,
  detail: { readonly output?: Json; readonly error?: string; readonly cause?: string },
): Step {
  note(run, thread, ENDS[status], detail);
  return {
    execution: { status, events: run.events, tasks: run.tasks, ...inputAndDeadline(base) },
    history: run.history,
    tasks: [],
    tokens: [],
    ...detail,
  };
}

function inputAndDeadline({ input, deadlineMs }: Base): Base {
  return { ...(input !== undefined && { input }), ...(deadlineMs !== undefined && { deadlineMs }) };
}

interface Outlook {
  readonly tasks: TaskOrder[];
  readonly tokens: string[];
  wakeAtMs: number;
}

/** What a line of execution, and all inside it, waits for. */
function look(machine: Machine, thread: Thread, nowMs: number, outlook: Outlook): void {
  const wake = (atMs: number | undefined) => {
    if (atMs !== undefined) outlook.wakeAtMs = Math.min(outlook.wakeAtMs, atMs);
  };
  const { doing } = thread;
  const state = machine.states.get(thread.state);
  switch (doing.kind) {
    case 'ready':
      wake(nowMs);
      return;
    case 'wait':
    case 'retry':
      wake(doing.untilMs);
      return;
    case 'task': {
      const { task, payload, token } = doing;
      wake(doing.deadlineMs);
      wake(doing.heartbeatDueMs);
      if (token !== undefined) outlook.tokens.push(token);
      if (doing.isSubmitted) return;
      const { name, resource } = state as TaskState;
      outlook.tasks.push({ task, state: name, resource, payload, ...(token !== undefined && { token }) });
      return;
    }
    case 'parallel':
      for (const [index, branch] of doing.branches.entries())
        if ('thread' in branch && state?.type === 'Parallel')
          look(state.branches[index] as Machine, branch.thread, nowMs, outlook);
      return;
    case 'map':
      for (const branch of doing.branches)
        if ('thread' in branch && state?.type === 'Map') look(state.processor, branch.thread, nowMs, outlook);
      return;
    default:
      doing satisfies never;
  }
}

/** What the run changes is a copy; payloads are shared, because nothing changes them. */
function copyThread(thread: Thread): Thread {
  const { doing } = thread;
  if (doing.kind !== 'parallel' && doing.kind !== 'map') return { ...thread };
  const branches = doing.branches.map(
    (branch): Branch => ('thread' in branch ? { thread: copyThread(branch.thread) } : branch),
  );
  return { ...thread, doing: { ...doing, branches } };
}
