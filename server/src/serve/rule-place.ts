import { DEFAULT_TENANT, parsePatientId, parseWardId } from '../domain/ids.ts';
import type { Principal } from '../identity/sessions.ts';
import type { PatientPlace } from '../ports/registry.ts';
import type { RulePlace } from '../ports/rule-sets.ts';
import { may } from './caller.ts';
import type { Services } from './services.ts';
import { seesWard, visiblePatient } from './ward-scope.ts';

/** A place whose rules this person may see; undefined: there is none such, or it is not theirs. */
export interface VisiblePlace {
  readonly place: RulePlace;
  readonly patient?: PatientPlace;
}

export function visiblePlace(
  { view }: Pick<Services, 'view'>,
  principal: Principal,
  scope: RulePlace['scope'],
  id: string | undefined,
): VisiblePlace | undefined {
  if (scope === 'house') {
    const { tenantId } = principal;
    return { place: { scope, ...(tenantId !== DEFAULT_TENANT && { tenantId }) } };
  }
  if (scope === 'ward') {
    const wardId = parseWardId(id);
    const isThere = wardId !== undefined && view().snapshot.wards.some((ward) => ward.id === wardId);
    return isThere && seesWard(principal, wardId) ? { place: { scope, wardId } } : undefined;
  }
  // Who may not see a patient's values learns nothing of how they are judged either.
  const patientId = parsePatientId(id);
  if (patientId === undefined || !may(principal, 'vitals.read', { kind: 'patient', patientId })) return undefined;
  const patient = visiblePatient(principal, view(), patientId);
  return patient && { place: { scope, patientId: patient.id }, patient };
}

/** A place as kept with an override or a proposal. */
export function placeVisibleTo(
  services: Pick<Services, 'view'>,
  principal: Principal,
  place: RulePlace,
): VisiblePlace | undefined {
  return visiblePlace(services, principal, place.scope, scopeId(place));
}

/**
 * The house's rules are everybody's: whoever may change them holds `rules.write` and is of no one ward; a ward's and a
 * patient's, `limits.write`.
 */
export function mayWriteRules(principal: Principal, { scope }: RulePlace): boolean {
  return scope === 'house' ? may(principal, 'rules.write', { kind: 'house' }) : may(principal, 'limits.write');
}

function scopeId(place: RulePlace): string | undefined {
  if (place.scope === 'house') return undefined;
  return place.scope === 'ward' ? place.wardId : place.patientId;
}
