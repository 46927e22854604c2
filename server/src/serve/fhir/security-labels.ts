import type { Coding } from 'fhir/r4.js';

/**
 * How a specially protected patient's resources are labelled for whoever receives them: HL7 v3 ActCode `CEL`, "celebrity
 * information sensitivity … (people of public interest (VIP))", with confidentiality `R`, restricted
 * (http://hl7.org/fhir/R4/security-labels.html).
 */
export const VIP_LABELS: readonly Coding[] = [
  {
    system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
    code: 'CEL',
    display: 'celebrity information sensitivity',
  },
  {
    system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
    code: 'R',
    display: 'restricted',
  },
];
