import type { EventDetail } from '@healthsync/contracts/event';
import { mayDo } from '../domain/access.ts';
import type { EventRoute } from '../domain/alarm-event.ts';
import type { WardId } from '../domain/ids.ts';
import type { Principal } from '../identity/sessions.ts';
import { seesWard } from './ward-scope.ts';

/** Nobody lets out of the house what they may not see themselves. */
export function mayGrant({ roles, wardIds }: Principal, detail: EventDetail): boolean {
  if (detail === 'place') return true;
  // Events are of every ward.
  return wardIds.length === 0 && mayDo(roles, detail === 'patient' ? 'patient.read' : 'vitals.read').allowed;
}

/** Whose wards are named sends events of these only, and steers no subscription that sends others. */
export function mayRoute(principal: Principal, routes: readonly Pick<EventRoute, 'wardIds'>[]): boolean {
  if (principal.wardIds.length === 0) return true;
  return (
    routes.length > 0 &&
    routes.every(({ wardIds = [] }) => wardIds.length > 0 && wardIds.every((id) => seesWard(principal, id as WardId)))
  );
}
