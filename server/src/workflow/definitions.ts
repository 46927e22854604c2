import { createHash } from 'node:crypto';
import type { WorkflowStore } from '../ports/workflow-store.ts';
import type { Definition } from './language/definition.ts';
import { loadDefinition } from './language/load-definition.ts';
import type { DefinitionProblem } from './language/problem.ts';

/** An `.asl.json` under the name by which executions are started. */
export interface DefinitionFile {
  /** Letters, digits, `_` and `-`, at most 80: Step Functions' own, without what would need escaping in an id. */
  readonly name: string;
  readonly source: string;
}

/** A definition was refused: every problem, with its place. */
export class DefinitionRefused extends Error {
  readonly problems: readonly DefinitionProblem[];

  constructor(name: string, problems: readonly DefinitionProblem[]) {
    super(
      `workflow definition ${name} is refused: ${problems.map(({ path, detail }) => `${path}: ${detail}`).join('; ')}`,
    );
    this.problems = problems;
  }
}

/** Throws a `DefinitionRefused`. */
export function readDefinition(file: DefinitionFile, functions?: readonly string[]): Definition {
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(file.name))
    throw new DefinitionRefused(file.name, [{ path: '$', code: 'malformed', detail: 'not a name for a definition' }]);
  const outcome = loadDefinition(file.source, {
    name: file.name,
    digest: digestOf(file),
    ...(functions !== undefined && { functions }),
  });
  if (outcome.kind === 'refused') throw new DefinitionRefused(file.name, outcome.problems);
  return outcome.definition;
}

export function digestOf({ name, source }: DefinitionFile): string {
  return createHash('sha256').update(`${name}\n${source}`).digest('hex');
}

/**
 * The definitions at hand: those of this program, kept in the store so that executions can start with them, and older
 * ones, fetched when an execution that began with one goes on.
 */
export class Definitions {
  readonly #store: Pick<WorkflowStore, 'keepDefinition' | 'definition'>;
  readonly #known = new Map<string, Definition | 'unusable'>();

  constructor(store: Pick<WorkflowStore, 'keepDefinition' | 'definition'>) {
    this.#store = store;
  }

  /** Throws a `DefinitionRefused` before anything is kept. */
  async keep(files: readonly DefinitionFile[], functions: readonly string[]): Promise<void> {
    const definitions = files.map((file) => readDefinition(file, functions));
    for (const [index, definition] of definitions.entries()) {
      const { source } = files[index] as DefinitionFile;
      await this.#store.keepDefinition({ name: definition.name, digest: definition.digest, source });
      this.#known.set(definition.digest, definition);
    }
  }

  /** Undefined: not looked for yet; `unusable`: this program cannot run it. */
  get(digest: string): Definition | 'unusable' | undefined {
    return this.#known.get(digest);
  }

  async fetch(digest: string): Promise<Definition | 'unusable'> {
    const kept = await this.#store.definition(digest);
    const outcome = kept && loadDefinition(kept.source, { name: kept.name, digest });
    const known = outcome?.kind === 'loaded' ? outcome.definition : 'unusable';
    this.#known.set(digest, known);
    return known;
  }
}
