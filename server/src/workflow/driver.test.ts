import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MemoryWorkflowStore } from '../adapters/memory/memory-workflow-store.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../adapters/postgres/test-database.ts';
import { PostgresWorkflowStore } from '../adapters/postgres/workflow-store.ts';
import { Failure } from '../ports/failure.ts';
import type { WorkflowStore } from '../ports/workflow-store.ts';
import { DefinitionRefused } from './definitions.ts';
import type { WorkflowDriver } from './driver.ts';
import { TaskFailed, type TaskHandlers } from './task-handler.ts';
import {
  ASK,
  asked,
  counted,
  ended,
  historyIn,
  invoke,
  invokeAndWait,
  startTestDriver,
  storeBut,
  TELL,
} from './test-workflow.ts';

const drivers: WorkflowDriver[] = [];
afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.stop();
});

async function drive(...given: Parameters<typeof startTestDriver>): Promise<WorkflowDriver> {
  const driver = await startTestDriver(...given);
  drivers.push(driver);
  return driver;
}

const start = (store: WorkflowStore, name = 'A-1', definition = 'escalate') =>
  store.start([{ definition, name, input: { who: 'nurse' }, nowMs: Date.now() }]);

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(5);
}

describe('the driver on PostgreSQL', () => {
  let database: TestDatabase;
  let store: PostgresWorkflowStore;
  beforeAll(async () => {
    database = await openTestDatabase();
    store = new PostgresWorkflowStore(database);
    return () => emptyDatabase(database);
  });

  it('runs an execution to its end, with its history', async () => {
    const definition = {
      StartAt: 'Tell',
      States: {
        Tell: invoke('tell', { Next: 'Pause' }),
        Pause: { Type: 'Wait', Seconds: 0, Next: 'Done' },
        Done: { Type: 'Succeed', OutputPath: '$.result.said' },
      },
    };
    const keys: string[] = [];
    const driver = await drive(
      store,
      { escalate: definition },
      {
        tell: async (input, { idempotencyKey }) => {
          keys.push(idempotencyKey);
          return { told: (input as { who: string }).who };
        },
      },
    );
    await start(store);
    driver.wake();
    expect(await ended(store, 'escalate:A-1')).toMatchObject({ status: 'SUCCEEDED' });
    expect(keys).toEqual(['escalate:A-1:Tell:1']);
    const history = await historyIn(store, 'escalate:A-1');
    expect(history.map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSucceeded',
      'TaskStateExited',
      'WaitStateEntered',
      'WaitStateExited',
      'SucceedStateEntered',
      'SucceedStateExited',
      'ExecutionSucceeded',
    ]);
    expect(history.at(-1)).toMatchObject({ output: { told: 'nurse' } });
  });

  it('waits for a token, and goes on when it is completed', async () => {
    let token = '';
    const driver = await drive(
      store,
      { asking: ASK },
      {
        ask: async (_, { taskToken = '' }) => {
          token = taskToken;
        },
      },
    );
    await start(store, 'A-1', 'asking');
    driver.wake();
    await until(async () => (await historyIn(store, 'asking:A-1')).at(-1)?.type === 'TaskSubmitted');
    const nowMs = Date.now();
    expect(await store.completeTask({ token, output: { by: 'nurse' }, nowMs })).toBe('accepted');
    expect(await store.completeTask({ token, output: { by: 'doctor' }, nowMs })).toBe('not-waiting');
    driver.wake();
    await ended(store, 'asking:A-1');
    expect((await historyIn(store, 'asking:A-1')).at(-1)).toMatchObject({ output: { result: { by: 'nurse' } } });
  });

  it('two of them share the work, and each task is called once', async () => {
    const calls: string[] = [];
    const by = (worker: string): TaskHandlers => ({
      tell: async (_, { idempotencyKey }) => {
        calls.push(`${worker} ${idempotencyKey}`);
        await sleep(1);
      },
    });
    const settings = { batchMax: 5, tasksMax: 5, heldMax: 5 };
    const one = await drive(store, { shared: TELL }, by('one'), { worker: 'one', settings });
    const two = await drive(store, { shared: TELL }, by('two'), { worker: 'two', settings });
    const names = Array.from({ length: 200 }, (_, index) => `A-${index}`);
    await store.start(names.map((name) => ({ definition: 'shared', name, input: {}, nowMs: Date.now() })));
    one.wake();
    two.wake();
    for (const name of names) await ended(store, `shared:${name}`);
    expect(calls).toHaveLength(200);
    expect(new Set(calls.map((call) => call.split(' ')[1])).size).toBe(200);
    expect(new Set(calls.map((call) => call.split(' ')[0])).size).toBe(2);
  });
});

