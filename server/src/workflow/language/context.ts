import type { Json, JsonObject } from './json.ts';
import { parsePath } from './path-parser.ts';
import type { Path } from './path-syntax.ts';
import type { Report } from './problem.ts';
import { SyntaxFault } from './scanner.ts';

/** What an execution is called; fixed when it starts. */
export interface Identity {
  /** `definition:name`. */
  readonly id: string;
  readonly name: string;
  readonly definition: string;
  readonly startedAtMs: number;
}

/** Where a state is, for the Context Object. */
export interface Place {
  readonly state: string;
  readonly enteredAtMs: number;
  readonly retries: number;
  readonly token?: string;
  readonly item?: { readonly index: number; readonly value: Json };
}

/** The Context Object, States Language "The Context Object" and Step Functions' own list of its fields. */
export function contextOf(of: Identity, input: Json | undefined, place: Place): JsonObject {
  return {
    Execution: {
      Id: of.id,
      Name: of.name,
      StartTime: new Date(of.startedAtMs).toISOString(),
      ...(input !== undefined && { Input: input }),
    },
    State: {
      Name: place.state,
      EnteredTime: new Date(place.enteredAtMs).toISOString(),
      RetryCount: place.retries,
    },
    StateMachine: { Id: of.definition, Name: of.definition },
    ...(place.token !== undefined && { Task: { Token: place.token } }),
    ...(place.item !== undefined && { Map: { Item: { Index: place.item.index, Value: place.item.value } } }),
  };
}

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  Execution: ['Id', 'Name', 'StartTime', 'Input'],
  State: ['Name', 'EnteredTime', 'RetryCount'],
  StateMachine: ['Id', 'Name'],
  Task: ['Token'],
  Map: ['Item'],
};

/** A path into the data or, with `$$`, into the Context Object, of which only what is there may be named. */
export function readContextPath(text: string, at: string, report: Report): Path | undefined {
  const path = readPathText(text, at, report);
  if (path?.isContext && !isKnown(path)) {
    report(at, 'unsupported', `${path.text} is not in the context object`);
    return undefined;
  }
  return path;
}

export function readPathText(text: string, at: string, report: Report): Path | undefined {
  try {
    return parsePath(text);
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    report(at, error.message.includes('not supported') ? 'unsupported' : 'malformed', error.message);
    return undefined;
  }
}

function isKnown({ segments: [first, second] }: Path): boolean {
  if (first === undefined) return true;
  if (first.kind !== 'name' || !Object.hasOwn(KNOWN, first.name)) return false;
  return second === undefined || (second.kind === 'name' && (KNOWN[first.name]?.includes(second.name) ?? false));
}
