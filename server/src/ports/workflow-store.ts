/**
 * Workflow executions, one record each: what they wait for, until when, who is working on them, what has been signalled
 * to them meanwhile, and their history. The store knows nothing of the States Language: state, input and history are
 * text of whoever advances them.
 */
export interface WorkflowStore {
  /** Makes it the definition with which executions of its name start from now on. Idempotent. */
  keepDefinition(definition: WorkflowDefinitionSource): Promise<void>;
  /** Also one that is no longer current: running executions end with what they began with. */
  definition(digest: string): Promise<WorkflowDefinitionSource | undefined>;

  /** Starts those whose (definition, name) does not exist yet; answers with the ids of all, and which of them are new. */
  start(executions: readonly NewExecution[]): Promise<readonly StartedExecution[]>;
  completeTask(signal: {
    readonly token: string;
    readonly output: unknown;
    readonly nowMs: number;
  }): Promise<SignalOutcome>;
  failTask(signal: {
    readonly token: string;
    readonly error: string;
    readonly cause?: string;
    readonly nowMs: number;
  }): Promise<SignalOutcome>;
  heartbeat(signal: { readonly token: string; readonly nowMs: number }): Promise<SignalOutcome>;
  /** Ends it as ABORTED; `not-waiting` where it has ended already or never was. */
  stopExecution(request: {
    readonly id: string;
    readonly error?: string;
    readonly cause?: string;
    readonly nowMs: number;
  }): Promise<SignalOutcome>;

  /**
   * One transaction: locks up to `limit` executions that are due and that no other worker holds, oldest wake first, asks
   * `decide` what becomes of each, and writes that. What another transaction has locked is passed over. `decide` runs
   * inside the transaction: it computes, and waits for nothing.
   */
  advanceDue(request: {
    readonly worker: string;
    readonly nowMs: number;
    readonly limit: number;
    /** Only what this worker holds already: it has its hands full. */
    readonly onlyHeld?: boolean;
    readonly decide: (due: readonly DueExecution[]) => readonly Advance[];
  }): Promise<void>;
  /**
   * Writes what became of executions that `worker` holds. Each is written only if it is still at the version it was
   * advanced from and nobody else has it locked: it waits for no one, because who waits while holding locks can be
   * waited for.
   */
  record(worker: string, advances: readonly Advance[]): Promise<ReadonlyMap<number, RecordOutcome>>;
  /** Holds executions longer; answers with the keys of those that are not this worker's any more. */
  renew(request: {
    readonly worker: string;
    readonly keys: readonly number[];
    readonly leasedUntilMs: number;
  }): Promise<ReadonlySet<number>>;
  /** Lets go of everything this worker holds: after a restart under the same name, and on a clean stop. */
  release(worker: string, nowMs: number): Promise<number>;
  /**
   * When there will be work that there is not at `nowMs`: a wake, or the end of another worker's lease on something that
   * is due. Undefined: nothing waits.
   */
  nextWakeMs(request: { readonly worker: string; readonly nowMs: number }): Promise<number | undefined>;

  find(id: string): Promise<ExecutionRecord | undefined>;
  /** Newest first. `beforeKey` pages. */
  list(query: {
    readonly definition?: string;
    readonly status?: ExecutionStatus;
    readonly beforeKey?: number;
    readonly limit: number;
  }): Promise<readonly ExecutionRecord[]>;
  /** Pieces of history as they were written, oldest first. */
  history(key: number): Promise<readonly string[]>;
  /** Removes ended executions with their history; answers with how many. */
  prune(request: { readonly endedBeforeMs: number; readonly limit: number }): Promise<number>;
}

export interface WorkflowDefinitionSource {
  readonly name: string;
  /** SHA-256 of the source, in hex. */
  readonly digest: string;
  /** The `.asl.json`, to the letter. */
  readonly source: string;
}

export interface NewExecution {
  /** The name of a definition that is kept. */
  readonly definition: string;
  /** Idempotent: the same name of the same definition starts once. At most 80 characters of `[A-Za-z0-9._-]`. */
  readonly name: string;
  /** JSON. Ids only, never a measurement or a name: operators read executions in the app. */
  readonly input: unknown;
  readonly nowMs: number;
}

export interface StartedExecution {
  /** `definition:name`. */
  readonly id: string;
  readonly isNew: boolean;
}

/**
 * `accepted`: it will be acted on. `not-waiting`: the task has ended, was signalled before, timed out, or never was.
 * `overloaded`: more signals wait for this execution than it could need.
 */
export type SignalOutcome = 'accepted' | 'not-waiting' | 'overloaded';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** What somebody told a running execution; kept with it until it is advanced. */
export type WorkflowSignal =
  | { readonly kind: 'succeeded'; readonly token: string; readonly output: unknown; readonly atMs: number }
  | {
      readonly kind: 'failed';
      readonly token: string;
      readonly error: string;
      readonly cause?: string;
      readonly atMs: number;
    }
  | { readonly kind: 'heartbeat'; readonly token: string; readonly atMs: number }
  | { readonly kind: 'stop'; readonly error?: string; readonly cause?: string; readonly atMs: number };

export interface DueExecution {
  /** Short and lasting, for the store's own use; grows with time. */
  readonly key: number;
  readonly id: string;
  readonly name: string;
  readonly digest: string;
  /** Goes up by one with every advance. 0: it has not begun. */
  readonly version: number;
  /** What the last advance wrote; before the first one, the input as JSON. */
  readonly state: string;
  readonly startedAtMs: number;
  readonly wakeAtMs: number;
  readonly signals: readonly WorkflowSignal[];
  /** This worker holds it already: what it knows of it is as new as the version says. */
  readonly isHeld: boolean;
}

export interface Advance {
  readonly key: number;
  /** The version it was advanced from. */
  readonly version: number;
  readonly status: ExecutionStatus;
  readonly state: string;
  /** When it is to be looked at again; absent once it has ended. Signals wake it earlier. */
  readonly wakeAtMs?: number;
  /** Present while this worker goes on working for it: nobody else takes it until then. */
  readonly leasedUntilMs?: number;
  /** How many of the waiting signals it has dealt with. */
  readonly signalsSeen: number;
  /** The tasks that may be signalled from now on. */
  readonly tokens: readonly string[];
  /** Absent: nothing to add. */
  readonly history?: string;
  readonly endedAtMs?: number;
  /** Of an execution that ended otherwise than well. */
  readonly error?: string;
}

/**
 * `written`; `signalled`: written, and signals wait that were not seen; `locked`: not now, it is in somebody's
 * transaction; `lost`: another worker has taken it over.
 */
export type RecordOutcome = 'written' | 'signalled' | 'locked' | 'lost';

export interface ExecutionRecord {
  readonly key: number;
  readonly id: string;
  readonly definition: string;
  readonly name: string;
  readonly digest: string;
  readonly status: ExecutionStatus;
  /** As of a `DueExecution`. */
  readonly state: string;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  /** Of one that runs: when it is looked at next unless it is signalled. */
  readonly wakeAtMs?: number;
  readonly error?: string;
}