describe('the driver', () => {
  it('refuses a definition, and one whose function is not there, before it starts', async () => {
    const store = new MemoryWorkflowStore();
    await expect(drive(store, { escalate: { StartAt: 'A', States: {} } }, {})).rejects.toThrow(DefinitionRefused);
    await expect(drive(store, { escalate: TELL }, { ask: async () => 1 })).rejects.toThrow('there is no function tell');
    await expect(drive(store, { 'a:b': TELL }, { tell: async () => 1 })).rejects.toThrow('not a name');
  });

  it('names errors as handlers do, and keeps to itself what strangers say', async () => {
    const store = new MemoryWorkflowStore();
    const seen: unknown[] = [];
    const throwing: readonly [string, () => never, string, string][] = [
      ['own', () => fail(new TaskFailed('NobodyThere', 'no rota')), 'NobodyThere', 'no rota'],
      [
        'failure',
        () => fail(new Failure('database-unavailable', 'PostgreSQL cannot be reached.', { retryable: true })),
        'database-unavailable',
        'PostgreSQL cannot be reached.',
      ],
      ['defect', () => fail(new TypeError('Mrs Example, HR 167')), 'TypeError', 'The function threw.'],
    ];
    const driver = await drive(
      store,
      { escalate: TELL },
      {
        tell: async (_, { executionId }) => throwing.find(([name]) => executionId.endsWith(name))?.[1](),
      },
      { hooks: { onHandlerError: (_, error) => void seen.push(error) } },
    );
    for (const [name, , error, cause] of throwing) {
      await start(store, name);
      driver.wake();
      expect(await ended(store, `escalate:${name}`)).toMatchObject({ status: 'FAILED', error });
      expect((await historyIn(store, `escalate:${name}`)).at(-1)).toMatchObject({ error, cause });
    }
    expect(seen).toHaveLength(1);
  });

  it('runs no more tasks at once than it may, and tells one that timed out to stop', async () => {
    const store = new MemoryWorkflowStore();
    let running = 0;
    let most = 0;
    const stopped: string[] = [];
    const impatient = { StartAt: 'Tell', States: { Tell: invoke('slow', { End: true, TimeoutSeconds: 1 }) } };
    const driver = await drive(
      store,
      { escalate: TELL, impatient },
      {
        tell: async () => {
          most = Math.max(most, ++running);
          await sleep(5);
          running--;
        },
        slow: async (_, { signal, executionId }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          stopped.push(executionId);
        },
      },
      { settings: { tasksMax: 3 } },
    );
    const names = Array.from({ length: 20 }, (_, index) => `A-${index}`);
    await store.start(names.map((name) => ({ definition: 'escalate', name, input: {}, nowMs: Date.now() })));
    driver.wake();
    for (const name of names) await ended(store, `escalate:${name}`);
    expect(most).toBe(3);
    await start(store, 'A-1', 'impatient');
    driver.wake();
    expect(await ended(store, 'impatient:A-1')).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    await until(() => stopped.length > 0);
  });

  it('with its hands full of tasks that hang lets them time out, and goes on', async () => {
    const store = new MemoryWorkflowStore();
    const hanging = {
      StartAt: 'Tell',
      States: { Tell: invoke('hang', { TimeoutSeconds: 1, End: true }) },
    };
    const driver = await drive(
      store,
      { hanging, escalate: TELL },
      {
        hang: () => new Promise(() => undefined),
        tell: async () => 'ok',
      },
      { settings: { heldMax: 2 } },
    );
    for (const name of ['A-1', 'A-2']) await start(store, name, 'hanging');
    driver.wake();
    await until(() => driver.health().held === 2);
    await start(store);
    driver.wake();
    expect(await ended(store, 'escalate:A-1')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await store.find('hanging:A-1')).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
  });

  it('keeps a slow task to itself beyond its lease', async () => {
    const store = new MemoryWorkflowStore();
    const calls: string[] = [];
    let finish = () => {};
    const slow = (worker: string): TaskHandlers => ({
      tell: () =>
        new Promise<void>((resolve) => {
          calls.push(worker);
          finish = resolve;
        }),
    });
    // Time is ours: it passes only while the lease is renewed, however slow this machine is.
    let nowMs = Date.now();
    const [renewed, looked] = [counted(store, 'renew'), counted(store, 'advanceDue')];
    const clock = { now: () => nowMs, settings: { leaseMs: 150, pollMs: 20 } };
    const one = await drive(store, { escalate: TELL }, slow('one'), { ...clock, worker: 'one', store: renewed.store });
    await store.start([{ definition: 'escalate', name: 'A-1', input: {}, nowMs }]);
    one.wake();
    await until(() => calls.length > 0);
    await drive(store, { escalate: TELL }, slow('two'), { ...clock, worker: 'two', store: looked.store });
    // For eight leases, by steps of which each leaves less than two thirds of one: then it is renewed.
    for (let passed = 0; passed < 8 * 150; passed += 60) {
      const [renewals, looks] = [renewed.times(), looked.times()];
      nowMs += 60;
      await until(() => renewed.times() > renewals && looked.times() > looks + 1);
    }
    finish();
    await ended(store, 'escalate:A-1');
    expect(calls).toEqual(['one']);
  });

  it('takes over what a worker that vanished held, when its lease runs out', async () => {
    const store = new MemoryWorkflowStore();
    const calls: string[] = [];
    await drive(
      store,
      { escalate: TELL },
      { tell: () => new Promise(() => undefined) },
      {
        worker: 'gone',
        // It never renews: to others it is as good as dead.
        store: storeBut(store, { renew: async () => new Set() }),
        settings: { leaseMs: 200, drainMs: 0 },
      },
    );
    await start(store);
    drivers[0]?.wake();
    await until(async () => ((await historyIn(store, 'escalate:A-1')).length ?? 0) > 0);
    await drive(
      store,
      { escalate: TELL },
      {
        tell: async (_, { idempotencyKey }) => void calls.push(idempotencyKey),
      },
      { worker: 'heir', settings: { pollMs: 50 } },
    );
    expect(await ended(store, 'escalate:A-1')).toMatchObject({ status: 'SUCCEEDED' });
    expect(calls).toEqual(['escalate:A-1:Tell:1']);
  });

  it('resumes at once under its own name', async () => {
    const store = new MemoryWorkflowStore();
    const first = await startTestDriver(
      store,
      { escalate: TELL },
      { tell: () => new Promise(() => undefined) },
      {
        settings: { leaseMs: 3_600_000 / 2, drainMs: 0 },
        store: storeBut(store, { release: async () => 0 }),
      },
    );
    await start(store);
    first.wake();
    await until(async () => (await historyIn(store, 'escalate:A-1')).length > 0);
    await first.stop();
    await drive(store, { escalate: TELL }, { tell: async () => 'ok' });
    expect(await ended(store, 'escalate:A-1')).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('ends an execution with the definition it began with', async () => {
    const store = new MemoryWorkflowStore();
    const old = { StartAt: 'Ask', States: { Ask: invokeAndWait('ask', { Next: 'Old' }), Old: { Type: 'Succeed' } } };
    const young = { StartAt: 'New', States: { New: { Type: 'Succeed' } } };
    let token = '';
    const handlers: TaskHandlers = {
      ask: async (_, { taskToken = '' }) => {
        token = taskToken;
      },
    };
    const before = await startTestDriver(store, { escalate: old }, handlers);
    await start(store);
    before.wake();
    await until(async () => (await historyIn(store, 'escalate:A-1')).at(-1)?.type === 'TaskSubmitted');
    await before.stop();
    const after = await drive(store, { escalate: young }, handlers);
    await store.completeTask({ token, output: 1, nowMs: Date.now() });
    await start(store, 'A-2');
    after.wake();
    await ended(store, 'escalate:A-1');
    await ended(store, 'escalate:A-2');
    expect((await historyIn(store, 'escalate:A-1')).map(({ state }) => state)).toContain('Old');
    expect((await historyIn(store, 'escalate:A-2')).map(({ state }) => state)).toContain('New');
  });

  it('puts aside what it cannot run, says so, and goes on with the rest', async () => {
    const store = new MemoryWorkflowStore();
    await store.keepDefinition({
      name: 'newer',
      digest: 'f'.repeat(64),
      source: '{"StartAt":"A","QueryLanguage":"JSONata"}',
    });
    const parked: string[] = [];
    const driver = await drive(
      store,
      { escalate: TELL },
      { tell: async () => 'ok' },
      {
        hooks: { onParked: (what) => void parked.push(what) },
      },
    );
    await start(store, 'A-1', 'newer');
    await start(store, 'A-2');
    driver.wake();
    await ended(store, 'escalate:A-2');
    await until(() => parked.length > 0);
    expect(await store.find('newer:A-1')).toMatchObject({ status: 'RUNNING', wakeAtMs: expect.any(Number) });
    expect(driver.health()).toMatchObject({ parked: 1 });
    expect(parked).toEqual(['f'.repeat(64)]);
  });

  it('keeps for later what is signalled to one it has put aside', async () => {
    const store = new MemoryWorkflowStore();
    let token = '';
    const handlers: TaskHandlers = {
      ask: async (_, { taskToken = '' }) => {
        token = taskToken;
      },
    };
    const first = await startTestDriver(store, { asking: ASK }, handlers);
    await start(store, 'A-1', 'asking');
    first.wake();
    await until(async () => (await historyIn(store, 'asking:A-1')).at(-1)?.type === 'TaskSubmitted');
    await first.stop();
    // Another version that does not know the definition looks at it, because of a signal.
    const blind = storeBut(store, { definition: async () => undefined });
    await store.heartbeat({ token, nowMs: Date.now() });
    const second = await startTestDriver(blind, { escalate: TELL }, { tell: async () => 1 });
    await until(() => second.health().parked === 1);
    expect(await store.completeTask({ token, output: 'late', nowMs: Date.now() })).toBe('accepted');
    await second.stop();
    await drive(store, { asking: ASK }, handlers);
    expect(await ended(store, 'asking:A-1')).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('fails a task that answers what JSON cannot say', async () => {
    const store = new MemoryWorkflowStore();
    const driver = await drive(store, { escalate: TELL }, { tell: async () => 1n });
    await start(store);
    driver.wake();
    expect(await ended(store, 'escalate:A-1')).toMatchObject({ status: 'FAILED', error: 'TypeError' });
  });

  it('waits out a store that is away, and loses nothing', async () => {
    const store = new MemoryWorkflowStore();
    let isAway = false;
    let failures = 0;
    const flaky = asked(store, (_, answer) => async (...given) => {
      if (isAway) throw new Failure('database-unavailable', 'away', { retryable: true });
      return await answer(...given);
    });
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const driver = await drive(
      flaky,
      { escalate: TELL },
      { tell: () => answered },
      {
        hooks: { onStoreError: () => void failures++ },
        settings: { pollMs: 20 },
      },
    );
    await start(store);
    driver.wake();
    await until(async () => (await historyIn(store, 'escalate:A-1')).length > 0);
    isAway = true;
    answer();
    await until(() => failures > 3);
    expect(driver.health().isStoreAway).toBe(true);
    isAway = false;
    expect(await ended(store, 'escalate:A-1')).toMatchObject({ status: 'SUCCEEDED' });
    await until(() => !driver.health().isStoreAway);
  });

  it('asks the store next to nothing while nothing is due', async () => {
    const store = new MemoryWorkflowStore();
    let questions = 0;
    const counting = asked(store, (_, answer) => (...given) => {
      questions++;
      return answer(...given);
    });
    const driver = await drive(counting, { asking: ASK }, { ask: async () => undefined });
    await start(store, 'A-1', 'asking');
    driver.wake();
    await until(async () => (await historyIn(store, 'asking:A-1')).at(-1)?.type === 'TaskSubmitted');
    await sleep(100);
    questions = 0;
    await sleep(500);
    expect(questions).toBeLessThanOrEqual(2);
  });

  it('stops: takes nothing more, and lets others go on at once', async () => {
    const store = new MemoryWorkflowStore();
    const one = await startTestDriver(
      store,
      { escalate: TELL },
      {
        tell: (_, { signal }) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      },
      { worker: 'one' },
    );
    await start(store);
    one.wake();
    await until(async () => (await historyIn(store, 'escalate:A-1')).length > 0);
    await one.stop();
    // Told to stop, its task failed; that is nobody's failure.
    expect(await store.find('escalate:A-1')).toMatchObject({ status: 'RUNNING' });
    await drive(store, { escalate: TELL }, { tell: async () => 'ok' }, { worker: 'two' });
    expect(await ended(store, 'escalate:A-1')).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('stops an execution on request, and its task with it', async () => {
    const store = new MemoryWorkflowStore();
    let isStopped = false;
    const driver = await drive(
      store,
      { escalate: TELL },
      {
        tell: (_, { signal }) =>
          new Promise((resolve) =>
            signal.addEventListener('abort', () => {
              isStopped = true;
              resolve(0);
            }),
          ),
      },
    );
    await start(store);
    driver.wake();
    await until(async () => (await historyIn(store, 'escalate:A-1')).length > 0);
    await store.stopExecution({ id: 'escalate:A-1', cause: 'resolved', nowMs: Date.now() });
    driver.wake();
    expect(await ended(store, 'escalate:A-1')).toMatchObject({ status: 'ABORTED' });
    await until(() => isStopped);
  });
});

function fail(error: Error): never {
  throw error;
}
