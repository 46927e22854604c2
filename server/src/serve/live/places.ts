import type { Alert } from '@healthsync/contracts/alert';
import type { Alarm } from '../../domain/alarm.ts';
import type { PatientId, WardId } from '../../domain/ids.ts';
import type { PatientStatus } from '../../domain/patient-status.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import type { PatientPlace } from '../../ports/registry.ts';
import { toAlert } from '../alert-shape.ts';
import { NO_WARD } from './tile.ts';

/** Who is shown in a ward. Of those without a bed only the ones who were ever measured: the rest are not here. */
export function placesIn(
  view: RegistryView,
  ward: WardId,
  statusOf: (patientId: PatientId) => PatientStatus | undefined,
): readonly PatientPlace[] {
  if (ward !== NO_WARD) return view.patientsIn(ward);
  return indexOf(view).unplaced.filter((place) => statusOf(place.id) !== undefined);
}

/** Every ward a reader with all wards sees. */
export function allWards(view: RegistryView): readonly WardId[] {
  return indexOf(view).wards;
}

/** An alarm as it is shown in the house as it is now. */
export function alertNow(view: RegistryView, alarm: Alarm): Alert {
  return toAlert(alarm, view.place(alarm.patientId), (bedId) => bedLabel(view, bedId));
}

export function bedLabel(view: RegistryView, bedId: string): string | undefined {
  return indexOf(view).beds.get(bedId);
}

/** The ward that must see an alarm: where the patient lies now; where it rang, if they have left every bed since. */
export function wardOfAlarm(view: RegistryView, alarm: Alarm): WardId {
  return view.place(alarm.patientId)?.wardId ?? alarm.wardId ?? NO_WARD;
}

interface Index {
  readonly wards: readonly WardId[];
  readonly unplaced: readonly PatientPlace[];
  readonly beds: ReadonlyMap<string, string>;
}

/** Made once per view: a view is immutable, and asked about on every alarm and every second. */
const indexes = new WeakMap<RegistryView, Index>();

function indexOf(view: RegistryView): Index {
  const known = indexes.get(view);
  if (known !== undefined) return known;
  const { wards, beds, patients } = view.snapshot;
  const index: Index = {
    wards: [...wards.map((ward) => ward.id), NO_WARD],
    unplaced: patients.filter((place) => place.wardId === undefined),
    beds: new Map(beds.map((bed) => [bed.id, bed.label])),
  };
  indexes.set(view, index);
  return index;
}
