import type {
  Advance,
  DueExecution,
  ExecutionRecord,
  RecordOutcome,
  SignalOutcome,
  WorkflowDefinitionSource,
  WorkflowSignal,
  WorkflowStore,
} from '../../ports/workflow-store.ts';

interface Row {
  readonly key: number;
  readonly definition: string;
  readonly name: string;
  readonly digest: string;
  version: number;
  status: ExecutionRecord['status'];
  state: string;
  readonly startedAtMs: number;
  wakeAtMs: number | undefined;
  leasedBy: string | undefined;
  leasedUntilMs: number | undefined;
  signals: readonly WorkflowSignal[];
  tokens: readonly string[];
  endedAtMs: number | undefined;
  error: string | undefined;
  readonly history: string[];
}

/** Executions in memory, for tests and simulations; held to the same contract as the others. */
export class MemoryWorkflowStore implements WorkflowStore {
  readonly #definitions = new Map<string, WorkflowDefinitionSource>();
  readonly #current = new Map<string, string>();
  readonly #rows = new Map<number, Row>();
  readonly #keys = new Map<string, number>();
  #lastKey = 0;

  async keepDefinition(definition: WorkflowDefinitionSource): Promise<void> {
    this.#definitions.set(definition.digest, definition);
    this.#current.set(definition.name, definition.digest);
  }

  async definition(digest: string): Promise<WorkflowDefinitionSource | undefined> {
    return this.#definitions.get(digest);
  }

  async start(executions: Parameters<WorkflowStore['start']>[0]) {
    for (const { definition } of executions)
      if (!this.#current.has(definition)) throw new TypeError(`no workflow definition ${definition} is kept`);
    return executions.map(({ definition, name, input, nowMs }) => {
      const id = `${definition}:${name}`;
      if (this.#keys.has(id)) return { id, isNew: false };
      const key = ++this.#lastKey;
      this.#keys.set(id, key);
      this.#rows.set(key, {
        key,
        definition,
        name,
        digest: this.#current.get(definition) as string,
        version: 0,
        status: 'RUNNING',
        state: JSON.stringify(input ?? {}),
        startedAtMs: nowMs,
        wakeAtMs: nowMs,
        leasedBy: undefined,
        leasedUntilMs: undefined,
        signals: [],
        tokens: [],
        endedAtMs: undefined,
        error: undefined,
        history: [],
      });
      return { id, isNew: true };
    });
  }

  async completeTask({ token, output, nowMs }: Parameters<WorkflowStore['completeTask']>[0]): Promise<SignalOutcome> {
    return this.#signal(executionOf(token), { kind: 'succeeded', token, output: output ?? null, atMs: nowMs });
  }

  async failTask({ token, error, cause, nowMs }: Parameters<WorkflowStore['failTask']>[0]): Promise<SignalOutcome> {
    const said = cause === undefined ? {} : { cause };
    return this.#signal(executionOf(token), { kind: 'failed', token, error, ...said, atMs: nowMs });
  }

  async heartbeat({ token, nowMs }: Parameters<WorkflowStore['heartbeat']>[0]): Promise<SignalOutcome> {
    return this.#signal(executionOf(token), { kind: 'heartbeat', token, atMs: nowMs });
  }

  async stopExecution(request: Parameters<WorkflowStore['stopExecution']>[0]): Promise<SignalOutcome> {
    const { id, error, cause, nowMs } = request;
    const said = { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
    return this.#signal(id, { kind: 'stop', ...said, atMs: nowMs });
  }

  #signal(id: string, signal: WorkflowSignal): SignalOutcome {
    const row = this.#rows.get(this.#keys.get(id) ?? 0);
    if (row === undefined || row.status !== 'RUNNING') return 'not-waiting';
    if ('token' in signal && !row.tokens.includes(signal.token)) return 'not-waiting';
    const isAnswered = row.signals.some(
      (earlier) =>
        earlier.kind === 'stop' ||
        (earlier.kind !== 'heartbeat' && 'token' in signal && earlier.token === signal.token),
    );
    if (isAnswered) return 'not-waiting';
    if (row.signals.length >= SIGNALS_MAX) return 'overloaded';
    // As text and back, as where it is really kept.
    row.signals = [...row.signals, JSON.parse(JSON.stringify(signal)) as WorkflowSignal];
    row.wakeAtMs = Math.min(row.wakeAtMs ?? Number.POSITIVE_INFINITY, signal.atMs);
    return 'accepted';
  }

