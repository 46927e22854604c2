import type { CodeableConcept, ConsentProvision, Consent as FhirConsent } from 'fhir/r4.js';
import type { Consent } from '../../domain/consent.ts';

const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const REASONS = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const SCOPES = 'http://terminology.hl7.org/CodeSystem/consentscope';
const ACTIONS = 'http://terminology.hl7.org/CodeSystem/consentaction';
const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';
/** Who was there (http://hl7.org/fhir/R4/extension-consent-witness.html). */
export const WITNESS = 'http://hl7.org/fhir/StructureDefinition/consent-Witness';
/** Of the accounts here: who is shared with. */
export const PARTY_SYSTEM = 'urn:healthsync:user-name';

/**
 * A version as FHIR R4 Consent (http://hl7.org/fhir/R4/consent.html). The base is always to opt out, with one exception
 * that says what the patient permits or denies: a reader who understands no more than the base shares nothing.
 */
export function fhirConsent(consent: Consent): FhirConsent {
  const { id, version, patientId, purpose, state, givenAtMs, recordedAtMs, fromMs, untilMs, source, witness } = consent;
  const period = { start: instant(fromMs), ...(untilMs !== undefined && { end: instant(untilMs - 1) }) };
  return {
    resourceType: 'Consent',
    id,
    meta: { versionId: String(version), lastUpdated: instant(recordedAtMs) },
    ...(witness !== undefined && {
      extension: [{ url: WITNESS, valueReference: { identifier: { system: PARTY_SYSTEM, value: witness } } }],
    }),
    status: state === 'active' ? 'active' : 'inactive',
    scope: coded(SCOPES, purpose === 'research' ? 'research' : 'patient-privacy'),
    category: [coded(ACT_CODE, CATEGORIES[purpose])],
    patient: { reference: `Patient/${patientId}` },
    dateTime: instant(givenAtMs),
    // "The source on which this consent statement is based": which kind of it, since no scan is kept here.
    ...(source !== undefined && { sourceAttachment: { title: source } }),
    policyRule: coded(ACT_CODE, 'OPTOUT'),
    // R4 Consent.provision.type: "Not permitted in root rule, required in all nested rules."
    provision: { period, provision: [exceptionOf(consent)] },
  };
}

const CATEGORIES = { treatment: 'INFA', research: 'RESEARCH', sharing: 'IDSCL' } as const;

function exceptionOf({ purpose, party, decision }: Consent): ConsentProvision {
  if (purpose !== 'sharing')
    return { type: decision, purpose: [{ system: REASONS, code: purpose === 'research' ? 'HRESCH' : 'TREAT' }] };
  return {
    type: decision,
    action: [coded(ACTIONS, 'disclose')],
    actor: [
      {
        role: coded(PARTICIPATION, 'IRCP'),
        reference: { identifier: { system: PARTY_SYSTEM, value: party ?? '' } },
      },
    ],
  };
}

const coded = (system: string, code: string): CodeableConcept => ({ coding: [{ system, code }] });
const instant = (ms: number): string => new Date(ms).toISOString();
