import type { Action } from '../domain/access.ts';

/**
 * Whether a token's scopes cover an action: its name (`alarm.read`), its family (`alarm.*`), or everything (`*`). Scopes
 * of SMART on FHIR name resources of that interface and open nothing here. No scopes at all: nothing is narrowed.
 */
export function inScope(scopes: readonly string[] | undefined, action: Action): boolean {
  if (scopes === undefined) return true;
  const family = `${action.slice(0, action.lastIndexOf('.'))}.*`;
  return scopes.some((scope) => scope === action || scope === family || scope === '*');
}
