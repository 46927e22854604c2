import { holds } from './choice-rule.ts';
import type {
  FailState,
  Machine,
  MapState,
  ParallelState,
  Resulting,
  State,
  TaskState,
  WaitState,
  Working,
} from './definition.ts';
import type { Branch, MapDoing, TaskDoing, Thread } from './execution.ts';
import { catcherOf, type Fault, nextRetry } from './failure.ts';
import type { Scope } from './intrinsic.ts';
import { isList, type Json, memberOf } from './json.ts';
import { readPath } from './path.ts';
import { writeAt } from './reference-path.ts';
import { amountOf, bounded, filtered, note, type Run, SECONDS, scopeOf } from './run.ts';
import { StateError } from './state-error.ts';
import { fill } from './template.ts';
import { parseTimestamp } from './timestamp.ts';

/** What became of a line of execution: it waits for something, or it has ended. */
export type Outcome =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ended'; readonly output: Json }
  | { readonly kind: 'failed'; readonly fault: Fault };

/** What can happen to a task or a time. */
export type Happening =
  | { readonly kind: 'time' }
  | { readonly kind: 'task-succeeded'; readonly task: number; readonly output: Json }
  | { readonly kind: 'task-failed'; readonly task: number; readonly error: string; readonly cause: string }
  | { readonly kind: 'token-succeeded'; readonly token: string; readonly output: Json }
  | { readonly kind: 'token-failed'; readonly token: string; readonly error: string; readonly cause: string }
  | { readonly kind: 'heartbeat'; readonly token: string };

/** A state's own end: with what it hands on, or not yet. */
type Settled =
  | { readonly kind: 'done'; readonly output: Json; readonly next: string | undefined }
  | { readonly kind: 'waiting' };
const WAITING = { kind: 'waiting' } as const;

/** A line of execution at the beginning of a machine. */
export function startThread(
  machine: Machine,
  from: { readonly input: Json; readonly event: number; readonly item?: NonNullable<Thread['item']> },
): Thread {
  const { input, event, item } = from;
  return {
    state: machine.startAt,
    input,
    enteredAtMs: 0,
    event,
    doing: { kind: 'ready' },
    ...(item !== undefined && { item }),
  };
}

/** Lets something happen to a line of execution, and runs it on until it waits or ends. */
export function happen(run: Run, machine: Machine, thread: Thread, what: Happening): Outcome {
  const state = stateOf(machine, thread.state);
  return proceed(run, machine, thread, () => settle(run, state, thread, what));
}

/** From state to state, without recursion: how far is bounded by the run's credit. */
function proceed(run: Run, machine: Machine, thread: Thread, first: () => Settled): Outcome {
  let step = first;
  for (;;) {
    const settled = attempt(run, machine, thread, step);
    if (settled.kind !== 'done') return settled;
    if (settled.next === undefined) return { kind: 'ended', output: settled.output };
    thread.state = settled.next;
    thread.input = settled.output;
    thread.doing = { kind: 'ready' };
    delete thread.retries;
    if (--run.credit <= 0) return WAITING;
    step = () => enter(run, stateOf(machine, thread.state), thread);
  }
}

/** Retry and Catch, for whatever a state throws. */
function attempt(
  run: Run,
  machine: Machine,
  thread: Thread,
  step: () => Settled,
): Settled | Extract<Outcome, { kind: 'failed' }> {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    const fault = { error: error.error, cause: error.message };
    const state = stateOf(machine, thread.state);
    if (!('retry' in state)) return { kind: 'failed', fault };
    if (error instanceof BranchError) thread.event = error.event;
    if (state.type !== 'Task') note(run, thread, `${state.type}StateFailed`, fault);
    const retry = nextRetry(state.retry, thread.retries, fault, run.random);
    if (retry !== undefined) {
      thread.retries = state.retry.map((_, index) => (thread.retries?.[index] ?? 0) + (index === retry.index ? 1 : 0));
      thread.doing = { kind: 'retry', untilMs: run.atMs + retry.delayMs };
      return WAITING;
    }
    const catcher = catcherOf(state.catch, fault);
    if (catcher === undefined) return { kind: 'failed', fault };
    const result = { Error: fault.error, Cause: fault.cause };
    const output = catcher.resultPath === undefined ? thread.input : writeAt(thread.input, catcher.resultPath, result);
    if (output === undefined)
      return { kind: 'failed', fault: { error: 'States.ResultPathMatchFailure', cause: 'of a Catch' } };
    note(run, thread, `${state.type}StateExited`, { state: state.name, output });
    return { kind: 'done', output, next: catcher.next };
  }
}

