import { Failure } from '../ports/failure.ts';
import type { Advance, DueExecution } from '../ports/workflow-store.ts';
import { type Advanced, advanceBy, eventOf, identityOf, type Known, type TimedEvent } from './advance.ts';
import { DRIVER_SETTINGS, type DriverDependencies, type DriverHealth } from './driver-settings.ts';
import { type Execution, openTokens } from './language/execution.ts';
import type { TaskOrder } from './language/interpret.ts';
import type { Json } from './language/json.ts';
import { Answered, TaskFailed } from './task-handler.ts';
import { TaskRun } from './task-run.ts';

/**
 * Moves executions on: takes what is due from the store, asks the interpreter what becomes of it, writes that, and only
 * then runs the tasks it asks for. What a task answers is the next event. Several drivers, in several processes, share
 * one store: a row is worked on by whoever holds its lease, and written only at the version it was read at.
 */
export interface WorkflowDriver {
  /** Something was started or signalled: look now. */
  wake(): void;
  health(): DriverHealth;
  /** Takes nothing more, tells tasks to stop, records what they still answer, and lets go of the rest. */
  stop(): Promise<void>;
}

/** An execution this process works for. */
interface Held {
  known: Known;
  leasedUntilMs: number;
  readonly running: Map<number, TaskRun>;
  /** What happened and is not written yet. */
  events: TimedEvent[];
  isWriting: boolean;
  /** It was due while it was being written. */
  isAwaited: boolean;
}

/** A row this program cannot run is looked at again after a minute: another version may be on its way. */
const PARKED_MS = 60_000;
/** So many due at once, and more are likely to become due while they are written. */
const HELP_FROM = 8;
const PRUNE_EVERY_MS = 600_000;
const PRUNE_BATCH = 1_000;
/** Somebody's transaction that signals it: over in some milliseconds. */
const LOCKED_PAUSE_MS = 5;
const STORE_PAUSE_MS = { first: 50, max: 2_000 };

