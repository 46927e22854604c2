import { contextOf, type Identity } from './context.ts';
import type { Amount, Definition, State } from './definition.ts';
import type { Thread } from './execution.ts';
import type { HistoryEvent, HistoryEventType } from './history-event.ts';
import type { Scope } from './intrinsic.ts';
import type { Json } from './json.ts';
import { LIMITS } from './limits.ts';
import { readPath } from './path.ts';
import type { Path } from './path-syntax.ts';
import { randomFrom, type Seed } from './random.ts';
import { StateError } from './state-error.ts';

/** What one turn of the interpreter works with, and what it has brought about so far. */
export interface Run {
  readonly definition: Definition;
  readonly of: Identity;
  readonly input: Json | undefined;
  /** The time of the event; nothing else is asked. */
  readonly atMs: number;
  readonly random: () => number;
  /** Sixteen hex digits, for a token nobody can guess. */
  readonly nonce: () => string;
  readonly history: HistoryEvent[];
  /** Numbers given out so far. */
  events: number;
  tasks: number;
  /** Transitions that this turn may still make. */
  credit: number;
}

export function openRun(
  definition: Definition,
  of: Identity,
  at: { readonly atMs: number; readonly seed: Seed; readonly input: Json | undefined },
  counts: { readonly events: number; readonly tasks: number },
): Run {
  let random: (() => number) | undefined;
  const next = () => {
    random ??= randomFrom(at.seed);
    return random();
  };
  const digits = () =>
    Math.floor(next() * 4_294_967_296)
      .toString(16)
      .padStart(8, '0');
  return {
    definition,
    of,
    input: at.input,
    atMs: at.atMs,
    random: next,
    nonce: () => digits() + digits(),
    history: [],
    ...counts,
    credit: LIMITS.transitionsAtOnceMax,
  };
}

type Detail = Omit<HistoryEvent, 'id' | 'previousId' | 'atMs' | 'type'>;

/** The next event of a line of execution. */
export function note(run: Run, thread: Pick<Thread, 'event'>, type: HistoryEventType, detail: Detail = {}): void {
  run.events++;
  run.history.push({ id: run.events, previousId: thread.event, atMs: run.atMs, type, ...detail });
  thread.event = run.events;
}

/** What paths and intrinsic functions of a state may look at. The context object is made only if one looks. */
export function scopeOf(run: Run, thread: Thread, data: Json, token?: string): Scope {
  return {
    data,
    random: run.random,
    get context() {
      return contextOf(run.of, run.input, {
        state: thread.state,
        enteredAtMs: thread.enteredAtMs,
        retries: thread.retries?.reduce((sum, count) => sum + count, 0) ?? 0,
        ...(thread.item !== undefined && { item: thread.item }),
        ...(token !== undefined && { token }),
      });
    },
  };
}

/** InputPath or OutputPath; `null` in the definition gives `{}`. */
export function filtered(path: Path | undefined, scope: Scope, field: string): Json {
  if (path === undefined) return {};
  if (path.segments.length === 0 && !path.isContext) return scope.data;
  const value = readPath(path, scope);
  if (value === undefined)
    throw new StateError('States.Runtime', `Invalid path '${path.text}' in ${field}: there is nothing.`);
  return value;
}

/** A count or a time that the input may name; `scale` turns what is there into ours. */
export function amountOf(
  amount: Amount,
  scope: Scope,
  bounds: { readonly min: number; readonly max: number; readonly scale: number },
): number {
  if (typeof amount === 'number') return amount;
  const value = readPath(amount, scope);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < bounds.min || value > bounds.max)
    throw new StateError('States.Runtime', `${amount.text} is no whole number from ${bounds.min} to ${bounds.max}.`);
  return value * bounds.scale;
}

export const SECONDS = { min: 1, max: LIMITS.secondsMax, scale: 1_000 } as const;

/** Throws where it is larger than Step Functions would take. */
export function bounded(value: Json, what: string, state: State['name']): Json {
  if (isLarge(value))
    throw new StateError('States.DataLimitExceeded', `The ${what} of the state '${state}' is larger than 256 KiB.`);
  return value;
}

/** Most values are told small at a glance; the others are measured. */
function isLarge(value: Json): boolean {
  let budget = 4_096;
  const waiting: Json[] = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    budget -= 16;
    if (typeof next === 'string') budget -= 6 * next.length;
    else if (typeof next === 'object' && next !== null)
      for (const [name, member] of Object.entries(next)) {
        budget -= 6 * name.length;
        waiting.push(member);
      }
    if (budget < 0) return bytesOf(JSON.stringify(value)) > LIMITS.payloadBytesMax;
  }
  return false;
}

/** UTF-8. */
export function bytesOf(text: string): number {
  let bytes = text.length;
  if (3 * bytes <= LIMITS.payloadBytesMax) return bytes;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x80) bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