function enter(run: Run, state: State, thread: Thread): Settled {
  thread.enteredAtMs = run.atMs;
  note(run, thread, `${state.type}StateEntered`, { state: state.name, input: thread.input });
  return begin(run, state, thread);
}

/** What a state does when it is entered, and again at every retry. */
function begin(run: Run, state: State, thread: Thread): Settled {
  const scope = scopeOf(run, thread, thread.input);
  switch (state.type) {
    case 'Pass': {
      const data = parametersOf(state, run, thread, filtered(state.inputPath, scope, 'InputPath'));
      return leave(run, state, thread, state.result ?? data);
    }
    case 'Succeed': {
      const data = filtered(state.inputPath, scope, 'InputPath');
      return handOn(run, state, thread, data, undefined);
    }
    case 'Choice': {
      const data = filtered(state.inputPath, scope, 'InputPath');
      const inner = scopeOf(run, thread, data);
      const next = state.choices.find(({ rule }) => holds(rule, inner))?.next ?? state.otherwise;
      if (next === undefined)
        throw new StateError('States.NoChoiceMatched', 'No choice matched, and there is no Default.');
      return handOn(run, state, thread, data, next);
    }
    case 'Fail':
      throw failureOf(state, scope);
    case 'Wait': {
      const data = filtered(state.inputPath, scope, 'InputPath');
      const untilMs = untilOf(state, run, scopeOf(run, thread, data));
      if (untilMs <= run.atMs) return handOn(run, state, thread, data, state.next);
      thread.doing = { kind: 'wait', untilMs };
      return WAITING;
    }
    case 'Task':
      return beginTask(run, state, thread, filtered(state.inputPath, scope, 'InputPath'));
    case 'Parallel':
      return beginParallel(run, state, thread, filtered(state.inputPath, scope, 'InputPath'));
    case 'Map':
      return beginMap(run, state, thread, filtered(state.inputPath, scope, 'InputPath'));
    default:
      return state satisfies never;
  }
}

/** Something happened; it may concern this line of execution, one inside it, or neither. */
function settle(run: Run, state: State, thread: Thread, what: Happening): Settled {
  const { doing } = thread;
  switch (doing.kind) {
    case 'ready':
      return enter(run, state, thread);
    case 'wait': {
      if (doing.untilMs > run.atMs || state.type !== 'Wait') return WAITING;
      const data = filtered(state.inputPath, scopeOf(run, thread, thread.input), 'InputPath');
      return handOn(run, state, thread, data, state.next);
    }
    case 'retry':
      return doing.untilMs > run.atMs ? WAITING : begin(run, state, thread);
    case 'task':
      return state.type === 'Task' ? settleTask(run, state, thread, doing, what) : WAITING;
    case 'parallel':
      if (state.type !== 'Parallel') return WAITING;
      settleBranches(run, doing.branches, (index) => state.branches[index] as Machine, what);
      return endParallel(run, state, thread, doing.branches);
    case 'map':
      if (state.type !== 'Map') return WAITING;
      settleIterations(run, state, thread, doing, what);
      return goOnMapping(run, state, thread, doing);
    default:
      return doing satisfies never;
  }
}

// Tasks.

