import { beforeAll, describe, expect, it } from 'vitest';
import { workflowStoreContract } from '../../ports/workflow-store.contract.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';
import { inTransaction } from './transaction.ts';
import { completeTask, startExecutions } from './workflow-signals.ts';
import { PostgresWorkflowStore } from './workflow-store.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

workflowStoreContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  return new PostgresWorkflowStore(database);
});

describe('inside another transaction', () => {
  const one = { definition: 'escalation', name: 'A-1', input: {}, nowMs: 1_000 };

  it('what is rolled back has never been', async () => {
    await emptyDatabase(database);
    const store = new PostgresWorkflowStore(database);
    await store.keepDefinition({ name: 'escalation', digest: 'a'.repeat(64), source: '{}' });
    const undone = inTransaction(database.pool, async (client) => {
      await startExecutions(client, [one]);
      throw new RangeError('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await store.find('escalation:A-1')).toBeUndefined();
    await inTransaction(database.pool, (client) => startExecutions(client, [one]));
    expect(await store.find('escalation:A-1')).toMatchObject({ status: 'RUNNING' });
  });

  it('what somebody else has locked is passed over, and does not hold up the rest', async () => {
    await emptyDatabase(database);
    const store = new PostgresWorkflowStore(database);
    await store.keepDefinition({ name: 'escalation', digest: 'a'.repeat(64), source: '{}' });
    await store.start([one, { ...one, name: 'A-2' }]);
    const token = 'escalation:A-1~1~x';
    const due = async (change?: object) => {
      const seen: string[] = [];
      await store.advanceDue({
        worker: 'w',
        nowMs: 2_000,
        limit: 10,
        decide(rows) {
          seen.push(...rows.map(({ name }) => name));
          return rows.map(({ key, version, state }) => ({
            key,
            version,
            state,
            status: 'RUNNING',
            signalsSeen: 0,
            tokens: [token],
            wakeAtMs: 1_000,
            ...change,
          }));
        },
      });
      return seen;
    };
    expect(await due()).toEqual(['A-1', 'A-2']);
    await inTransaction(database.pool, async (client) => {
      expect(await completeTask(client, { token, output: 1, nowMs: 1_500 })).toBe('accepted');
      expect(await due()).toEqual(['A-2']);
    });
    expect(await due()).toEqual(['A-1', 'A-2']);
  });
});
