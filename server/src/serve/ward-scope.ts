import type { PatientId, WardId } from '../domain/ids.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import type { Principal } from '../identity/sessions.ts';
import type { PatientPlace } from '../ports/registry.ts';

/** Which wards a person may see: those named for them, or all where none is named. */
export function seesWard(principal: Principal, wardId: WardId | undefined): boolean {
  if (principal.wardIds.length === 0) return true;
  return wardId !== undefined && principal.wardIds.includes(wardId);
}

/**
 * The patient, if they exist and this person may see them. Both refusals look alike from outside, so that nobody learns
 * who is here by asking.
 */
export function visiblePatient(
  principal: Principal,
  view: RegistryView,
  patientId: PatientId,
): PatientPlace | undefined {
  const place = view.place(patientId);
  return place !== undefined && seesWard(principal, place.wardId) ? place : undefined;
}

/** The wards a list is to be narrowed to; undefined: no narrowing. `asked` must have passed `seesWard`. */
export function wardsToShow(principal: Principal, asked: WardId | undefined): readonly WardId[] | undefined {
  if (asked !== undefined) return [asked];
  return principal.wardIds.length === 0 ? undefined : principal.wardIds;
}
