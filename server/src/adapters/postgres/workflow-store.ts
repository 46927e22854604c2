import type pg from 'pg';
import type {
  Advance,
  DueExecution,
  ExecutionRecord,
  RecordOutcome,
  SignalOutcome,
  StartedExecution,
  WorkflowDefinitionSource,
  WorkflowSignal,
  WorkflowStore,
} from '../../ports/workflow-store.ts';
import { type LeftEntry, leaveForAudit, ownEntry } from './audit-pending.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { forgotten } from './old-data.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';
import { completeTask, failTask, heartbeatTask, splitId, startExecutions, stopExecution } from './workflow-signals.ts';

/** Workflow executions in PostgreSQL: one row each, its history beside it, written together. */
export class PostgresWorkflowStore implements WorkflowStore {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async keepDefinition({ name, digest, source }: WorkflowDefinitionSource): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      await client.query('lock table workflow_definition in share row exclusive mode');
      await client.query('update workflow_definition set is_current = false where name = $1 and digest <> $2', [
        name,
        digest,
      ]);
      const { rowCount } = await client.query(
        `insert into workflow_definition (digest, name, source, is_current) values ($1, $2, $3, true)
         on conflict (digest) do update set is_current = true where not workflow_definition.is_current`,
        [digest, name, source],
      );
      if (rowCount === 1) await leaveForAudit(client, [definitionEntry(name, digest)]);
    });
  }

  async definition(digest: string): Promise<WorkflowDefinitionSource | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<WorkflowDefinitionSource>(
        'select name, digest, source from workflow_definition where digest = $1',
        [digest],
      ),
    );
    return rows[0];
  }

  start(executions: Parameters<WorkflowStore['start']>[0]): Promise<readonly StartedExecution[]> {
    return failing(() => startExecutions(this.#pool, executions));
  }

  completeTask(signal: Parameters<WorkflowStore['completeTask']>[0]): Promise<SignalOutcome> {
    return failing(() => completeTask(this.#pool, signal));
  }

  failTask(signal: Parameters<WorkflowStore['failTask']>[0]): Promise<SignalOutcome> {
    return failing(() => failTask(this.#pool, signal));
  }

  heartbeat(signal: Parameters<WorkflowStore['heartbeat']>[0]): Promise<SignalOutcome> {
    return failing(() => heartbeatTask(this.#pool, signal));
  }

  stopExecution(request: Parameters<WorkflowStore['stopExecution']>[0]): Promise<SignalOutcome> {
    return failing(() => stopExecution(this.#pool, request));
  }

  async advanceDue({
    worker,
    nowMs,
    limit,
    onlyHeld = false,
    decide,
  }: Parameters<WorkflowStore['advanceDue']>[0]): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<DueRow>({
        text: `select key, definition || ':' || name as id, name, digest, version, state, started_at as "startedAtMs",
            wake_at as "wakeAtMs", signals, leased_by is not distinct from $2 as "isHeld"
          from workflow_execution
          where wake_at <= to_timestamp($1::float8 / 1000)
            and (leased_until is null or leased_until <= to_timestamp($1::float8 / 1000) or leased_by = $2)
            and (not $4::boolean or leased_by = $2)
          order by wake_at limit $3 for update skip locked`,
        values: [nowMs, worker, limit, onlyHeld],
      });
      if (rows.length === 0) return;
      await write(client, worker, decide(rows.map(toDue)), 'locked');
    });
  }

  record(worker: string, advances: readonly Advance[]): Promise<ReadonlyMap<number, RecordOutcome>> {
    return failing(async () => {
      const outcomes = await write(this.#pool, worker, advances, 'leased');
      const missing = advances.filter(({ key }) => !outcomes.has(key));
      if (missing.length === 0) return outcomes;
      const ours = await this.#ours(worker, missing);
      for (const { key } of missing) outcomes.set(key, ours.has(key) ? 'locked' : 'lost');
      return outcomes;
    });
  }

  async #ours(worker: string, advances: readonly Pick<Advance, 'key' | 'version'>[]): Promise<ReadonlySet<number>> {
    const { rows } = await this.#pool.query<{ key: number }>(
      `select key from workflow_execution join unnest($2::bigint[], $3::integer[]) as known (key, version)
         using (key, version) where leased_by = $1`,
      [worker, advances.map(({ key }) => key), advances.map(({ version }) => version)],
    );
    return new Set(rows.map(({ key }) => key));
  }

  async renew({ worker, keys, leasedUntilMs }: Parameters<WorkflowStore['renew']>[0]): Promise<ReadonlySet<number>> {
    return await failing(async () => {
      await this.#pool.query(
        // A wake that was the lease's end moves with it; an earlier one is a timer's.
        `with mine as (
           select key from workflow_execution where key = any ($2) and leased_by = $1 for update skip locked
         )
         update workflow_execution as execution
         set wake_at = case when wake_at = leased_until then to_timestamp($3::float8 / 1000) else wake_at end,
           leased_until = to_timestamp($3::float8 / 1000)
         from mine where execution.key = mine.key`,
        [worker, keys, leasedUntilMs],
      );
      const { rows } = await this.#pool.query<{ key: number }>(
        `select wanted.key from unnest($2::bigint[]) as wanted (key)
         where not exists (select from workflow_execution as kept where kept.key = wanted.key and kept.leased_by = $1)`,
        [worker, keys],
      );
      return new Set(rows.map(({ key }) => key));
    });
  }

  async release(worker: string, nowMs: number): Promise<number> {
    const { rowCount } = await failing(() =>
      this.#pool.query(
        // The index finds what may be leased: nothing is held for longer than an hour ahead.
        `update workflow_execution
         set leased_by = null, leased_until = null, wake_at = least(wake_at, to_timestamp($2::float8 / 1000))
         where leased_by = $1 and wake_at <= to_timestamp($2::float8 / 1000) + interval '1 hour'`,
        [worker, nowMs],
      ),
    );
    return rowCount ?? 0;
  }

  async nextWakeMs({ worker, nowMs }: Parameters<WorkflowStore['nextWakeMs']>[0]): Promise<number | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<{ atMs: number | null }>({
        text: `select least(
            (select min(wake_at) from workflow_execution where wake_at > to_timestamp($1::float8 / 1000)),
            (select min(leased_until) from workflow_execution
             where wake_at <= to_timestamp($1::float8 / 1000) and leased_by <> $2)
          ) as "atMs"`,
        values: [nowMs, worker],
      }),
    );
    return rows[0]?.atMs ?? undefined;
  }

  async find(id: string): Promise<ExecutionRecord | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<object>(
        `select ${RECORD} from workflow_execution where definition = $1 and name = $2`,
        splitId(id).slice(),
      ),
    );
    return rows[0] === undefined ? undefined : (withoutNulls(rows[0]) as ExecutionRecord);
  }

  async list(query: Parameters<WorkflowStore['list']>[0]): Promise<readonly ExecutionRecord[]> {
    const { definition, status, beforeKey, limit } = query;
    const { rows } = await failing(() =>
      this.#pool.query<object>(
        `select ${RECORD} from workflow_execution
         where ($1::text is null or definition = $1) and ($2::text is null or status = $2)
           and ($3::bigint is null or key < $3)
         order by key desc limit $4`,
        [definition, status, beforeKey, limit],
      ),
    );
    return rows.map((row) => withoutNulls(row) as ExecutionRecord);
  }

  async history(key: number): Promise<readonly string[]> {
    const { rows } = await failing(() =>
      this.#pool.query<{ events: string }>(
        'select events from workflow_history where execution = $1 order by version',
        [key],
      ),
    );
    return rows.map(({ events }) => events);
  }

  async prune({ endedBeforeMs, limit }: Parameters<WorkflowStore['prune']>[0]): Promise<number> {
    return await inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<{ key: number }>(
        `delete from workflow_execution where key in (
           select key from workflow_execution where ended_at < to_timestamp($1::float8 / 1000)
           order by ended_at limit $2 for update skip locked
         ) returning key`,
        [endedBeforeMs, limit],
      );
      await client.query('delete from workflow_history where execution = any ($1)', [rows.map(({ key }) => key)]);
      const before = new Date(endedBeforeMs);
      await leaveForAudit(client, forgotten('workflow-executions', { count: rows.length, before }));
      return rows.length;
    });
  }
}

