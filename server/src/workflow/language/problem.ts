/** Why a definition is refused, and where: `path` is the place in the definition, such as `$.States.Tell.Retry[0]`. */
export interface DefinitionProblem {
  readonly path: string;
  /** `unsupported` is valid States Language (or was), but outside what this engine runs. */
  readonly code: 'malformed' | 'missing' | 'unsupported' | 'unknown-field' | 'not-found' | 'unreachable' | 'conflict';
  readonly detail: string;
}

/** Collects what is wrong, all of it. */
export type Report = (path: string, code: DefinitionProblem['code'], detail: string) => void;
