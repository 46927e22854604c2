import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Connections } from '../adapters/postgres/connection.ts';
import type { Listener } from '../adapters/postgres/listener.ts';
import { PostgresWorkflowStore } from '../adapters/postgres/workflow-store.ts';
import { registerWorkflows } from '../serve/api/workflows.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type DefinitionFile, Definitions } from '../workflow/definitions.ts';
import { startWorkflowDriver, type WorkflowDriver } from '../workflow/driver.ts';
import { createLateReport } from '../workflow/late-report.ts';
import type { TaskHandlers } from '../workflow/task-handler.ts';

export interface Workflows {
  readonly store: PostgresWorkflowStore;
  readonly driver: WorkflowDriver;
  /** Executions and their histories, for operators. */
  routes(app: FastifyInstance): void;
  stop(): Promise<void>;
}

/**
 * The workflow engine on PostgreSQL. Refuses to start with a definition it would not run, or one that invokes a function
 * that is not among the handlers.
 */
export async function openWorkflows(options: {
  readonly database: Connections;
  readonly listener: Listener;
  /** Of the data folder: names this installation's worker, so that after a crash it resumes at once what it held. */
  readonly folder: string;
  readonly definitions: readonly DefinitionFile[];
  readonly handlers: TaskHandlers;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => number;
}): Promise<Workflows> {
  const { database, listener, log, metrics } = options;
  const store = new PostgresWorkflowStore(database);
  const definitions = new Definitions(store);
  await definitions.keep(options.definitions, Object.keys(options.handlers));
  const late = createLateReport({
    report: ({ count, lagMs }) => log.warn('workflows went on late', { component: 'workflow', count, lagMs }),
  });
  const driver = startWorkflowDriver({
    store,
    definitions,
    handlers: options.handlers,
    worker: await workerName(options.folder),
    now: options.now,
    // Histories go with everything else that is old (`open-retention.ts`), or not at all.
    settings: { retainMs: Number.POSITIVE_INFINITY },
    monotonicMs: () => performance.now(),
    seed() {
      const bytes = randomBytes(16);
      return [bytes.readInt32LE(0), bytes.readInt32LE(4), bytes.readInt32LE(8), bytes.readInt32LE(12)];
    },
    hooks: {
      ...metrics.workflow,
      advanced(done) {
        metrics.workflow.advanced(done);
        late.advanced(done);
      },
      onParked: () => log.error('a workflow cannot be run: its definition or function is not of this version'),
      onStoreError: (error) => log.warn('the workflow store could not be reached', { error }),
      onHandlerError: (_, error) => log.error('a workflow function threw', { error }),
    },
  });
  const stopNotices = await listener.listen('healthsync_workflow', {
    onNotice: () => driver.wake(),
    onGap: () => driver.wake(),
  });
  return {
    store,
    driver,
    routes: (app) => registerWorkflows(app, { store }),
    async stop() {
      await stopNotices();
      await driver.stop();
      late.stop();
    },
  };
}

/** The data folder is locked by its process, so nobody else runs under this name. */
async function workerName(folder: string): Promise<string> {
  const path = join(folder, 'workflow-worker');
  const known = await readFile(path, 'utf8').catch(() => '');
  if (/^[0-9a-f-]{36}$/.test(known)) return known;
  const name = randomUUID();
  await writeFile(path, name, { mode: 0o600 });
  return name;
}
