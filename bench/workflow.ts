import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDataFolder } from '../server/src/adapters/embedded/data-folder.ts';
import { openDatabase } from '../server/src/adapters/postgres/open-database.ts';
import { PostgresWorkflowStore } from '../server/src/adapters/postgres/workflow-store.ts';
import type { Advance } from '../server/src/ports/workflow-store.ts';
import { Definitions } from '../server/src/workflow/definitions.ts';
import { startWorkflowDriver } from '../server/src/workflow/driver.ts';
import type { DriverHooks } from '../server/src/workflow/driver-settings.ts';
import type { TaskHandlers } from '../server/src/workflow/task-handler.ts';
import { postgresCpuMs } from './processes.ts';

/**
 * The workflow engine on the embedded PostgreSQL as it ships, durable, driver and database on the same cores:
 * transitions a second (each committed by itself, history with it), lateness of timers while a million are armed, what
 * it costs to wait for them, and how soon an acknowledgement ends an escalation. One JSON object on stdout.
 *
 *   node bench/workflow.ts [--quick]        --quick: 100,000 timers instead of 1,000,000
 *   node bench/workflow.ts --transitions    nothing but these
 */
const isQuick = process.argv.includes('--quick');
const TIMERS = isQuick ? 100_000 : 1_000_000;
/** They come due evenly over this time: 1,667 a second. */
const SPREAD_MS = TIMERS * 0.6;
const MEASURE_MS = 30_000;
const IDLE_MS = 10_000;
const EXECUTIONS = 4_000;
const TASKS_EACH = 25;

/** What a history costs is seen by leaving it out. */
class ForgetfulStore extends PostgresWorkflowStore {
  override record(worker: string, advances: readonly Advance[]) {
    return super.record(worker, advances.map(withoutHistoryOf));
  }
  override advanceDue(request: Parameters<PostgresWorkflowStore['advanceDue']>[0]) {
    return super.advanceDue({ ...request, decide: (due) => request.decide(due).map(withoutHistoryOf) });
  }
}

const parent = mkdtempSync(join(tmpdir(), 'healthsync-bench-'));
const folder = await openDataFolder(join(parent, 'data'));
const database = await openDatabase({ dataFolder: folder.path });
const postmaster = database.postgresPid() ?? 0;
try {
  const withHistory = await transitions('chain', new PostgresWorkflowStore(database));
  const isAll = !process.argv.includes('--transitions');
  const withoutHistory = isAll ? await transitions('chain-without-history', new ForgetfulStore(database)) : undefined;
  const answers = isAll ? await acknowledgements() : undefined;
  await database.pool.query('truncate workflow_execution, workflow_history');
  const timers = isAll ? await armedTimers() : {};
  console.log(
    JSON.stringify(
      { bench: 'workflow', node: process.version, withHistory, withoutHistory, answers, ...timers },
      null,
      2,
    ),
  );
} finally {
  await database.close();
  folder.close();
  rmSync(parent, { recursive: true, force: true });
}

function withoutHistoryOf({ history: _, ...advance }: Advance): Advance {
  return advance;
}

