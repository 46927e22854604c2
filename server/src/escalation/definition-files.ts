import { readFileSync } from 'node:fs';
import type { EscalationDefinition } from '../domain/escalation-round.ts';
import { type DefinitionFile, readDefinition } from '../workflow/definitions.ts';
import type { Definition } from '../workflow/language/definition.ts';

/** The functions that the definitions of escalation invoke. */
export const ESCALATION_FUNCTIONS = ['escalation-tell', 'escalation-reread', 'escalation-close'] as const;

const NAMES: readonly EscalationDefinition[] = ['escalation-high', 'escalation-medium', 'escalation-technical'];

/** The definitions of this program, as they lie in `workflow/definitions`. */
export function escalationFiles(): readonly DefinitionFile[] {
  const folder = new URL('../workflow/definitions/', import.meta.url);
  return NAMES.map((name) => ({ name, source: readFileSync(new URL(`${name}.asl.json`, folder), 'utf8') }));
}

/** Throws a `DefinitionRefused`. */
export function escalationDefinitions(
  files: readonly DefinitionFile[] = escalationFiles(),
): ReadonlyMap<EscalationDefinition, Definition> {
  return new Map(
    files.map((file) => [file.name as EscalationDefinition, readDefinition(file, ESCALATION_FUNCTIONS)] as const),
  );
}