function beginTask(run: Run, state: TaskState, thread: Thread, data: Json): Settled {
  const task = run.tasks + 1;
  const token = state.waitsForToken ? `${run.of.id}~${task}~${run.nonce()}` : undefined;
  const scope = scopeOf(run, thread, data, token);
  const parameters = state.parameters === undefined ? data : fill(state.parameters, scope);
  const payload = memberOf(parameters, 'Payload') ?? {};
  bounded(payload, 'payload', state.name);
  const timeoutMs = state.timeoutMs === undefined ? undefined : amountOf(state.timeoutMs, scope, SECONDS);
  const heartbeatMs = state.heartbeatMs === undefined ? undefined : amountOf(state.heartbeatMs, scope, SECONDS);
  run.tasks = task;
  thread.doing = {
    kind: 'task',
    task,
    payload,
    ...(timeoutMs !== undefined && { deadlineMs: run.atMs + timeoutMs }),
    ...(heartbeatMs !== undefined && { heartbeatEveryMs: heartbeatMs, heartbeatDueMs: run.atMs + heartbeatMs }),
    ...(token !== undefined && { token }),
  };
  note(run, thread, 'TaskScheduled', { resource: state.resource, input: payload });
  note(run, thread, 'TaskStarted');
  return WAITING;
}

function settleTask(run: Run, state: TaskState, thread: Thread, doing: TaskDoing, what: Happening): Settled {
  const isOurs = 'task' in what ? what.task === doing.task : 'token' in what && what.token === doing.token;
  // What comes at the last moment and what comes too late are told apart by the event's time alone.
  const late = lateness(doing, run.atMs);
  if (late !== undefined) {
    note(run, thread, 'TaskTimedOut', { error: late.error });
    throw late;
  }
  if (!isOurs) return WAITING;
  switch (what.kind) {
    case 'task-succeeded': {
      if (doing.token !== undefined) return submitted(run, thread, doing, what.output);
      note(run, thread, 'TaskSucceeded', { output: invoked(what.output) });
      return finish(run, state, thread, invoked(bounded(what.output, 'output', state.name)));
    }
    case 'token-succeeded':
      note(run, thread, 'TaskSucceeded', { output: what.output });
      return finish(run, state, thread, bounded(what.output, 'output', state.name));
    case 'task-failed':
    case 'token-failed': {
      note(run, thread, 'TaskFailed', { error: what.error, cause: what.cause });
      throw new StateError(what.error as 'States.TaskFailed', what.cause);
    }
    case 'heartbeat': {
      const { heartbeatEveryMs } = doing;
      if (heartbeatEveryMs !== undefined) thread.doing = { ...doing, heartbeatDueMs: run.atMs + heartbeatEveryMs };
      return WAITING;
    }
    default:
      return WAITING;
  }
}

/** The function has returned; from now on only the token counts. */
function submitted(run: Run, thread: Thread, doing: TaskDoing, output: Json): Settled {
  if (doing.isSubmitted) return WAITING;
  note(run, thread, 'TaskSubmitted', { output: invoked(output) });
  thread.doing = { ...doing, isSubmitted: true };
  return WAITING;
}

/** What `lambda:invoke` answers with. */
function invoked(output: Json): Json {
  return { Payload: output, StatusCode: 200 };
}

function lateness(doing: TaskDoing, atMs: number): StateError | undefined {
  if (doing.deadlineMs !== undefined && doing.deadlineMs <= atMs)
    return new StateError('States.Timeout', 'The task ran longer than TimeoutSeconds.');
  if (doing.heartbeatDueMs !== undefined && doing.heartbeatDueMs <= atMs)
    return new StateError('States.HeartbeatTimeout', 'The task sent no heartbeat for longer than HeartbeatSeconds.');
  return undefined;
}

// Branches.

