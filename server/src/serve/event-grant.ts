import type { EventDetail } from '@healthsync/contracts/event';
import type { Action } from '../domain/access.ts';
import type { EventRoute } from '../domain/alarm-event.ts';
import type { WardId } from '../domain/ids.ts';
import type { Principal } from '../identity/sessions.ts';
import { may } from './caller.ts';
import { seesWard, seesWholeHouse } from './ward-scope.ts';

/** Nobody lets out of the house what they may not see themselves. */
export function mayGrant(principal: Principal, detail: EventDetail): boolean {
  if (detail === 'place') return true;
  // Events are of every ward.
  return may(principal, actionFor(detail), { kind: 'house' });
}

/** What whoever grants this must be allowed themselves. */
export const actionFor = (detail: Exclude<EventDetail, 'place'>): Action =>
  detail === 'patient' ? 'patient.read' : 'vitals.read';

/** Whose wards are named sends events of these only, and steers no subscription that sends others. */
export function mayRoute(principal: Principal, routes: readonly Pick<EventRoute, 'wardIds' | 'about'>[]): boolean {
  if (seesWholeHouse(principal)) return true;
  return (
    routes.length > 0 &&
    routes.every(
      // Security alerts are of no ward.
      ({ wardIds = [], about = [] }) =>
        !about.includes('security-alert') &&
        wardIds.length > 0 &&
        wardIds.every((id) => seesWard(principal, id as WardId)),
    )
  );
}
