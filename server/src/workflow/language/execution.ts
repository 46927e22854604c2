import type { Json } from './json.ts';

/**
 * An execution between two events, as plain JSON: what it is in, since when, what it waits for. Everything the next
 * event needs is in here and in the definition; nothing else is remembered.
 */
export interface Execution {
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  /** Numbers given out so far. */
  readonly events: number;
  readonly tasks: number;
  /** Only where the definition reads it. */
  readonly input?: Json;
  /** TimeoutSeconds of the whole. */
  readonly deadlineMs?: number;
  /** Absent once it has ended. */
  readonly thread?: Thread;
}

/** One line of execution: the whole, a branch of a Parallel, or an iteration of a Map. */
export interface Thread {
  state: string;
  /** What the state was entered with, before any path. */
  input: Json;
  enteredAtMs: number;
  /** The last event of this line of execution; the next one names it as its previous. */
  event: number;
  /** How often each retrier of the state has been used. */
  retries?: number[];
  item?: { readonly index: number; readonly value: Json };
  doing: Doing;
}

export type Doing =
  /** About to run the state: something else had its turn first. */
  | { readonly kind: 'ready' }
  | TaskDoing
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** Between two attempts. */
  | { readonly kind: 'retry'; readonly untilMs: number }
  | { readonly kind: 'parallel'; readonly branches: Branch[] }
  | MapDoing;

export interface TaskDoing {
  readonly kind: 'task';
  /** Its number in the execution: the attempt in the idempotency key. */
  readonly task: number;
  readonly payload: Json;
  readonly deadlineMs?: number;
  readonly heartbeatEveryMs?: number;
  readonly heartbeatDueMs?: number;
  /** It waits for this to be completed. */
  readonly token?: string;
  /** The function has returned; only the token is still waited for. */
  readonly isSubmitted?: true;
}

export interface MapDoing {
  readonly kind: 'map';
  readonly items: readonly Json[];
  /** As the state's input was after InputPath, for ItemSelector. */
  readonly data: Json;
  readonly concurrencyMax: number;
  /** Begun so far, in order of the items. */
  readonly branches: Branch[];
}

export type Branch = { readonly thread: Thread } | { readonly output: Json };

/** The states it is in: more than one inside a Parallel or Map, the outer ones first. */
export function currentStates({ thread }: Pick<Execution, 'thread'>): readonly string[] {
  return thread === undefined ? [] : statesOf(thread);
}

function statesOf({ state, doing }: Thread): readonly string[] {
  if (doing.kind !== 'parallel' && doing.kind !== 'map') return [state];
  return [state, ...doing.branches.flatMap((branch) => ('thread' in branch ? statesOf(branch.thread) : []))];
}

/** The tokens that may be completed, also in an execution whose definition is not at hand. */
export function openTokens({ thread }: Pick<Execution, 'thread'>): readonly string[] {
  return thread === undefined ? [] : tokensOf(thread);
}

function tokensOf({ doing }: Thread): readonly string[] {
  if (doing.kind === 'task') return doing.token === undefined ? [] : [doing.token];
  if (doing.kind !== 'parallel' && doing.kind !== 'map') return [];
  return doing.branches.flatMap((branch) => ('thread' in branch ? tokensOf(branch.thread) : []));
}