function beginParallel(run: Run, state: ParallelState, thread: Thread, filteredInput: Json): Settled {
  const input = bounded(parametersOf(state, run, thread, filteredInput), 'input', state.name);
  note(run, thread, 'ParallelStateStarted');
  const { event } = thread;
  const branches = state.branches.map(
    (machine): Branch => ({ thread: startThread(machine, { input, event, ...itemOf(thread) }) }),
  );
  thread.doing = { kind: 'parallel', branches };
  settleBranches(run, branches, (index) => state.branches[index] as Machine, { kind: 'time' });
  return endParallel(run, state, thread, branches);
}

function settleBranches(run: Run, branches: Branch[], machineOf: (index: number) => Machine, what: Happening): void {
  for (const [index, branch] of branches.entries()) {
    if (!('thread' in branch)) continue;
    const outcome = happen(run, machineOf(index), branch.thread, what);
    if (outcome.kind === 'failed') throw new BranchError(outcome.fault, index, branch.thread.event);
    if (outcome.kind === 'ended') branches[index] = { output: outcome.output };
  }
}

/** A branch's own error becomes its Parallel's or Map's, States Language "Parallel State". */
class BranchError extends StateError {
  readonly index: number;
  readonly event: number;

  constructor({ error, cause }: Fault, index: number, event: number) {
    super(error as 'States.BranchFailed', cause);
    this.index = index;
    this.event = event;
  }
}

function endParallel(run: Run, state: ParallelState, thread: Thread, branches: readonly Branch[]): Settled {
  const outputs = branches.flatMap((branch) => ('output' in branch ? [branch.output] : []));
  if (outputs.length < branches.length) return WAITING;
  note(run, thread, 'ParallelStateSucceeded');
  return finish(run, state, thread, bounded(outputs, 'output', state.name));
}

function beginMap(run: Run, state: MapState, thread: Thread, data: Json): Settled {
  const scope = scopeOf(run, thread, data);
  const items = readPath(state.itemsPath, scope);
  if (!isList(items)) throw new StateError('States.Runtime', `${state.itemsPath.text} in ItemsPath is not a list.`);
  const concurrencyMax = amountOf(state.concurrencyMax, scope, { min: 0, max: 10_000, scale: 1 });
  note(run, thread, 'MapStateStarted');
  const doing: MapDoing = { kind: 'map', items, data, concurrencyMax, branches: [] };
  thread.doing = doing;
  return goOnMapping(run, state, thread, doing);
}

function settleIterations(run: Run, state: MapState, thread: Thread, { branches }: MapDoing, what: Happening): void {
  for (const [index, branch] of branches.entries())
    if ('thread' in branch) settleIteration(run, state, thread, branches, index, branch.thread, what);
}

function settleIteration(
  run: Run,
  state: MapState,
  thread: Thread,
  branches: Branch[],
  index: number,
  inner: Thread,
  what: Happening,
): void {
  const outcome = happen(run, state.processor, inner, what);
  if (outcome.kind === 'waiting') return;
  const about = { state: state.name, index };
  if (outcome.kind === 'failed') {
    note(run, inner, 'MapIterationFailed', about);
    thread.event = inner.event;
    throw new BranchError(outcome.fault, index, inner.event);
  }
  note(run, inner, 'MapIterationSucceeded', about);
  thread.event = inner.event;
  branches[index] = { output: outcome.output };
}

/** Begins further iterations while there is room, and ends with the last. */
function goOnMapping(run: Run, state: MapState, thread: Thread, doing: MapDoing): Settled {
  const { items, branches, concurrencyMax } = doing;
  for (;;) {
    const running = branches.reduce((count, branch) => count + ('thread' in branch ? 1 : 0), 0);
    if (branches.length === items.length || (concurrencyMax > 0 && running >= concurrencyMax)) break;
    const index = branches.length;
    const item = { index, value: items[index] as Json };
    const about = { state: state.name, index };
    const inner = startThread(state.processor, {
      input: inputOf(run, state, thread, doing, item),
      event: thread.event,
      item,
    });
    note(run, inner, 'MapIterationStarted', about);
    branches.push({ thread: inner });
    settleIteration(run, state, thread, branches, index, inner, { kind: 'time' });
  }
  const outputs = branches.flatMap((branch) => ('output' in branch ? [branch.output] : []));
  if (outputs.length < items.length) return WAITING;
  note(run, thread, 'MapStateSucceeded');
  return finish(run, state, thread, bounded(outputs, 'output', state.name));
}

