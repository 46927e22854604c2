import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../adapters/postgres/test-database.ts';
import { PostgresWorkflowStore } from '../adapters/postgres/workflow-store.ts';
import { digestOf } from './definitions.ts';
import { historyOf } from './language/history-text.ts';
import { invoke, invokeAndWait } from './test-workflow.ts';

/** Tells, waits, asks until somebody answers, tells two beside each other, ends: every kind of waiting there is. */
const DEFINITION = {
  StartAt: 'Tell',
  States: {
    Tell: invoke('tell', { Next: 'Pause' }),
    Pause: { Type: 'Wait', Seconds: 1, Next: 'Ask' },
    // An answer dies with its process: then it is asked again.
    Ask: invokeAndWait('ask', {
      TimeoutSeconds: 3,
      Retry: [{ ErrorEquals: ['States.Timeout'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 20 }],
      Next: 'Both',
    }),
    Both: {
      Type: 'Parallel',
      Branches: [
        { StartAt: 'Left', States: { Left: invoke('tell', { End: true }) } },
        { StartAt: 'Right', States: { Right: invoke('tell', { End: true }) } },
      ],
      ResultPath: null,
      Next: 'Last',
    },
    Last: invoke('tell', { End: true }),
  },
};
const EXECUTIONS = 1_000;

describe('processes that are killed while a thousand executions are open', () => {
  let database: TestDatabase;
  let store: PostgresWorkflowStore;
  let folder: string;
  const processes: ChildProcess[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'healthsync-workflow-'));
    database = await openTestDatabase();
    store = new PostgresWorkflowStore(database);
  });
  afterEach(async () => {
    for (const process of processes.splice(0)) await killed(process);
    rmSync(folder, { recursive: true, force: true });
  });

  async function work(worker: string): Promise<ChildProcess> {
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, 'test-worker.ts'),
        JSON.stringify(database.address),
        JSON.stringify(DEFINITION),
        worker,
        join(folder, 'ledger'),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    processes.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return child;
  }

  it('leave nothing undone, and nothing done twice in effect', { timeout: 90_000 }, async () => {
    const source = JSON.stringify(DEFINITION);
    await store.keepDefinition({ name: 'escalate', digest: digestOf({ name: 'escalate', source }), source });
    const ids = Array.from({ length: EXECUTIONS }, (_, index) => `A-${index}`);
    await store.start(ids.map((name) => ({ definition: 'escalate', name, input: { id: name }, nowMs: Date.now() })));

    let workers = await Promise.all([work('one'), work('two')]);
    let kills = 0;
    for (; kills < 6; kills++) {
      await sleep(300 + 200 * kills);
      const [victim, other] = workers as [ChildProcess, ChildProcess];
      await killed(victim);
      // One comes back under its name, one is replaced by a stranger who must wait for the lease.
      workers = [other, await work(kills % 2 === 0 ? `stranger-${kills}` : 'one')];
    }
    for (;;) {
      const { rows } = await database.pool.query<{ left: number }>(
        `select count(*)::int as left from workflow_execution where status = 'RUNNING'`,
      );
      if (rows[0]?.left === 0) break;
      await sleep(100);
    }

    const records = await store.list({ limit: EXECUTIONS + 1 });
    expect(records).toHaveLength(EXECUTIONS);
    expect(new Set(records.map(({ status }) => status))).toEqual(new Set(['SUCCEEDED']));
    const calls = readFileSync(join(folder, 'ledger'), 'utf8').trim().split('\n');
    // Some were called again under the same key: the kills struck where it matters.
    expect(calls.length).toBeGreaterThan(new Set(calls).size);

    const effects = Map.groupBy(new Set(calls), (key) => key.split(':').slice(0, 2).join(':'));
    for (const { key, id } of records) {
      const history = (await store.history(key)).flatMap(historyOf);
      // Every transition once: numbered without a gap, each state but the one that may be asked again entered once.
      expect(history.map((event) => event.id)).toEqual(history.map((_, index) => index + 1));
      const entered = history.filter(({ type }) => type.endsWith('StateEntered')).map(({ state }) => state);
      expect(entered.slice().sort()).toEqual(['Ask', 'Both', 'Last', 'Left', 'Pause', 'Right', 'Tell']);
      // And what was done, by key, is what the history says: nothing besides.
      const keys = effects.get(id) ?? [];
      const scheduled = history.filter(({ type }) => type === 'TaskScheduled').length;
      expect(keys).toHaveLength(scheduled);
      for (const state of ['Tell', 'Left', 'Right', 'Last'])
        expect(keys.filter((one) => one.includes(`:${state}:`))).toHaveLength(1);
    }
  });
});

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
