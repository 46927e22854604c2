import { ExecutionHistory, ExecutionList, ExecutionStatus } from '@healthsync/contracts/workflow';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { ExecutionRecord, WorkflowStore } from '../../ports/workflow-store.ts';
import { currentStates, type Execution } from '../../workflow/language/execution.ts';
import type { HistoryEvent } from '../../workflow/language/history-event.ts';
import { historyOf } from '../../workflow/language/history-text.ts';
import { rfc3339 } from '../alert-shape.ts';
import { invalid, notFound } from '../problem.ts';
import type { Api } from '../validation.ts';

const LIST_DEFAULT = 50;
const LIST_MAX = 200;
/** A page a person can still scroll; an escalation has about a hundred. */
const EVENTS_MAX = 5_000;

const Query = Type.Object(
  {
    definition: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,80}$' })),
    status: Type.Optional(ExecutionStatus),
    cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_MAX })),
  },
  { additionalProperties: false },
);
const Path = Type.Object({ id: Type.String({ maxLength: 161 }) });
const ID = /^[A-Za-z0-9_-]{1,80}:[A-Za-z0-9._-]{1,80}$/;

/** What the workflow engine does and did. Inputs and outputs hold ids and settings only (`load-definition.ts`). */
export function registerWorkflows(
  app: FastifyInstance,
  { store }: { readonly store: Pick<WorkflowStore, 'list' | 'find' | 'history'> },
): void {
  const api = app as unknown as Api;

  api.get(
    '/api/workflows/executions',
    {
      config: { action: 'operations.read', installation: true },
      schema: {
        summary: 'Workflow executions, newest first',
        tags: ['workflows'],
        querystring: Query,
        response: { 200: ExecutionList },
      },
    },
    async (request, reply) => {
      const { definition, status, cursor, limit = LIST_DEFAULT } = request.query;
      const found = await store.list({
        limit,
        ...(definition !== undefined && { definition }),
        ...(status !== undefined && { status }),
        ...(cursor !== undefined && { beforeKey: Number(cursor) }),
      });
      const last = found.length === limit ? found.at(-1) : undefined;
      return reply.send({
        executions: found.map(toShown),
        ...(last !== undefined && { next: String(last.key) }),
      });
    },
  );

  api.get(
    '/api/workflows/executions/:id',
    {
      config: { action: 'operations.read', installation: true },
      schema: {
        summary: 'One execution with its history',
        tags: ['workflows'],
        params: Path,
        response: { 200: ExecutionHistory },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!ID.test(id))
        return invalid(reply, [{ code: 'invalid-value', field: 'id', detail: 'must be definition:name' }]);
      const found = await store.find(id);
      if (found === undefined) return notFound(reply, 'execution');
      const events = (await store.history(found.key)).flatMap(historyOf);
      return reply.send(toHistory(found, events));
    },
  );
}

function toShown(record: ExecutionRecord): ExecutionList['executions'][number] {
  const { id, definition, name, status, startedAtMs, endedAtMs, wakeAtMs, error } = record;
  return {
    id,
    definition,
    name,
    status,
    startedAt: rfc3339(startedAtMs),
    ...(endedAtMs !== undefined && { endedAt: rfc3339(endedAtMs) }),
    ...(wakeAtMs !== undefined && { wakeAt: rfc3339(wakeAtMs) }),
    ...(error !== undefined && { error }),
  };
}

function toHistory(record: ExecutionRecord, events: readonly HistoryEvent[]): ExecutionHistory {
  const last = events.at(-1);
  const output = record.status === 'SUCCEEDED' ? last?.output : undefined;
  const omitted = Math.max(0, events.length - EVENTS_MAX);
  const state = record.status === 'RUNNING' ? (JSON.parse(record.state) as unknown) : undefined;
  return {
    execution: {
      ...toShown(record),
      // Before its first step the state is the input.
      input: events.length === 0 ? state : events[0]?.input,
      ...(output !== undefined && { output }),
    },
    current: events.length === 0 ? [] : [...currentStates((state ?? {}) as Execution)],
    events: events.slice(omitted).map(toEvent),
    ...(omitted > 0 && { eventsOmitted: omitted }),
  };
}

function toEvent({ previousId, atMs, ...rest }: HistoryEvent): ExecutionHistory['events'][number] {
  return { ...rest, previousEventId: previousId, timestamp: rfc3339(atMs) };
}
