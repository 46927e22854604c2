import { type Static, Type } from 'typebox';

/** As Step Functions names them. */
export const ExecutionStatus = Type.Enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']);
export type ExecutionStatus = Static<typeof ExecutionStatus>;

const execution = {
  /** `definition:name`. */
  id: Type.String(),
  definition: Type.String(),
  name: Type.String(),
  status: ExecutionStatus,
  startedAt: Type.String(),
  endedAt: Type.Optional(Type.String()),
  wakeAt: Type.Optional(
    Type.String({ description: 'Of one that runs: when it goes on by itself, unless something happens before.' }),
  ),
  error: Type.Optional(Type.String({ description: 'The name of the error that ended it.' })),
};

/** `GET /api/workflows/executions`: newest first. */
export const ExecutionList = Type.Object(
  {
    executions: Type.Array(Type.Object(execution)),
    next: Type.Optional(Type.String({ description: 'Cursor of the next page; absent on the last.' })),
  },
  { $id: 'ExecutionList' },
);
export type ExecutionList = Static<typeof ExecutionList>;

/** One event of an execution's history; types and details as Step Functions' GetExecutionHistory names them. */
export const ExecutionEvent = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  previousEventId: Type.Integer({ minimum: 0 }),
  timestamp: Type.String(),
  type: Type.String({ description: 'Such as TaskStateEntered.' }),
  /** The state it belongs to, where it belongs to one. */
  state: Type.Optional(Type.String()),
  input: Type.Optional(Type.Unknown()),
  output: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.String()),
  cause: Type.Optional(Type.String()),
  resource: Type.Optional(Type.String()),
  index: Type.Optional(Type.Integer({ minimum: 0, description: 'Of a Map’s iteration.' })),
});
export type ExecutionEvent = Static<typeof ExecutionEvent>;

/** `GET /api/workflows/executions/{id}`. */
export const ExecutionHistory = Type.Object(
  {
    execution: Type.Object({ ...execution, input: Type.Unknown(), output: Type.Optional(Type.Unknown()) }),
    /** What it is in now; more than one inside a Parallel or Map. */
    current: Type.Array(Type.String()),
    events: Type.Array(ExecutionEvent),
    eventsOmitted: Type.Optional(
      Type.Integer({ minimum: 1, description: 'How many earlier events there are; only the latest 5,000 are shown.' }),
    ),
  },
  { $id: 'ExecutionHistory' },
);
export type ExecutionHistory = Static<typeof ExecutionHistory>;
