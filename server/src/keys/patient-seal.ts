import type { PatientId } from '../domain/ids.ts';
import type { PatientSeal } from '../ports/patient-seal.ts';
import { seal, unseal } from './seal.ts';
import type { SubjectKeys } from './subject-keys.ts';

/** Each text with the data key of its patient. */
export function createPatientSeal(keys: SubjectKeys): PatientSeal {
  return {
    async seal(patientId, field, text) {
      const subject = subjectOf(patientId);
      return seal(await keys.forSealing(subject), { subject, field }, Buffer.from(text));
    },
    async open(patientId, field, sealed) {
      const subject = subjectOf(patientId);
      const key = await keys.forOpening(subject);
      return key === undefined ? undefined : unseal(key, { subject, field }, sealed)?.toString();
    },
  };
}

/** Whose key it is. */
export const subjectOf = (patientId: PatientId): string => `patient:${patientId}`;

/** The way back; undefined for what is no patient's. */
export const patientOf = (subject: string): string | undefined =>
  subject.startsWith('patient:') ? subject.slice('patient:'.length) : undefined;
