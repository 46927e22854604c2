import type { PatientId, TenantId } from '../domain/ids.ts';

/** What names a person directly. It is never stored in clear. */
export interface PatientIdentity {
  readonly mrn?: string;
  readonly familyName?: string;
  readonly givenName?: string;
  /** ISO date. */
  readonly birthDate?: string;
  /** Where they live, in one line. */
  readonly address?: string;
}

/** Seals and opens identities, each with a key of its patient's own. Rejects with `Failure` `keys-…`. */
export interface PatientIdentities {
  /** `tenant`: whose patient it is. */
  seal(patientId: PatientId, identity: PatientIdentity, tenant?: TenantId): Promise<SealedIdentity>;
  /** Undefined where it was erased, or is not what was sealed for this patient. */
  open(patientId: PatientId, sealed: Uint8Array): Promise<PatientIdentity | undefined>;
  /** By which a record number is found again without opening any. */
  mrnIndex(mrn: string): Promise<Uint8Array>;
}

export interface SealedIdentity {
  readonly sealed: Uint8Array;
  /** Absent where the patient has no record number. */
  readonly mrnIndex?: Uint8Array;
}