export function startWorkflowDriver(dependencies: DriverDependencies): WorkflowDriver {
  const { store, definitions, handlers, worker, now, monotonicMs, seed, hooks = {} } = dependencies;
  const settings = { ...DRIVER_SETTINGS, ...dependencies.settings };
  const held = new Map<number, Held>();
  const dirty = new Set<Held>();
  const waiting: { readonly of: Held; readonly order: TaskOrder; readonly run: TaskRun }[] = [];
  const parked = new Set<string>();
  const stopping = new AbortController();
  let tasks = 0;
  let writes = 0;
  let isStoreAway = false;
  let storePauseMs = STORE_PAUSE_MS.first;
  let tellings = 0;
  let helpers = 0;
  let isTaking = false;
  /** What is written to be due before then has to rouse us. */
  let sleepsUntilMs = Number.NEGATIVE_INFINITY;
  let isClosed = false;
  /** Something was left lying for want of room. */
  let isFull = false;
  const sleepers = new Set<() => void>();

  // Taking what is due.

  async function run(): Promise<void> {
    await untilDone(() => store.release(worker, now()));
    while (!stopping.signal.aborted) {
      const told = tellings;
      try {
        isTaking = true;
        const { hasMore, atMs } = await takeDue().finally(() => {
          isTaking = false;
        });
        storeIsBack();
        if (!hasMore && told === tellings) await sleepUntilDue(told, atMs);
      } catch (error) {
        await storeIsAway(error);
      }
    }
  }

  /**
   * While a transaction of many is written, others take what has become due meanwhile: a timer need not wait for its end.
   * One of few is over before that, and what somebody told of meanwhile calls for help itself.
   */
  function callHelpers(): void {
    for (; helpers < settings.lanes - 1; helpers++) {
      void (async () => {
        await new Promise(setImmediate);
        while (isTaking && !stopping.signal.aborted && (await takeDue()).count > 0);
      })()
        .catch((error: unknown) => hooks.onStoreError?.(error))
        .finally(() => helpers--);
    }
  }

  /** One transaction's worth. */
  async function takeDue(): Promise<{ readonly count: number; readonly hasMore: boolean; readonly atMs: number }> {
    const atMs = now();
    const room = settings.heldMax - held.size;
    // Hands full: what is held must still time out.
    const onlyHeld = room <= 0;
    isFull ||= onlyHeld;
    const limit = onlyHeld ? settings.batchMax : Math.min(settings.batchMax, room);
    let taken: readonly Taken[] = [];
    const missing = new Set<string>();
    try {
      await store.advanceDue({
        worker,
        nowMs: atMs,
        limit,
        onlyHeld,
        decide: (due) => {
          taken = due.flatMap((row) => decide(row, atMs, missing) ?? []);
          for (const { of } of taken) if (of !== undefined) of.isWriting = true;
          if (taken.length >= HELP_FROM) callHelpers();
          return taken.map(({ advance }) => advance);
        },
      });
    } catch (error) {
      for (const { of } of taken) if (of !== undefined) unlock(of);
      throw error;
    }
    for (const one of taken) {
      if (one.of !== undefined) one.of.isWriting = false;
      settle(one);
    }
    for (const digest of missing) await definitions.fetch(digest);
    return { count: taken.length, hasMore: missing.size > 0 || taken.length >= limit, atMs };
  }

  function unlock(of: Held): void {
    of.isWriting = false;
    if (of.events.length > 0) write(of);
  }

  interface Taken {
    readonly of: Held | undefined;
    readonly advanced: Advanced | undefined;
    readonly advance: Advance;
    readonly eventsSeen: number;
    readonly leasedUntilMs: number | undefined;
    /** When it was due, if that is why it was taken. */
    readonly dueMs?: number;
  }

  function decide(row: DueExecution, nowMs: number, missing: Set<string>): Taken | undefined {
    const of = held.get(row.key);
    // What is being written is looked at again when it is.
    if (of?.isWriting) {
      of.isAwaited = true;
      return undefined;
    }
    if (of !== undefined && !row.isHeld) {
      forget(of); // Somebody else had it meanwhile.
      return decide(row, nowMs, missing);
    }
    const dueMs = row.wakeAtMs;
    const definition = definitions.get(row.digest);
    if (definition === undefined) {
      missing.add(row.digest);
      return undefined;
    }
    if (definition === 'unusable') {
      if (!parked.has(row.digest)) hooks.onParked?.(row.digest);
      parked.add(row.digest);
      return { of, advanced: undefined, advance: park(row, nowMs), eventsSeen: 0, leasedUntilMs: undefined, dueMs };
    }
    const events = [...row.signals.map(eventOf), ...(of?.events ?? [])].sort((a, b) => a.atMs - b.atMs);
    const base = { key: row.key, of: identityOf(row, definition), definition, version: row.version };
    const known: Parameters<typeof advanceBy>[0] =
      row.version === 0
        ? { begin: base, input: JSON.parse(row.state) as Json }
        : of !== undefined && of.known.version === row.version
          ? of.known
          : { ...base, execution: JSON.parse(row.state) as Execution };
    const advanced = advanceBy(known, events, { atMs: nowMs, seed, signalsSeen: row.signals.length });
    return { of, advanced, eventsSeen: of?.events.length ?? 0, dueMs, ...leased(advanced, of, nowMs) };
  }

  /** Held while it has tasks to run. The lease's end is left as it is while it is far: then no index changes. */
  function leased({ advance, step }: Advanced, of: Held | undefined, nowMs: number) {
    if (step.tasks.length === 0) return { advance, leasedUntilMs: undefined };
    const enough = nowMs + settings.leaseMs / 2;
    const leasedUntilMs = of !== undefined && of.leasedUntilMs > enough ? of.leasedUntilMs : nowMs + settings.leaseMs;
    const wakeAtMs = Math.min(leasedUntilMs, advance.wakeAtMs ?? Number.POSITIVE_INFINITY);
    return { advance: { ...advance, wakeAtMs, leasedUntilMs }, leasedUntilMs };
  }

  /** As it is, but later; what is signalled to it meanwhile is kept. */
  function park({ key, version, state }: DueExecution, nowMs: number): Advance {
    const tokens = version === 0 ? [] : openTokens(JSON.parse(state) as Execution);
    return { key, version, status: 'RUNNING', state, wakeAtMs: nowMs + PARKED_MS, signalsSeen: 0, tokens };
  }

  /** It is written: now its tasks may run. */
  function settle({ of, advanced, eventsSeen, leasedUntilMs, dueMs }: Taken): void {
    if (advanced === undefined) return;
    const { known, step } = advanced;
    if (dueMs !== undefined) hooks.advanced?.({ lateMs: now() - dueMs });
    if (of?.isAwaited || (step.wakeAtMs !== undefined && step.wakeAtMs <= Math.max(now(), sleepsUntilMs))) wake();
    if (of !== undefined) of.isAwaited = false;
    if (step.execution.status !== 'RUNNING')
      hooks.ended?.({ definition: known.definition.name, status: step.execution.status });
    if (of !== undefined) of.events = of.events.slice(eventsSeen);
    const wanted = new Set(step.tasks.map(({ task }) => task));
    for (const [task, run] of of?.running ?? []) if (!wanted.has(task)) letGo(of as Held, task, run);
    if (leasedUntilMs === undefined) {
      if (of !== undefined) forget(of);
      return;
    }
    const holding = of ?? { known, leasedUntilMs, running: new Map(), events: [], isWriting: false, isAwaited: false };
    holding.known = known;
    holding.leasedUntilMs = leasedUntilMs;
    held.set(known.key, holding);
    for (const order of step.tasks) if (!holding.running.has(order.task)) perform(holding, order);
    if (holding.events.length > 0) write(holding);
  }

  // Running tasks.

  function perform(of: Held, order: TaskOrder): void {
    const run = new TaskRun();
    of.running.set(order.task, run);
    if (tasks < settings.tasksMax) void carryOut(of, order, run);
    else waiting.push({ of, order, run });
  }

  async function carryOut(of: Held, order: TaskOrder, run: TaskRun): Promise<void> {
    const handler = Object.hasOwn(handlers, order.resource) ? handlers[order.resource] : undefined;
    if (handler === undefined) {
      // Another process may have it; this one lets the lease run out.
      if (!parked.has(order.resource)) hooks.onParked?.(order.resource);
      parked.add(order.resource);
      forget(of);
      return;
    }
    tasks++;
    const startedMs = monotonicMs();
    let events: readonly TimedEvent['event'][];
    try {
      const answer = await handler(order.payload, {
        idempotencyKey: `${of.known.of.id}:${order.state}:${order.task}`,
        executionId: of.known.of.id,
        get signal() {
          return run.signal;
        },
        ...(order.token !== undefined && { taskToken: order.token }),
      });
      events = successOf(order, answer);
    } catch (error) {
      events = [{ kind: 'task-failed', task: order.task, ...faultOf(order.resource, error) }];
    }
    tasks--;
    next();
    const outcome = events[0]?.kind === 'task-failed' ? 'failed' : 'succeeded';
    hooks.task?.({ resource: order.resource, outcome, ms: monotonicMs() - startedMs });
    // Told to stop, it may have failed for that alone: whoever takes it over calls it again.
    if (of.running.get(order.task) !== run || (run.isStopped && outcome === 'failed')) return;
    run.isDone = true;
    const atMs = now();
    of.events.push(...events.map((event) => ({ event, atMs })));
    write(of);
  }

  function successOf({ task, token }: TaskOrder, answer: unknown): readonly TimedEvent['event'][] {
    const output = asJson(answer instanceof Answered ? answer.output : answer);
    const returned = { kind: 'task-succeeded', task, output } as const;
    if (token === undefined || !(answer instanceof Answered)) return [returned];
    return [returned, { kind: 'token-succeeded', token, output }];
  }

  function faultOf(resource: string, error: unknown): { readonly error: string; readonly cause: string } {
    if (error instanceof TaskFailed) return { error: error.error, cause: error.message };
    if (error instanceof Failure) return { error: error.code, cause: error.message };
    hooks.onHandlerError?.(resource, error);
    // Its message may quote anything.
    return { error: error instanceof Error ? error.name : 'Error', cause: 'The function threw.' };
  }

  function next(): void {
    while (tasks < settings.tasksMax) {
      const first = waiting.shift();
      if (first === undefined) return;
      if (!first.run.isStopped) void carryOut(first.of, first.order, first.run);
    }
  }

  function letGo(of: Held, task: number, run: TaskRun): void {
    of.running.delete(task);
    run.stop();
  }

  function forget(of: Held): void {
    for (const [task, run] of of.running) letGo(of, task, run);
    if (held.get(of.known.key) === of) held.delete(of.known.key);
    dirty.delete(of);
    if (isFull) wake();
    isFull = false;
  }

  // Writing what tasks answered: whatever gathers while one write is under way goes with the next.

  function write(of: Held): void {
    dirty.add(of);
    if (writes < settings.lanes) {
      writes++;
      setImmediate(() => void writeAll().finally(() => writes--));
    }
  }

  async function writeAll(): Promise<void> {
    while (dirty.size > 0 && !isClosed) {
      const nowMs = now();
      const batch: (Taken & { readonly of: Held })[] = [];
      for (const of of dirty) {
        if (batch.length >= settings.batchMax) break;
        if (of.isWriting) continue;
        dirty.delete(of);
        if (of.events.length === 0) continue;
        const advanced = advanceBy(of.known, of.events, { atMs: nowMs, seed, signalsSeen: 0 });
        batch.push({ of, advanced, eventsSeen: of.events.length, ...leased(advanced, of, nowMs) });
      }
      if (batch.length === 0) return;
      await record(batch);
    }
  }

  async function record(batch: readonly (Taken & { readonly of: Held })[]): Promise<void> {
    for (const { of } of batch) of.isWriting = true;
    const later: Held[] = [];
    try {
      const outcomes = await store.record(
        worker,
        batch.map(({ advance }) => advance),
      );
      storeIsBack();
      for (const one of batch) {
        one.of.isWriting = false;
        const outcome = outcomes.get(one.advance.key) ?? 'lost';
        if (outcome === 'lost') forget(one.of);
        else if (outcome === 'locked') later.push(one.of);
        else settle(one);
        // Its notice may have come while the row was locked.
        if (outcome === 'signalled') wake();
      }
      if (later.length === 0) return;
      await sleep(LOCKED_PAUSE_MS);
      for (const of of later) if (held.get(of.known.key) === of) dirty.add(of);
    } catch (error) {
      for (const { of } of batch) {
        of.isWriting = false;
        dirty.add(of);
      }
      await storeIsAway(error);
    }
  }

  // Leases.

  async function renewAll(): Promise<void> {
    const nowMs = now();
    const soon = [...held.values()].filter(({ leasedUntilMs }) => leasedUntilMs < nowMs + (settings.leaseMs * 2) / 3);
    if (soon.length === 0) return;
    const leasedUntilMs = nowMs + settings.leaseMs;
    const keys = soon.map(({ known }) => known.key);
    try {
      const lost = await store.renew({ worker, keys, leasedUntilMs });
      for (const of of soon) if (lost.has(of.known.key) && held.get(of.known.key) === of && !of.isWriting) forget(of);
      wake(); // What became due while its row was locked by this was passed over.
    } catch (error) {
      hooks.onStoreError?.(error);
    }
  }

  async function pruneAll(): Promise<void> {
    try {
      while (!stopping.signal.aborted) {
        const removed = await store.prune({ endedBeforeMs: now() - settings.retainMs, limit: PRUNE_BATCH });
        if (removed < PRUNE_BATCH) return;
      }
    } catch (error) {
      hooks.onStoreError?.(error);
    }
  }

  // Sleeping and waking.

  /** `atMs`: until then everything was taken. */
  async function sleepUntilDue(told: number, atMs: number): Promise<void> {
    // What is written while the store is asked it may not have seen.
    sleepsUntilMs = Number.POSITIVE_INFINITY;
    try {
      const nextMs = await store.nextWakeMs({ worker, nowMs: atMs });
      if (told !== tellings || stopping.signal.aborted) return;
      sleepsUntilMs = Math.min(now() + settings.pollMs, nextMs ?? Number.POSITIVE_INFINITY);
      const pauseMs = sleepsUntilMs - now();
      if (pauseMs > 0) await sleep(pauseMs);
    } finally {
      sleepsUntilMs = Number.NEGATIVE_INFINITY;
    }
  }

  function wake(): void {
    tellings++;
    if (isTaking) callHelpers();
    for (const rouse of sleepers) rouse();
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const rouse = () => {
        clearTimeout(timer);
        sleepers.delete(rouse);
        resolve();
      };
      const timer = setTimeout(rouse, ms);
      sleepers.add(rouse);
    });
  }

  async function untilDone<T>(work: () => Promise<T>): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await work();
        return;
      } catch (error) {
        await storeIsAway(error);
      }
    }
  }

  async function storeIsAway(error: unknown): Promise<void> {
    isStoreAway = true;
    hooks.onStoreError?.(error);
    const pauseMs = storePauseMs;
    storePauseMs = Math.min(2 * storePauseMs, STORE_PAUSE_MS.max);
    await sleep(pauseMs);
  }

  function storeIsBack(): void {
    isStoreAway = false;
    storePauseMs = STORE_PAUSE_MS.first;
  }

  const renewing = setInterval(() => void renewAll(), settings.leaseMs / 3);
  const pruning = setInterval(() => void pruneAll(), PRUNE_EVERY_MS);
  const running = run();
  return {
    wake,
    health: () => ({ isStoreAway, held: held.size, tasks, parked: parked.size }),
    async stop() {
      stopping.abort();
      wake();
      clearInterval(renewing);
      clearInterval(pruning);
      await running;
      for (const { running: theirs } of held.values()) for (const run of theirs.values()) run.stop();
      const untilMs = monotonicMs() + settings.drainMs;
      while ((tasks > 0 || dirty.size > 0 || writes > 0 || helpers > 0) && monotonicMs() < untilMs)
        await new Promise((resolve) => setTimeout(resolve, 10));
      isClosed = true;
      held.clear();
      await store.release(worker, now()).catch((error: unknown) => hooks.onStoreError?.(error));
    },
  };
}

/** As it will be read again: what JSON cannot say fails the task here and not later. */
function asJson(output: unknown): Json {
  return JSON.parse(JSON.stringify(output ?? null)) as Json;
}
