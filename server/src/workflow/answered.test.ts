import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { emptyDatabase, openTestDatabase } from '../adapters/postgres/test-database.ts';
import { PostgresWorkflowStore } from '../adapters/postgres/workflow-store.ts';
import type { WorkflowDriver } from './driver.ts';
import { Answered } from './task-handler.ts';
import { ASK, ended, historyIn, invokeAndWait, startTestDriver, TELL } from './test-workflow.ts';

describe('a task whose function answers its own token', () => {
  let store: PostgresWorkflowStore;
  beforeAll(async () => {
    const database = await openTestDatabase();
    store = new PostgresWorkflowStore(database);
    return () => emptyDatabase(database);
  });
  let driver: WorkflowDriver;
  afterEach(() => driver.stop());

  async function start(name: string, definition: string): Promise<void> {
    await store.start([{ definition, name, input: {}, nowMs: Date.now() }]);
    driver.wake();
    await ended(store, `${definition}:${name}`);
  }

  it('goes on at once', async () => {
    const tokens: string[] = [];
    driver = await startTestDriver(
      store,
      { asking: ASK, telling: TELL },
      {
        ask: async (_, { taskToken = '' }) => {
          tokens.push(taskToken);
          return new Answered({ by: 'nobody' });
        },
        tell: async () => new Answered({ by: 'nobody' }),
      },
    );
    await start('A-known', 'asking');
    const history = await historyIn(store, 'asking:A-known');
    expect(history.at(-1)).toMatchObject({ output: { result: { by: 'nobody' } } });
    // As if it had completed it by the store: it had returned by then.
    const types = history.map(({ type }) => type);
    expect(types.slice(types.indexOf('TaskStarted') + 1, types.indexOf('TaskSucceeded') + 1)).toEqual([
      'TaskSubmitted',
      'TaskSucceeded',
    ]);
    const [token = ''] = tokens;
    expect(await store.completeTask({ token, output: {}, nowMs: Date.now() })).toBe('not-waiting');
    // Given no token, it answers the task as any does.
    await start('B-known', 'telling');
    expect((await historyIn(store, 'telling:B-known')).map(({ type }) => type)).toContain('TaskSucceeded');
  });

  it('keeps a time that begins with the answer, though nobody wakes it', async () => {
    const definition = {
      StartAt: 'Ask',
      States: {
        Ask: invokeAndWait('ask', { Next: 'Wait', TimeoutSeconds: 600 }),
        Wait: { Type: 'Wait', Seconds: 1, End: true },
      },
    };
    const settings = { pollMs: 600_000 };
    driver = await startTestDriver(store, { resting: definition }, { ask: async () => new Answered({}) }, { settings });
    await start('A-rest', 'resting');
  });
});
