import type { Principal } from '../identity/sessions.ts';

/** How a person is named in what they did: two nurses may share a display name, never a sign-in name. */
export function signatureOf({ name, displayName }: Pick<Principal, 'name' | 'displayName'>): string {
  return displayName === name ? name : `${displayName} (${name})`;
}
