import type { PatientPlace } from '../ports/registry.ts';

/**
 * Who lies in a bed of this name, as it is written at the bed; in this ward, by its id or name, where it is said. Beds are
 * named by their wards, and several may have a B-01: nobody's record is to be opened in place of another's.
 */
export function patientsInBed(
  places: readonly Pick<PatientPlace, 'id' | 'bed' | 'wardId'>[],
  asked: { readonly bed: string; readonly ward?: string | undefined },
  nameOf: (wardId: PatientPlace['wardId']) => string | undefined,
): readonly Pick<PatientPlace, 'id' | 'wardId'>[] {
  const bed = plain(asked.bed);
  const inBed = places.filter((place) => place.bed !== undefined && plain(place.bed) === bed);
  if (asked.ward === undefined) return inBed;
  const ward = plain(asked.ward);
  return inBed.filter(({ wardId }) =>
    [wardId, nameOf(wardId)].some((known) => known !== undefined && plain(known) === ward),
  );
}

const plain = (text: string): string => text.trim().toLowerCase();