function inputOf(
  run: Run,
  state: MapState,
  thread: Thread,
  { data }: MapDoing,
  item: NonNullable<Thread['item']>,
): Json {
  if (state.itemSelector === undefined) return item.value;
  return bounded(fill(state.itemSelector, scopeOf(run, { ...thread, item }, data)), 'input', state.name);
}

function itemOf(thread: Thread): Pick<Thread, 'item'> {
  return thread.item === undefined ? {} : { item: thread.item };
}

// How a state ends.

function parametersOf(state: Resulting, run: Run, thread: Thread, data: Json): Json {
  return state.parameters === undefined ? data : fill(state.parameters, scopeOf(run, thread, data));
}

/** ResultSelector, for states that do something; then as any with a result. */
function finish(
  run: Run,
  state: Working & { readonly type: 'Task' | 'Parallel' | 'Map' },
  thread: Thread,
  result: Json,
): Settled {
  const selected =
    state.resultSelector === undefined ? result : fill(state.resultSelector, scopeOf(run, thread, result));
  return leave(run, state, thread, selected);
}

/** ResultPath: what comes out beside, or instead of, what went in. */
function leave(
  run: Run,
  state: Resulting & { readonly type: 'Task' | 'Parallel' | 'Map' | 'Pass' },
  thread: Thread,
  result: Json,
): Settled {
  const { resultPath } = state;
  const combined = resultPath === undefined ? thread.input : writeAt(thread.input, resultPath, result);
  if (combined === undefined)
    throw new StateError(
      'States.ResultPathMatchFailure',
      `The result cannot be put at ${resultPath?.text} of the input.`,
    );
  return handOn(run, state, thread, combined, state.next);
}

/** OutputPath, and on to the next state. */
function handOn(
  run: Run,
  state: Pick<Exclude<State, FailState>, 'type' | 'name' | 'outputPath'>,
  thread: Thread,
  data: Json,
  next: string | undefined,
): Settled {
  const output = bounded(filtered(state.outputPath, scopeOf(run, thread, data), 'OutputPath'), 'output', state.name);
  note(run, thread, `${state.type}StateExited`, { state: state.name, output });
  return { kind: 'done', output, next };
}

function untilOf({ until }: WaitState, run: Run, scope: Scope): number {
  switch (until.kind) {
    case 'duration':
      return run.atMs + amountOf(until.ms, scope, { ...SECONDS, min: 0 });
    case 'timestamp':
      return until.atMs;
    case 'timestamp-path': {
      const atMs = parseTimestamp(readPath(until.path, scope));
      if (atMs === undefined) throw new StateError('States.Runtime', `${until.path.text} is no timestamp.`);
      return atMs;
    }
    default:
      return until satisfies never;
  }
}

function failureOf({ error, cause }: FailState, scope: Scope): StateError {
  const textOf = (text: FailState['error']): string => {
    if (text === undefined) return '';
    if (typeof text === 'string') return text;
    const value = readPath(text, scope);
    if (typeof value !== 'string') throw new StateError('States.Runtime', `${text.text} is no text.`);
    return value;
  };
  return new StateError(textOf(error) as 'States.TaskFailed', textOf(cause));
}

function stateOf(machine: Machine, name: string): State {
  const state = machine.states.get(name);
  // The loader has seen to it that every transition leads somewhere.
  if (state === undefined) throw new Error(`the definition has no state ${name}`);
  return state;
}
