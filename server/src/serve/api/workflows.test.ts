import type { ExecutionHistory, ExecutionList } from '@healthsync/contracts/workflow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryWorkflowStore } from '../../adapters/memory/memory-workflow-store.ts';
import { ASK, ended, startTestDriver, TELL } from '../../workflow/test-workflow.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { registerWorkflows } from './workflows.ts';

const BREAK = { StartAt: 'Break', States: { Break: { Type: 'Fail', Error: 'NobodyAnswered' } } };

describe('workflow executions over HTTP', () => {
  let server: TestServer;
  let operator: string;
  const store = new MemoryWorkflowStore();
  let stop: () => Promise<void>;
  beforeAll(async () => {
    server = await startTestServer({ server: { plugins: [(app) => registerWorkflows(app, { store })] } });
    operator = await server.token('operator');
    const driver = await startTestDriver(
      store,
      { ask: ASK, tell: TELL, break: BREAK },
      {
        ask: async () => undefined,
        tell: async () => 'told',
      },
    );
    stop = () => driver.stop();
    const nowMs = Date.now();
    const named = (definition: string) => ({ definition, name: 'A-1', input: { alarmId: 'A-1' }, nowMs });
    await store.start(['ask', 'tell', 'break'].map(named));
    driver.wake();
    await ended(store, 'tell:A-1');
    await ended(store, 'break:A-1');
    while ((await store.history((await store.find('ask:A-1'))?.key ?? 0)).length < 2)
      await new Promise((resolve) => setTimeout(resolve, 5));
  });
  afterAll(async () => {
    await stop();
    await server.stop();
  });

  const get = (path: string, token = operator) =>
    server.call(`/api/workflows/executions${path}`, { headers: { authorization: `Bearer ${token}` } });
  const list = async (query: string) => (await get(query)).body as ExecutionList;

  it('are listed newest first, by definition and status, page by page', async () => {
    expect((await list('')).executions).toMatchObject([
      { id: 'break:A-1', status: 'FAILED', error: 'NobodyAnswered' },
      { id: 'tell:A-1', status: 'SUCCEEDED' },
      { id: 'ask:A-1', status: 'RUNNING', wakeAt: expect.any(String) },
    ]);
    expect((await list('?status=RUNNING')).executions.map(({ id }) => id)).toEqual(['ask:A-1']);
    expect((await list('?definition=tell')).executions.map(({ id }) => id)).toEqual(['tell:A-1']);
    const first = await list('?limit=2');
    expect(first.executions).toHaveLength(2);
    const second = await list(`?limit=2&cursor=${first.next}`);
    expect(second.executions.map(({ id }) => id)).toEqual(['ask:A-1']);
    expect(second).not.toHaveProperty('next');
  });

  it('are told with input, output and every event', async () => {
    const { body } = await get('/tell:A-1');
    const told = body as ExecutionHistory;
    expect(told.execution).toMatchObject({
      status: 'SUCCEEDED',
      input: { alarmId: 'A-1' },
      output: { alarmId: 'A-1', result: { said: 'told' } },
    });
    expect(told.current).toEqual([]);
    expect(told.events.map(({ id, type }) => `${id} ${type}`)).toEqual([
      '1 ExecutionStarted',
      '2 TaskStateEntered',
      '3 TaskScheduled',
      '4 TaskStarted',
      '5 TaskSucceeded',
      '6 TaskStateExited',
      '7 ExecutionSucceeded',
    ]);
    expect(told.events[2]).toMatchObject({
      resource: 'tell',
      previousEventId: 2,
      timestamp: expect.stringMatching(/Z$/),
    });
  });

  it('that run say where they are', async () => {
    expect((await get('/ask:A-1')).body).toMatchObject({ current: ['Ask'], execution: { status: 'RUNNING' } });
    expect((await get(`/${encodeURIComponent('ask:A-1')}`)).status).toBe(200);
  });

  it('that are not there, or not asked for rightly, are refused with a reason', async () => {
    expect(await get('/ask:A-9')).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await get('/nonsense')).toMatchObject({ status: 400 });
    expect(await get('?status=ASLEEP')).toMatchObject({ status: 400 });
    expect(await get('?cursor=x')).toMatchObject({ status: 400 });
    expect(await get('?limit=201')).toMatchObject({ status: 400 });
  });

  it('are for operators', async () => {
    const nurse = await server.token('nurse');
    expect((await get('', nurse)).status).toBe(403);
    expect((await get('/tell:A-1', nurse)).status).toBe(403);
    expect((await server.call('/api/workflows/executions', {})).status).toBe(401);
  });
});