/** Another workflow holds from now on, with the program that brought it. */
function definitionEntry(name: string, digest: string): LeftEntry {
  const resource = { kind: 'workflow', id: name };
  return ownEntry('workflows', { action: 'workflow.define', resource, detail: { digest } });
}

const RECORD = `key, definition || ':' || name as id, definition, name, digest, status, state, started_at as "startedAtMs",
  ended_at as "endedAtMs", wake_at as "wakeAtMs", error`;

type DueRow = Omit<DueExecution, 'signals'> & { readonly signals: readonly string[] };

function toDue(row: DueRow): DueExecution {
  return { ...row, signals: row.signals.map((text) => JSON.parse(text) as WorkflowSignal) };
}

/**
 * JSON texts as one, between characters that JSON never holds unescaped (RFC 8259 §7): as an array literal each of their
 * quotes would be escaped here and read again there, a tenth of what a transition costs.
 */
function asOne(texts: readonly string[]): string {
  return texts.map((text) => SEPARATOR + text).join('');
}
const SEPARATOR = '\u001f';

/** One statement for all: rows and their history. A row that is no longer at its version stays as it is. */
async function write(
  client: Pick<pg.PoolClient, 'query'>,
  worker: string,
  advances: readonly Advance[],
  how: 'locked' | 'leased',
): Promise<Map<number, RecordOutcome>> {
  if (advances.length === 0) return new Map();
  const { rows } = await client.query<{ key: number; isSignalled: boolean }>({
    text: how === 'locked' ? WRITE_LOCKED : WRITE_LEASED,
    values: [
      worker,
      advances.map(({ key }) => key),
      advances.map(({ version }) => version),
      advances.map(({ status }) => status),
      asOne(advances.map(({ state }) => state)),
      advances.map(({ wakeAtMs = null }) => wakeAtMs),
      advances.map(({ leasedUntilMs = null }) => leasedUntilMs),
      advances.map(({ signalsSeen }) => signalsSeen),
      // A token holds no blank.
      advances.map(({ tokens }) => tokens.join(' ')),
      asOne(advances.map(({ history = '' }) => history)),
      advances.map(({ endedAtMs = null }) => endedAtMs),
      advances.map(({ error = null }) => error),
    ],
  });
  return new Map(rows.map(({ key, isSignalled }) => [key, isSignalled ? 'signalled' : 'written']));
}

