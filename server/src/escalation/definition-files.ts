import { readFileSync } from 'node:fs';
import { ESCALATION_STEPS, type EscalationStep } from '../domain/escalation.ts';
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

/** The steps that a definition tells, outwards. */
export function stepsOf({ source }: DefinitionFile): readonly EscalationStep[] {
  const { States } = JSON.parse(source) as { readonly States: Readonly<Record<string, TellState>> };
  const told = new Set(Object.values(States).map(({ Parameters }) => Parameters?.Payload?.step));
  return ESCALATION_STEPS.filter((step) => told.has(step));
}

interface TellState {
  readonly Parameters?: { readonly Payload?: { readonly step?: string } };
}
