import type * as Shown from '@healthsync/contracts/care-team';
import type { QuietHours } from '../domain/quiet-hours.ts';
import type { KeptAssignment } from '../ports/care-teams.ts';
import { rfc3339 } from './alert-shape.ts';
import type { NameOf } from './rota-shape.ts';

export function toAssignment(
  { fromMs, toMs, madeAtMs, bedIds, patientIds, ...assignment }: KeptAssignment,
  nameOf: NameOf,
): Shown.CareAssignment {
  const name = nameOf(assignment.userId);
  return {
    ...assignment,
    ...(name !== undefined && { name }),
    bedIds: [...bedIds],
    patientIds: [...patientIds],
    from: rfc3339(fromMs),
    ...(toMs !== undefined && { to: rfc3339(toMs) }),
    madeAt: rfc3339(madeAtMs),
  };
}

/** Said alike inside and outside, but for arrays that nobody may write to. */
export function toQuietHours({ zone, windows }: QuietHours): Shown.QuietHours {
  return {
    zone,
    windows: windows.map(({ weekdays, priorities, ...window }) => ({
      ...window,
      weekdays: [...weekdays],
      priorities: [...priorities],
    })),
  };
}
