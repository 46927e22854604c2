import type { Alarm } from '../../domain/alarm.ts';
import { DEFAULT_TENANT } from '../../domain/ids.ts';
import type { PlaceOf } from '../../escalation/tell-task.ts';
import { type RegistryView, wardNameIn } from '../../identity/registry-view.ts';
import { bedLabel } from '../live/places.ts';

/** Where an alarm's patient lies now, since that is where somebody must go; where it rang, if nobody knows. */
export function placeOfAlarm(view: RegistryView, alarm: Alarm): ReturnType<PlaceOf> {
  const now = view.place(alarm.patientId);
  const { wardId, bedId } = now?.wardId === undefined ? alarm : now;
  const bed = bedId === undefined ? undefined : bedLabel(view, bedId);
  const ward = wardNameIn(view, wardId);
  return {
    tenantId: now?.tenantId ?? DEFAULT_TENANT,
    ...(wardId !== undefined && { wardId }),
    ...(ward !== undefined && { ward }),
    ...(bedId !== undefined && { bedId }),
    ...(bed !== undefined && { bed }),
  };
}
