import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../adapters/postgres/test-database.ts';
import { PostgresWorkflowStore } from '../adapters/postgres/workflow-store.ts';
import type { WorkflowDriver } from './driver.ts';
import { ended, historyIn, invoke, invokeAndWait, startTestDriver } from './test-workflow.ts';

let database: TestDatabase;
let store: PostgresWorkflowStore;
let driver: WorkflowDriver | undefined;
beforeAll(async () => {
  database = await openTestDatabase();
  store = new PostgresWorkflowStore(database);
});
afterEach(async () => {
  await driver?.stop();
  driver = undefined;
  await emptyDatabase(database);
});

describe('the workflow driver', () => {
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
    driver = await startTestDriver(
      store,
      { escalate: definition },
      {
        tell: async (input, { idempotencyKey }) => {
          keys.push(idempotencyKey);
          return { told: (input as { who: string }).who };
        },
      },
    );
    await store.start([{ definition: 'escalate', name: 'A-1', input: { who: 'nurse' }, nowMs: Date.now() }]);
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
    const definition = { StartAt: 'Ask', States: { Ask: invokeAndWait('ask', { End: true, TimeoutSeconds: 600 }) } };
    let token = '';
    driver = await startTestDriver(
      store,
      { escalate: definition },
      {
        ask: async (_, { taskToken = '' }) => {
          token = taskToken;
        },
      },
    );
    await store.start([{ definition: 'escalate', name: 'A-1', input: {}, nowMs: Date.now() }]);
    driver.wake();
    while ((await historyIn(store, 'escalate:A-1')).at(-1)?.type !== 'TaskSubmitted');
    const nowMs = Date.now();
    expect(await store.completeTask({ token, output: { by: 'nurse' }, nowMs })).toBe('accepted');
    expect(await store.completeTask({ token, output: { by: 'doctor' }, nowMs })).toBe('not-waiting');
    driver.wake();
    await ended(store, 'escalate:A-1');
    expect((await historyIn(store, 'escalate:A-1')).at(-1)).toMatchObject({ output: { result: { by: 'nurse' } } });
  });
});