/** Chains of tasks that answer at once: every answer is one transition to the next state, committed before it runs. */
async function transitions(name: string, store: PostgresWorkflowStore) {
  const states = Object.fromEntries(
    Array.from({ length: TASKS_EACH }, (_, index) => [
      `Step${index}`,
      {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Parameters: { FunctionName: 'answer', Payload: { 'alarmId.$': '$.alarmId', step: index } },
        ResultSelector: { 'said.$': '$.Payload.said' },
        ResultPath: '$.result',
        Retry: [{ ErrorEquals: ['States.TaskFailed'], MaxAttempts: 2 }],
        ...(index + 1 === TASKS_EACH ? { End: true } : { Next: `Step${index + 1}` }),
      },
    ]),
  );
  let left = EXECUTIONS;
  let done: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    done = resolve;
  });
  const driver = await startDriver(
    store,
    { [name]: { StartAt: 'Step0', States: states } },
    {
      answer: async () => ({ said: 'yes' }),
    },
    { ended: () => --left === 0 && done() },
  );
  const usage = measure();
  for (let from = 0; from < EXECUTIONS; from += 1_000)
    await store.start(
      Array.from({ length: 1_000 }, (_, index) => ({
        definition: name,
        name: `A-${from + index}`,
        input: { alarmId: `A-${from + index}` },
        nowMs: Date.now(),
      })),
    );
  driver.wake();
  await finished;
  const used = usage();
  await driver.stop();
  // The start of each is one more.
  const count = EXECUTIONS * (TASKS_EACH + 1);
  return {
    executions: EXECUTIONS,
    transitions: count,
    transitionsPerSecond: Math.round((count / used.ms) * 1_000),
    cpuPerTransitionUs: {
      node: round((used.nodeMs * 1_000) / count),
      postgres: round((used.postgresMs * 1_000) / count),
    },
  };
}

/** One after the other: an escalation is told, and acknowledged as soon as it waits. */
async function acknowledgements() {
  const store = new PostgresWorkflowStore(database);
  const told = new Map<string, (token: string) => void>();
  const over = new Map<string, () => void>();
  const ask = {
    StartAt: 'Ask',
    States: {
      Ask: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Parameters: { FunctionName: 'ask', Payload: { 'id.$': '$.id', 'token.$': '$$.Task.Token' } },
        TimeoutSeconds: 600,
        End: true,
      },
    },
  };
  let current = '';
  const handlers: TaskHandlers = {
    ask: async (input, { taskToken = '' }) => told.get((input as { id: string }).id)?.(taskToken),
  };
  const driver = await startDriver(store, { ask }, handlers, { ended: () => over.get(current)?.() });
  const startToTask: number[] = [];
  const answerToEnd: number[] = [];
  for (let index = 0; index < 200; index++) {
    current = `A-${index}`;
    const token = new Promise<string>((resolve) => told.set(current, resolve));
    const ended = new Promise<void>((resolve) => over.set(current, resolve));
    const startedAt = performance.now();
    await store.start([{ definition: 'ask', name: current, input: { id: current }, nowMs: Date.now() }]);
    driver.wake();
    const given = await token;
    startToTask.push(performance.now() - startedAt);
    await sleep(5);
    const answeredAt = performance.now();
    await store.completeTask({ token: given, output: {}, nowMs: Date.now() });
    driver.wake();
    await ended;
    answerToEnd.push(performance.now() - answeredAt);
  }
  await driver.stop();
  return { startToTaskMs: spreadOf(startToTask), answerToEndMs: spreadOf(answerToEnd) };
}

