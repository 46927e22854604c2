import type { PatientId } from '../domain/ids.ts';

/**
 * Seals what people write about a patient with a key of that patient's own, before it is stored: erasing the key erases
 * it everywhere. `field` names where it is stored (`alarm.note`) and is part of the seal.
 *
 * Rejects with `Failure` `keys-unavailable`, or `keys-refused` where the patient was erased.
 */
export interface PatientSeal {
  seal(patientId: PatientId, field: string, text: string): Promise<Uint8Array>;
  /** Undefined where it was erased, or is not what was sealed there. */
  open(patientId: PatientId, field: string, sealed: Uint8Array): Promise<string | undefined>;
}
