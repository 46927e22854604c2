import type { Decision } from '../access/decisions.ts';
import type { PatientId, WardId } from '../domain/ids.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import type { Principal } from '../identity/sessions.ts';
import type { PatientPlace } from '../ports/registry.ts';
import { decisionOn, may, patientsOf } from './caller.ts';

/** Whether what the caller's route asks for is theirs in this ward; undefined: with whoever lies in none. */
export function seesWard(principal: Principal, wardId: WardId | undefined): boolean {
  return decisionOn(principal, { kind: 'ward', wardId }).allowed;
}

/** Whether somebody was given this ward, or none in particular: for whoever is spoken of, and does not ask. */
export function hasWard({ wardIds }: { readonly wardIds: readonly WardId[] }, wardId: WardId): boolean {
  return wardIds.length === 0 || wardIds.includes(wardId);
}

/** Whether what is asked for is theirs in every ward, and in those made later. */
export function seesWholeHouse(principal: Principal): boolean {
  return decisionOn(principal, { kind: 'house' }).allowed;
}

/**
 * The patient, if they exist and what the caller's route asks for is theirs with them. Both refusals look alike from
 * outside, so that nobody learns who is here by asking. Who may see the patient, and not do this, is told so:
 * `AccessRefused`.
 */
export function visiblePatient(
  principal: Principal,
  view: RegistryView,
  patientId: PatientId,
): PatientPlace | undefined {
  const place = view.place(patientId);
  if (place === undefined) return undefined;
  const resource = { kind: 'patient', patientId } as const;
  const decision = decisionOn(principal, resource);
  if (decision.allowed) return place;
  // Who hears the alarms of somebody knows that they are here.
  if (may(principal, 'vitals.read', resource) || may(principal, 'alarm.read', resource))
    throw new AccessRefused(decision);
  return undefined;
}

/** Whether what is asked for is theirs with this patient, who is where the caller says. */
export function seesPatient(principal: Principal, patientId: PatientId, wardId: WardId | undefined): boolean {
  return decisionOn(principal, { kind: 'patient', patientId, ...(wardId !== undefined && { wardId }) }).allowed;
}

/** The wards a list is to be narrowed to; undefined: no narrowing. `asked` must have passed `seesWard`. */
export function wardsToShow(principal: Principal, asked: WardId | undefined): readonly WardId[] | undefined {
  if (asked !== undefined) return [asked];
  if (seesWholeHouse(principal)) return undefined;
  return principal.wardIds.filter((wardId) => seesWard(principal, wardId));
}

/**
 * Who belongs on a list beside the wards it shows: patients in the caller's care, or opened in an emergency, who lie
 * elsewhere. Of a list of one ward that was asked for, nobody.
 */
export function patientsBeside(
  principal: Principal,
  { wardIds, isNarrowed, view }: { wardIds: readonly WardId[] | undefined; isNarrowed: boolean; view: RegistryView },
): readonly PatientId[] {
  if (wardIds === undefined || isNarrowed) return [];
  return patientsOf(principal)
    .filter((patientId) => {
      const wardId = view.place(patientId)?.wardId;
      return wardId === undefined || !wardIds.includes(wardId);
    })
    .sort();
}

/** They may know of it, and not do this to it now: an answer of its own over HTTP. */
export class AccessRefused extends Error {
  override readonly name = 'AccessRefused';
  readonly decision: Decision;

  constructor(decision: Decision) {
    super('refused by the access policies');
    this.decision = decision;
  }
}
