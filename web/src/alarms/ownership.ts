import type { Alert } from '@healthsync/contracts/alert';
import type { Me } from '@healthsync/contracts/session';

/** Whether this person has it. People sign with their name and, as two may be called alike, the one they sign in with. */
export function isMine(alert: Alert, { displayName, name }: Pick<Me, 'displayName' | 'name'>): boolean {
  const owner = alert.owner ?? alert.acknowledgedBy;
  return owner === `${displayName} (${name})` || owner === displayName;
}