  async advanceDue({
    worker,
    nowMs,
    limit,
    onlyHeld = false,
    decide,
  }: Parameters<WorkflowStore['advanceDue']>[0]): Promise<void> {
    const due = [...this.#rows.values()]
      .filter((row) => row.wakeAtMs !== undefined && row.wakeAtMs <= nowMs && !isLeasedToAnother(row, worker, nowMs))
      .filter(({ leasedBy }) => !onlyHeld || leasedBy === worker)
      .sort((a, b) => (a.wakeAtMs ?? 0) - (b.wakeAtMs ?? 0))
      .slice(0, limit);
    if (due.length === 0) return;
    for (const advance of decide(due.map((row) => toDue(row, worker)))) this.#write(worker, advance);
  }

  async record(worker: string, advances: readonly Advance[]): Promise<ReadonlyMap<number, RecordOutcome>> {
    const outcomes = new Map<number, RecordOutcome>();
    for (const advance of advances) {
      const row = this.#rows.get(advance.key);
      if (row === undefined || row.version !== advance.version || row.leasedBy !== worker) {
        outcomes.set(advance.key, 'lost');
        continue;
      }
      this.#write(worker, advance);
      outcomes.set(row.key, row.signals.length > 0 ? 'signalled' : 'written');
    }
    return outcomes;
  }

  #write(worker: string, advance: Advance): void {
    const row = this.#rows.get(advance.key);
    if (row === undefined || row.version !== advance.version) return;
    const isEnded = advance.endedAtMs !== undefined;
    const isSignalled = row.signals.length > advance.signalsSeen;
    row.version++;
    row.status = advance.status;
    row.state = advance.state;
    row.wakeAtMs = isEnded
      ? undefined
      : isSignalled
        ? Math.min(row.wakeAtMs ?? Number.POSITIVE_INFINITY, advance.wakeAtMs ?? Number.POSITIVE_INFINITY)
        : advance.wakeAtMs;
    row.leasedBy = advance.leasedUntilMs === undefined ? undefined : worker;
    row.leasedUntilMs = advance.leasedUntilMs;
    row.signals = isEnded ? [] : row.signals.slice(advance.signalsSeen);
    row.tokens = advance.tokens;
    row.endedAtMs = advance.endedAtMs;
    row.error = advance.error;
    if (advance.history !== undefined) row.history.push(advance.history);
  }

  async renew({ worker, keys, leasedUntilMs }: Parameters<WorkflowStore['renew']>[0]): Promise<ReadonlySet<number>> {
    const rows = keys.flatMap((key) => this.#rows.get(key) ?? []).filter(({ leasedBy }) => leasedBy === worker);
    for (const row of rows) {
      if (row.wakeAtMs === row.leasedUntilMs) row.wakeAtMs = leasedUntilMs;
      row.leasedUntilMs = leasedUntilMs;
    }
    const kept = new Set(rows.map(({ key }) => key));
    return new Set(keys.filter((key) => !kept.has(key)));
  }

  async release(worker: string, nowMs: number): Promise<number> {
    const rows = [...this.#rows.values()].filter(({ leasedBy }) => leasedBy === worker);
    for (const row of rows) {
      row.leasedBy = undefined;
      row.leasedUntilMs = undefined;
      row.wakeAtMs = Math.min(row.wakeAtMs ?? nowMs, nowMs);
    }
    return rows.length;
  }

  async nextWakeMs({ worker, nowMs }: Parameters<WorkflowStore['nextWakeMs']>[0]): Promise<number | undefined> {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { wakeAtMs, leasedBy, leasedUntilMs } of this.#rows.values()) {
      if (wakeAtMs === undefined) continue;
      if (wakeAtMs > nowMs) nextMs = Math.min(nextMs, wakeAtMs);
      else if (leasedBy !== undefined && leasedBy !== worker) nextMs = Math.min(nextMs, leasedUntilMs ?? nextMs);
    }
    return nextMs === Number.POSITIVE_INFINITY ? undefined : nextMs;
  }

  async find(id: string): Promise<ExecutionRecord | undefined> {
    const row = this.#rows.get(this.#keys.get(id) ?? 0);
    return row === undefined ? undefined : toRecord(row);
  }

  /** Without waiting: for what is asked in the same transaction. */
  statusOf(id: string): ExecutionRecord['status'] | undefined {
    return this.#rows.get(this.#keys.get(id) ?? 0)?.status;
  }

  async list(query: Parameters<WorkflowStore['list']>[0]): Promise<readonly ExecutionRecord[]> {
    const { definition, status, beforeKey = Number.POSITIVE_INFINITY, limit } = query;
    return [...this.#rows.values()]
      .filter((row) => row.key < beforeKey)
      .filter((row) => (definition ?? row.definition) === row.definition && (status ?? row.status) === row.status)
      .sort((a, b) => b.key - a.key)
      .slice(0, limit)
      .map(toRecord);
  }

  async history(key: number): Promise<readonly string[]> {
    return this.#rows.get(key)?.history.slice() ?? [];
  }

  async prune({ endedBeforeMs, limit }: Parameters<WorkflowStore['prune']>[0]): Promise<number> {
    const rows = [...this.#rows.values()]
      .filter(({ endedAtMs = Number.POSITIVE_INFINITY }) => endedAtMs < endedBeforeMs)
      .slice(0, limit);
    for (const { key, definition, name } of rows) {
      this.#rows.delete(key);
      this.#keys.delete(`${definition}:${name}`);
    }
    return rows.length;
  }
}

/** As in PostgreSQL. */
const SIGNALS_MAX = 120;

const executionOf = (token: string) => token.slice(0, Math.max(0, token.indexOf('~')));

/** Held by somebody else. */
function isLeasedToAnother({ leasedBy, leasedUntilMs = 0 }: Row, worker: string, nowMs: number): boolean {
  return leasedBy !== undefined && leasedBy !== worker && leasedUntilMs > nowMs;
}

function toDue(row: Row, worker: string): DueExecution {
  const { key, definition, name, digest, version, state, startedAtMs, wakeAtMs = 0, signals } = row;
  const id = `${definition}:${name}`;
  return { key, id, name, digest, version, state, startedAtMs, wakeAtMs, signals, isHeld: row.leasedBy === worker };
}

function toRecord(row: Row): ExecutionRecord {
  const { key, definition, name, digest, status, state, startedAtMs, endedAtMs, wakeAtMs, error } = row;
  return {
    key,
    id: `${definition}:${name}`,
    definition,
    name,
    digest,
    status,
    state,
    startedAtMs,
    ...(endedAtMs !== undefined && { endedAtMs }),
    ...(wakeAtMs !== undefined && { wakeAtMs }),
    ...(error !== undefined && { error }),
  };
}
