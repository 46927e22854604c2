import type { Advance, DueExecution, WorkflowSignal } from '../ports/workflow-store.ts';
import type { Identity } from './language/context.ts';
import type { Definition } from './language/definition.ts';
import type { Execution } from './language/execution.ts';
import type { HistoryEvent } from './language/history-event.ts';
import { historyText } from './language/history-text.ts';
import { advanceExecution, beginExecution, type Step, type WorkflowEvent } from './language/interpret.ts';
import type { Json } from './language/json.ts';
import type { Seed } from './language/random.ts';

/** An execution in memory, at the version that the store holds. */
export interface Known {
  readonly key: number;
  readonly of: Identity;
  readonly definition: Definition;
  readonly version: number;
  readonly execution: Execution;
}

/** An event with its time, in the order in which they happened. */
export interface TimedEvent {
  readonly event: WorkflowEvent;
  readonly atMs: number;
}

export interface Advanced {
  readonly known: Known;
  readonly step: Step;
  readonly advance: Omit<Advance, 'leasedUntilMs'>;
}

/** What an execution becomes by these events and by the time it is; pure, but for the randomness it is given. */
export function advanceBy(
  known: Known | { readonly begin: Omit<Known, 'execution'>; readonly input: Json },
  events: readonly TimedEvent[],
  now: { readonly atMs: number; readonly seed: () => Seed; readonly signalsSeen: number },
): Advanced {
  const history: HistoryEvent[] = [];
  const { of, definition, key, version } = 'begin' in known ? known.begin : known;
  let atMs = Number.NEGATIVE_INFINITY;
  let step: Step | undefined;
  if ('begin' in known) {
    step = beginExecution(definition, of, known.input, { atMs: now.atMs, seed: now.seed() });
    history.push(...step.history);
  }
  const happen = ({ event, atMs: happenedMs }: TimedEvent) => {
    const before = step?.execution ?? (known as Known).execution;
    if (step !== undefined && before.thread === undefined) return;
    // Other processes' clocks may be ahead of ours, or behind each other.
    atMs = Math.max(atMs, Math.min(happenedMs, now.atMs));
    step = advanceExecution(definition, of, before, event, { atMs, seed: now.seed() });
    history.push(...step.history);
  };
  for (const event of events) happen(event);
  if (step === undefined || (step.wakeAtMs !== undefined && step.wakeAtMs <= now.atMs))
    happen({ event: TIME, atMs: now.atMs });
  return toAdvanced({ key, of, definition, version }, step as unknown as Step, history, now);
}

function toAdvanced(
  { key, of, definition, version }: Omit<Known, 'execution'>,
  step: Step,
  history: readonly HistoryEvent[],
  now: { readonly atMs: number; readonly signalsSeen: number },
): Advanced {
  const { execution, wakeAtMs, tokens, error } = step;
  const isEnded = execution.thread === undefined;
  return {
    known: { key, of, definition, version: version + 1, execution },
    step,
    advance: {
      key,
      version,
      status: execution.status,
      state: isEnded ? '' : JSON.stringify(execution),
      signalsSeen: now.signalsSeen,
      tokens,
      ...(wakeAtMs !== undefined && { wakeAtMs }),
      ...(history.length > 0 && { history: historyText(history) }),
      ...(isEnded && { endedAtMs: now.atMs }),
      ...(error !== undefined && { error }),
    },
  };
}

const TIME: WorkflowEvent = { kind: 'time' };

export function identityOf(due: Pick<DueExecution, 'id' | 'name' | 'startedAtMs'>, definition: Definition): Identity {
  return { id: due.id, name: due.name, definition: definition.name, startedAtMs: due.startedAtMs };
}

export function eventOf(signal: WorkflowSignal): TimedEvent {
  const { atMs } = signal;
  switch (signal.kind) {
    case 'succeeded':
      return { atMs, event: { kind: 'token-succeeded', token: signal.token, output: signal.output as Json } };
    case 'failed': {
      const { token, error, cause = '' } = signal;
      return { atMs, event: { kind: 'token-failed', token, error, cause } };
    }
    case 'heartbeat':
      return { atMs, event: { kind: 'heartbeat', token: signal.token } };
    case 'stop': {
      const { error, cause } = signal;
      const said = { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
      return { atMs, event: { kind: 'stop', ...said } };
    }
    default:
      return signal satisfies never;
  }
}
