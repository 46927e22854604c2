import { openSync, writeSync } from 'node:fs';
import { connect, type DatabaseAddress } from '../adapters/postgres/connection.ts';
import { Listener } from '../adapters/postgres/listener.ts';
import { PostgresWorkflowStore } from '../adapters/postgres/workflow-store.ts';
import { startTestDriver } from './test-workflow.ts';

/**
 * A process of its own that works on executions until it is killed; for the tests of what a SIGKILL leaves behind.
 *
 *   node test-worker.ts ADDRESS-JSON DEFINITION-JSON WORKER LEDGER
 *
 * Every call of a function is a line `key` in the ledger before it answers: what really happened, told by nobody else.
 */
const [address = '', definition = '', worker = '', ledger = ''] = process.argv.slice(2);
const database = connect(JSON.parse(address) as DatabaseAddress);
const store = new PostgresWorkflowStore(database);
const file = openSync(ledger, 'a');
const note = (key: string) => writeSync(file, `${key}\n`);

const driver = await startTestDriver(
  store,
  { escalate: JSON.parse(definition) as object },
  {
    tell: async (input, { idempotencyKey }) => {
      note(idempotencyKey);
      // So long that whoever dies has some of them under way.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
      return { told: (input as { id: string }).id };
    },
    ask: async (_, { idempotencyKey, taskToken = '' }) => {
      note(idempotencyKey);
      // Somebody answers soon, sometimes before the function has returned.
      setTimeout(
        () =>
          void store.completeTask({ token: taskToken, output: 'answered', nowMs: Date.now() }).catch(() => undefined),
        Math.random() * 40,
      );
    },
  },
  { worker, settings: { leaseMs: 1_000, pollMs: 200 }, hooks: { onStoreError: () => undefined } },
);
await new Listener(database).listen('healthsync_workflow', {
  onNotice: () => driver.wake(),
  onGap: () => driver.wake(),
});
process.stdout.write('working\n');