/** All armed, none due for a while; then open loop: they come due by the clock, whatever the engine does. */
async function armedTimers() {
  const store = new PostgresWorkflowStore(database);
  const wait = {
    StartAt: 'Pause',
    States: { Pause: { Type: 'Wait', TimestampPath: '$.until', Next: 'Done' }, Done: { Type: 'Succeed' } },
  };
  const lateMs: number[] = [];
  let isMeasuring = false;
  const seeding = performance.now();
  const definitions = new Definitions(store);
  const source = JSON.stringify(wait);
  await definitions.keep([{ name: 'wait', source }], []);
  // How long arming takes here is seen from the first few; the rest is due only after it.
  const trialMs = await arm(0, TIMERS / 50, Date.now() + 3_600_000);
  await database.pool.query('truncate workflow_execution');
  const firstMs = Date.now() + trialMs * 50 * 1.5 + IDLE_MS + 20_000;
  const step = TIMERS / 50;
  for (let from = 0; from < TIMERS; from += step) await arm(from, step, firstMs);
  await database.pool.query('analyze workflow_execution');
  const seedSeconds = round((performance.now() - seeding) / 1_000);
  const driver = startWorkflowDriver({
    store,
    definitions,
    handlers: {},
    worker: 'bench',
    now: Date.now,
    monotonicMs: () => performance.now(),
    seed: () => [1, 2, 3, 4],
    hooks: { advanced: (one) => isMeasuring && lateMs.push(one.lateMs) },
  });
  await sleep(1_000);
  const spareMs = firstMs - Date.now() - 2_000;
  if (spareMs < IDLE_MS) throw new Error(`arming took too long: ${spareMs} ms left`);
  await sleep(spareMs - IDLE_MS);
  const idle = measure();
  await sleep(IDLE_MS);
  const idled = idle();
  await sleep(firstMs - Date.now() + 2_000);
  isMeasuring = true;
  const busy = measure();
  await sleep(MEASURE_MS);
  isMeasuring = false;
  const used = busy();
  const expected = Math.round((used.ms / SPREAD_MS) * TIMERS);
  await driver.stop();
  return {
    armed: TIMERS,
    armingSeconds: seedSeconds,
    idleCpuPercent: { node: percent(idled.nodeMs, idled.ms), postgres: percent(idled.postgresMs, idled.ms) },
    timers: {
      fired: lateMs.length,
      expected,
      perSecond: Math.round((lateMs.length / used.ms) * 1_000),
      lateMs: spreadOf(lateMs),
      cpuPercent: { node: percent(used.nodeMs, used.ms), postgres: percent(used.postgresMs, used.ms) },
    },
  };
}

/** As the driver would have written them; by SQL, because starting a million is another measurement. */
async function arm(from: number, count: number, firstMs: number): Promise<number> {
  const begun = performance.now();
  await database.pool.query(
    `insert into workflow_execution (definition, name, digest, version, state, started_at, wake_at)
     select 'wait', 'A-' || n, (select digest from workflow_definition where name = 'wait'), 1,
       '{"status":"RUNNING","events":2,"tasks":0,"thread":{"state":"Pause","input":{"alarmId":"A-' || n
         || '","until":"2026-11-22T01:02:03Z"},"enteredAtMs":' || $3::bigint || ',"event":2,"doing":{"kind":"wait","untilMs":'
         || due || '}}}',
       now(), to_timestamp(due / 1000.0)
     from (
       select n, ($3::bigint + floor(n * $4::float8))::bigint as due
       from generate_series($1::integer, $2::integer) as n
     ) as timer`,
    [from, from + count - 1, Math.round(firstMs), SPREAD_MS / TIMERS],
  );
  return performance.now() - begun;
}

async function startDriver(
  store: PostgresWorkflowStore,
  files: Readonly<Record<string, object>>,
  handlers: TaskHandlers,
  hooks: DriverHooks,
) {
  const definitions = new Definitions(store);
  await definitions.keep(
    Object.entries(files).map(([name, definition]) => ({ name, source: JSON.stringify(definition) })),
    Object.keys(handlers),
  );
  return startWorkflowDriver({
    store,
    definitions,
    handlers,
    worker: 'bench',
    now: Date.now,
    monotonicMs: () => performance.now(),
    seed: () => [1, 2, 3, 4],
    hooks: {
      onStoreError: (error) => console.error(error),
      onHandlerError: (_, error) => console.error(error),
      ...hooks,
    },
  });
}

function measure() {
  const before = {
    at: performance.now(),
    node: process.cpuUsage(),
    postgres: postgresCpuMs(postmaster),
  };
  return () => {
    const node = process.cpuUsage(before.node);
    return {
      ms: performance.now() - before.at,
      nodeMs: (node.user + node.system) / 1_000,
      postgresMs: postgresCpuMs(postmaster) - before.postgres,
    };
  };
}

function spreadOf(values: number[]) {
  values.sort((a, b) => a - b);
  const at = (share: number) => round(values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
}

function percent(usedMs: number, ms: number): number {
  return round((usedMs / ms) * 100);
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
