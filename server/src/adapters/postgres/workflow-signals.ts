import type pg from 'pg';
import type {
  NewExecution,
  SignalOutcome,
  StartedExecution,
  WorkflowSignal,
  WorkflowStore,
} from '../../ports/workflow-store.ts';

/**
 * Starting executions and answering their tasks inside somebody else's transaction, so that an alarm and its escalation
 * are one: what the caller rolls back has never been. Workers hear of it when the caller commits.
 */
export async function startExecutions(
  client: Queries,
  executions: readonly NewExecution[],
): Promise<readonly StartedExecution[]> {
  if (executions.length === 0) return [];
  const { rows } = await client.query<{ id: string }>({
    text: `with started as (
        insert into workflow_execution (definition, name, digest, state, started_at, wake_at)
        select new.definition, new.name, current.digest, new.input, to_timestamp(new.at / 1000), to_timestamp(new.at / 1000)
        from unnest($1::text[], $2::text[], $3::text[], $4::float8[]) as new (definition, name, input, at)
        join workflow_definition as current on current.name = new.definition and current.is_current
        on conflict (definition, name) do nothing
        returning definition || ':' || name as id
      )
      select id, pg_notify('${WORKFLOW_CHANNEL}', '') from started`,
    values: [
      executions.map(({ definition }) => definition),
      executions.map(({ name }) => name),
      executions.map(({ input }) => JSON.stringify(input ?? {})),
      executions.map(({ nowMs }) => nowMs),
    ],
  });
  const created = new Set(rows.map(({ id }) => id));
  if (created.size < executions.length) await requireDefinitions(client, executions);
  return executions.map(({ definition, name }) => {
    const id = `${definition}:${name}`;
    return { id, isNew: created.delete(id) };
  });
}

export function completeTask(
  client: Queries,
  { token, output, nowMs }: Parameters<WorkflowStore['completeTask']>[0],
): Promise<SignalOutcome> {
  return signal(client, executionOf(token), { kind: 'succeeded', token, output: output ?? null, atMs: nowMs });
}

export function failTask(
  client: Queries,
  { token, error, cause, nowMs }: Parameters<WorkflowStore['failTask']>[0],
): Promise<SignalOutcome> {
  const said = cause === undefined ? {} : { cause };
  return signal(client, executionOf(token), { kind: 'failed', token, error, ...said, atMs: nowMs });
}

export function heartbeatTask(
  client: Queries,
  { token, nowMs }: Parameters<WorkflowStore['heartbeat']>[0],
): Promise<SignalOutcome> {
  return signal(client, executionOf(token), { kind: 'heartbeat', token, atMs: nowMs });
}

export function stopExecution(
  client: Queries,
  { id, error, cause, nowMs }: Parameters<WorkflowStore['stopExecution']>[0],
): Promise<SignalOutcome> {
  const said = { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
  return signal(client, id, { kind: 'stop', ...said, atMs: nowMs });
}

/** Tells the workers of a committed transaction that something is due at once. */
export const WORKFLOW_CHANNEL = 'healthsync_workflow';

export type Queries = Pick<pg.PoolClient, 'query'>;

/** A task that beats every second and a worker that is away for two minutes; each signal rewrites the row. */
const SIGNALS_MAX = 120;

async function signal(client: Queries, id: string, signalled: WorkflowSignal): Promise<SignalOutcome> {
  const token = 'token' in signalled ? signalled.token : null;
  const [definition, name] = splitId(id);
  const { rows } = await client.query<{ outcome: SignalOutcome }>({
    text: `with waiting as (
        select key, cardinality(signals) < ${SIGNALS_MAX} as has_room from workflow_execution
        where definition = $1 and name = $2 and status = 'RUNNING' and ($3::text is null or $3 = any (tokens))
          and not exists (
            select from unnest(signals) as earlier
            where earlier::json ->> 'kind' = 'stop'
              or (earlier::json ->> 'token' = $3 and earlier::json ->> 'kind' <> 'heartbeat')
          )
        for update
      ), told as (
        update workflow_execution as execution
        set signals = execution.signals || $4::text, wake_at = least(execution.wake_at, to_timestamp($5::float8 / 1000))
        from waiting where execution.key = waiting.key and waiting.has_room
        returning pg_notify('${WORKFLOW_CHANNEL}', '')
      )
      select case when has_room then 'accepted' else 'overloaded' end as outcome from waiting
      left join told on true`,
    values: [definition, name, token, JSON.stringify(signalled), signalled.atMs],
  });
  return rows[0]?.outcome ?? 'not-waiting';
}

/** A token begins with the id of its execution; both are made by `threads.ts` and here, and hold no `~` of their own. */
function executionOf(token: string): string {
  return token.slice(0, Math.max(0, token.indexOf('~')));
}

export function splitId(id: string): readonly [definition: string, name: string] {
  const at = id.indexOf(':');
  return [id.slice(0, Math.max(0, at)), id.slice(at + 1)];
}

async function requireDefinitions(client: Queries, executions: readonly NewExecution[]): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select distinct name from unnest($1::text[]) as wanted (name)
     where not exists (select from workflow_definition as kept where kept.name = wanted.name and kept.is_current)`,
    [executions.map(({ definition }) => definition)],
  );
  if (rows.length > 0) throw new TypeError(`no workflow definition ${rows.map(({ name }) => name).join(', ')} is kept`);
}
