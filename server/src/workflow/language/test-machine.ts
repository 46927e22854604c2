import type { Identity } from './context.ts';
import type { Definition } from './definition.ts';
import type { Execution } from './execution.ts';
import type { HistoryEvent } from './history-event.ts';
import { historyOf, historyText } from './history-text.ts';
import { advanceExecution, beginExecution, type Step, type TaskOrder, type WorkflowEvent } from './interpret.ts';
import type { Json } from './json.ts';
import { loadDefinition } from './load-definition.ts';
import type { Seed } from './random.ts';

/** For tests: plays a definition to its end in a time of its own. */
export interface Played {
  readonly status: Execution['status'];
  readonly output?: Json;
  readonly error?: string;
  readonly cause?: string;
  readonly history: readonly HistoryEvent[];
  /** Names of the states entered, with the second since the start. */
  readonly entered: readonly string[];
  readonly tookMs: number;
  readonly events: readonly { readonly event: WorkflowEvent; readonly atMs: number; readonly seed: Seed }[];
}

/** What a function does with the nth call of all: an answer, a failure, or (undefined) nothing, ever. */
export type TestFunction = (payload: Json, call: number, order: TaskOrder) => Answer | undefined;
export type Answer = (
  | { readonly output: Json }
  | { readonly error: string; readonly cause?: string }
  | { readonly complete: Json }
  | { readonly fail: string }
  | { readonly beatEveryMs: number; readonly times: number }
) & {
  readonly afterMs?: number;
};

export const START_MS = Date.UTC(2026, 10, 22, 1, 2, 3);
const IDENTITY: Identity = { id: 'test:A-1', name: 'A-1', definition: 'test', startedAtMs: START_MS };

export function machine(states: Readonly<Record<string, object>>, more: object = {}): Definition {
  const [startAt] = Object.keys(states);
  return load({ StartAt: startAt, States: states, ...more });
}

export function load(definition: object): Definition {
  const outcome = loadDefinition(JSON.stringify(definition), { name: 'test', digest: 'd' });
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.problems));
  return outcome.definition;
}

/** A single state. */
export function single(state: object): Definition {
  return machine({ Only: { ...state, End: true } });
}

/**
 * Runs it to its end, or until nothing more can happen. After every event the execution is written as text and read
 * again, and so is its history: what is not in the text is lost here too.
 */
export function play(
  definition: Definition,
  input: Json = {},
  functions: Readonly<Record<string, TestFunction>> = {},
  options: { readonly stopAfterMs?: number } = {},
): Played {
  const queue: { event: WorkflowEvent; atMs: number }[] = [];
  const happened: Played['events'][number][] = [];
  const history: HistoryEvent[] = [];
  const calls = new Map<string, number>();
  const begun = new Set<number>();
  let nowMs = START_MS;
  let serial = 0;
  const seedOf = (): Seed => [1, 2, 3, ++serial];
  let step = beginExecution(definition, IDENTITY, reread(input), { atMs: nowMs, seed: seedOf() });
  if (options.stopAfterMs !== undefined)
    queue.push({ event: { kind: 'stop', cause: 'told to' }, atMs: START_MS + options.stopAfterMs });
  for (let count = 0; count < 10_000; count++) {
    history.push(...historyOf(historyText(step.history)));
    if (step.execution.thread === undefined) break;
    for (const order of step.tasks) if (!begun.has(order.task)) call(order);
    const next = nextEvent(step);
    if (next === undefined) break;
    nowMs = Math.max(nowMs, next.atMs);
    const seed = seedOf();
    happened.push({ event: next.event, atMs: nowMs, seed });
    step = advanceExecution(definition, IDENTITY, reread(step.execution), reread(next.event), { atMs: nowMs, seed });
  }
  const { output, error, cause } = step;
  return {
    status: step.execution.status,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    ...(cause !== undefined && { cause }),
    history,
    entered: history
      .filter(({ type }) => type.endsWith('StateEntered'))
      .map(({ state, atMs }) => `${state}@${(atMs - START_MS) / 1_000}`),
    tookMs: nowMs - START_MS,
    events: happened,
  };

  function call(order: TaskOrder): void {
    begun.add(order.task);
    const count = (calls.get(order.resource) ?? 0) + 1;
    calls.set(order.resource, count);
    const answer = functions[order.resource]?.(order.payload, count, order);
    if (answer === undefined) return;
    const { task, token = '' } = order;
    const { afterMs = 0 } = answer;
    const atMs = nowMs + afterMs;
    if ('output' in answer) queue.push({ event: { kind: 'task-succeeded', task, output: answer.output }, atMs });
    else if ('error' in answer)
      queue.push({ event: { kind: 'task-failed', task, error: answer.error, cause: answer.cause ?? '' }, atMs });
    else {
      queue.push({ event: { kind: 'task-succeeded', task, output: null }, atMs: nowMs });
      if ('complete' in answer)
        queue.push({ event: { kind: 'token-succeeded', token, output: answer.complete }, atMs });
      else if ('fail' in answer)
        queue.push({ event: { kind: 'token-failed', token, error: answer.fail, cause: '' }, atMs });
      else
        for (let beat = 1; beat <= answer.times; beat++)
          queue.push({ event: { kind: 'heartbeat', token }, atMs: nowMs + beat * answer.beatEveryMs });
    }
  }

  function nextEvent({ wakeAtMs }: Step): { event: WorkflowEvent; atMs: number } | undefined {
    queue.sort((a, b) => a.atMs - b.atMs);
    const [first] = queue;
    if (wakeAtMs !== undefined && (first === undefined || wakeAtMs < first.atMs))
      return { event: { kind: 'time' }, atMs: wakeAtMs };
    return queue.shift();
  }
}

/** Plays recorded events again, without functions or clock. */
export function replay(definition: Definition, input: Json, events: Played['events']): readonly Step[] {
  let step = beginExecution(definition, IDENTITY, input, { atMs: START_MS, seed: [1, 2, 3, 1] });
  const steps = [step];
  for (const { event, atMs, seed } of events) {
    step = advanceExecution(definition, IDENTITY, step.execution, event, { atMs, seed });
    steps.push(step);
  }
  return steps;
}

function reread<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

export function task(functionName: string, more: object = {}): object {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: { FunctionName: functionName, 'Payload.$': '$' },
    ...more,
  };
}

export function waitingTask(functionName: string, more: object = {}): object {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Parameters: { FunctionName: functionName, Payload: { 'token.$': '$$.Task.Token' } },
    ...more,
  };
}
