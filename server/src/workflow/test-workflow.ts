import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionRecord, WorkflowStore } from '../ports/workflow-store.ts';
import { Definitions } from './definitions.ts';
import { startWorkflowDriver, type WorkflowDriver } from './driver.ts';
import type { DriverDependencies } from './driver-settings.ts';
import type { HistoryEvent } from './language/history-event.ts';
import { historyOf } from './language/history-text.ts';
import type { Seed } from './language/random.ts';
import type { TaskHandlers } from './task-handler.ts';

/** For tests: real randomness. */
export function anySeed(): Seed {
  const bytes = randomBytes(16);
  return [bytes.readInt32LE(0), bytes.readInt32LE(4), bytes.readInt32LE(8), bytes.readInt32LE(12)];
}

export function invoke(functionName: string, more: object = {}): object {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: { FunctionName: functionName, 'Payload.$': '$' },
    ResultSelector: { 'said.$': '$.Payload' },
    ResultPath: '$.result',
    ...more,
  };
}

export function invokeAndWait(functionName: string, more: object = {}): object {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Parameters: { FunctionName: functionName, Payload: { 'input.$': '$', 'token.$': '$$.Task.Token' } },
    ResultPath: '$.result',
    ...more,
  };
}

/** One task. */
export const TELL = { StartAt: 'Tell', States: { Tell: invoke('tell', { End: true }) } };
/** One task that waits for its token. */
export const ASK = { StartAt: 'Ask', States: { Ask: invokeAndWait('ask', { End: true, TimeoutSeconds: 600 }) } };

export async function startTestDriver(
  store: WorkflowStore,
  definitions: Readonly<Record<string, object>>,
  handlers: TaskHandlers,
  more: Partial<DriverDependencies> = {},
): Promise<WorkflowDriver> {
  const known = new Definitions(store);
  const files = Object.entries(definitions).map(([name, definition]) => ({ name, source: JSON.stringify(definition) }));
  await known.keep(files, Object.keys(handlers));
  return startWorkflowDriver({
    store,
    definitions: known,
    handlers,
    worker: 'test',
    now: Date.now,
    monotonicMs: () => performance.now(),
    seed: anySeed,
    ...more,
  });
}

/** Waits, bounded by the test's own time. */
export async function ended(store: WorkflowStore, id: string): Promise<ExecutionRecord> {
  for (;;) {
    const found = await store.find(id);
    if (found !== undefined && found.status !== 'RUNNING') return found;
    await sleep(5);
  }
}

export async function historyIn(store: WorkflowStore, id: string): Promise<readonly HistoryEvent[]> {
  const found = await store.find(id);
  return found === undefined ? [] : (await store.history(found.key)).flatMap(historyOf);
}

/** A store with some of its answers changed. */
export function storeBut(store: WorkflowStore, changed: Partial<WorkflowStore>): WorkflowStore {
  return asked(store, (name, answer) => (changed as Record<string, typeof answer>)[name] ?? answer);
}

/** A store whose every method is replaced by what `by` makes of it. */
export function asked(
  store: WorkflowStore,
  by: (name: string, answer: (...given: unknown[]) => Promise<unknown>) => (...given: unknown[]) => Promise<unknown>,
): WorkflowStore {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      return by(String(name), (...given) => (value as (...all: unknown[]) => Promise<unknown>).apply(target, given));
    },
  });
}

/** How often a store has answered a question. */
export function counted(store: WorkflowStore, question: keyof WorkflowStore) {
  let times = 0;
  const counting = asked(store, (name, answer) => async (...given) => {
    const answered = await answer(...given);
    if (name === question) times++;
    return answered;
  });
  return { store: counting, times: () => times };
}