/** Undoes `asOne`: the first piece is what stands before the first. */
function apart(texts: string): string {
  return `(string_to_array(${texts}::text, chr(31)))[2:]`;
}

const writeIf = ({ locking, condition }: { readonly locking: string; readonly condition: string }) => `
  with ${locking} written as (
    update workflow_execution as execution
    set version = execution.version + 1, status = next.status, state = next.state,
      wake_at = case
        when next.ended_at is not null then null
        -- What was signalled meanwhile has set the wake; the row is looked at again at once.
        when cardinality(execution.signals) > next.signals_seen
          then least(execution.wake_at, to_timestamp(next.wake_at / 1000))
        else to_timestamp(next.wake_at / 1000) end,
      leased_by = case when next.leased_until is not null then $1 end,
      leased_until = to_timestamp(next.leased_until / 1000),
      signals = case when next.ended_at is null then execution.signals[next.signals_seen + 1 :] else '{}' end,
      tokens = string_to_array(next.tokens, ' '),
      ended_at = to_timestamp(next.ended_at / 1000), error = next.error
    from unnest($2::bigint[], $3::integer[], $4::text[], ${apart('$5')}, $6::float8[], $7::float8[], $8::integer[], $9::text[],
        ${apart('$10')}, $11::float8[], $12::text[])
      as next (key, version, status, state, wake_at, leased_until, signals_seen, tokens, history, ended_at, error)
    where execution.key = next.key and execution.version = next.version ${condition}
    returning execution.key, execution.version, next.history, cardinality(execution.signals) > 0 as signalled
  ), told as (
    insert into workflow_history (execution, version, events)
    select key, version, history from written where history <> ''
  )
  select key, signalled as "isSignalled" from written`;

/** The rows are this transaction's already. */
const WRITE_LOCKED = writeIf({ locking: '', condition: 'and $1::text is not null' });
/** Whoever signals several executions in one transaction must never wait for us while we wait for them. */
const WRITE_LEASED = writeIf({
  locking: `mine as (
    select key from workflow_execution where key = any ($2) and leased_by = $1::text for update skip locked
  ),`,
  condition: 'and execution.key in (select key from mine)',
});
