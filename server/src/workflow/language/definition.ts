import type { ChoiceRule } from './choice-rule.ts';
import type { Json } from './json.ts';
import type { Path } from './path-syntax.ts';
import type { Template } from './template.ts';

/** A definition that was read, checked and compiled by `load-definition.ts`: only what this engine can run is in here. */
export interface Definition {
  readonly name: string;
  /** SHA-256 of the source; given by whoever read it. */
  readonly digest: string;
  readonly machine: Machine;
  /** TimeoutSeconds of the whole. */
  readonly timeoutMs?: number;
  /** Some state reads `$$.Execution.Input`: it has to be kept with the execution. */
  readonly keepsInput: boolean;
  /** The functions its Tasks invoke. */
  readonly resources: readonly string[];
}

/** States, and where they begin: the whole, a branch of a Parallel, or the ItemProcessor of a Map. */
export interface Machine {
  readonly startAt: string;
  readonly states: ReadonlyMap<string, State>;
}

export type State =
  | TaskState
  | WaitState
  | ChoiceState
  | PassState
  | ParallelState
  | MapState
  | SucceedState
  | FailState;

interface StateBase {
  readonly name: string;
}

/** InputPath and OutputPath; undefined path: `null` was given, and the state sees `{}`. */
export interface Filtered extends StateBase {
  readonly inputPath: Path | undefined;
  readonly outputPath: Path | undefined;
}

export interface Flowing {
  /** Undefined: End. */
  readonly next: string | undefined;
}

/** States whose result is put beside their input. */
export interface Resulting extends Filtered, Flowing {
  readonly parameters?: Template;
  /** Undefined: `null` was given, and the result is thrown away. */
  readonly resultPath: Path | undefined;
}

/** States that do something that can fail. */
export interface Working extends Resulting {
  readonly resultSelector?: Template;
  readonly retry: readonly Retrier[];
  readonly catch: readonly Catcher[];
}

export interface TaskState extends Working {
  readonly type: 'Task';
  /** The function that is invoked. */
  readonly resource: string;
  readonly waitsForToken: boolean;
  readonly timeoutMs?: Amount;
  readonly heartbeatMs?: Amount;
}

export interface ParallelState extends Working {
  readonly type: 'Parallel';
  readonly branches: readonly Machine[];
}

export interface MapState extends Working {
  readonly type: 'Map';
  readonly itemsPath: Path;
  readonly itemSelector?: Template;
  readonly processor: Machine;
  /** 0: as many as there are. */
  readonly concurrencyMax: Amount;
}

export interface WaitState extends Filtered, Flowing {
  readonly type: 'Wait';
  readonly until:
    | { readonly kind: 'duration'; readonly ms: Amount }
    | { readonly kind: 'timestamp'; readonly atMs: number }
    | { readonly kind: 'timestamp-path'; readonly path: Path };
}

export interface PassState extends Resulting {
  readonly type: 'Pass';
  readonly result?: Json;
}

export interface ChoiceState extends Filtered {
  readonly type: 'Choice';
  readonly choices: readonly { readonly rule: ChoiceRule; readonly next: string }[];
  readonly otherwise?: string;
}

export interface SucceedState extends Filtered {
  readonly type: 'Succeed';
}

export interface FailState extends StateBase {
  readonly type: 'Fail';
  readonly error?: string | Path;
  readonly cause?: string | Path;
}

/** A number in the definition, or where to find it in the state's input; times in milliseconds once read. */
export type Amount = number | Path;

export interface Retrier {
  readonly errors: readonly string[];
  readonly intervalMs: number;
  readonly attemptsMax: number;
  readonly backoffRate: number;
  readonly delayMaxMs?: number;
  readonly hasJitter: boolean;
}

export interface Catcher {
  readonly errors: readonly string[];
  readonly next: string;
  readonly resultPath: Path | undefined;
}
