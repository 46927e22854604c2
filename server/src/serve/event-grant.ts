import type { EventDetail } from '@healthsync/contracts/event';
import { mayDo } from '../domain/access.ts';
import type { Principal } from '../identity/sessions.ts';

/** Nobody lets out of the house what they may not see themselves. */
export function mayGrant({ roles, wardIds }: Principal, detail: EventDetail): boolean {
  if (detail === 'place') return true;
  // Events are of every ward.
  return wardIds.length === 0 && mayDo(roles, detail === 'patient' ? 'patient.read' : 'vitals.read').allowed;
}
