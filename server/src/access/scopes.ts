import type { Action } from '../domain/access.ts';
import { covers } from '../domain/scope.ts';
import type { Subject } from './decisions.ts';

/**
 * Whether a token's scopes cover an action: its name (`alarm.read`), its family (`alarm.*`), or everything (`*`). Scopes
 * of SMART on FHIR name resources of that interface: see `scopesAtFhir`. No scopes at all: nothing is narrowed.
 */
export function inScope(scopes: readonly string[] | undefined, action: Action): boolean {
  if (scopes === undefined) return true;
  const family = `${action.slice(0, action.lastIndexOf('.'))}.*`;
  return scopes.some((scope) => scope === action || scope === family || scope === '*');
}

/** An interaction with a resource, in the words of SMART 2: `Consent.r`. */
export type FhirInteraction = `${string}.${'c' | 'r' | 'u' | 'd' | 's'}`;

/**
 * The scopes of one request at the FHIR interface: where those of SMART cover the interaction, the action that is asked
 * for there is among them. Elsewhere they open nothing, and what the roles allow they never widen.
 */
export function scopesAtFhir(
  { scopes, launchPatientId }: Pick<Subject, 'scopes' | 'launchPatientId'>,
  { interaction, action }: { readonly interaction: FhirInteraction; readonly action: Action },
): readonly string[] | undefined {
  // SMART 2 "Scopes for requesting FHIR Resources": `patient/` is of the one it was launched for, and without one of nobody.
  const contexts = launchPatientId === undefined ? ['user', 'system'] : ['patient', 'user', 'system'];
  const isCovered = contexts.some((context) => scopes !== undefined && covers(scopes, `${context}/${interaction}`));
  return isCovered && scopes !== undefined ? [...scopes, action] : scopes;
}
