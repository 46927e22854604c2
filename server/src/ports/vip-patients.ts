import type { PatientId, UserId } from '../domain/ids.ts';

/** Whose record is specially protected, who said so, when and why. The registry tells everybody of a change. */
export interface VipPatients {
  find(patientId: PatientId): Promise<VipPatient | undefined>;
  /** Protects them; again: with another reason. Rejects with `Failure` `keys-refused` where the patient was erased. */
  set(vip: VipPatient & { readonly patientId: PatientId }): Promise<void>;
  /** False: they were not. */
  lift(patientId: PatientId): Promise<boolean>;
}

export interface VipPatient {
  readonly sinceMs: number;
  readonly byId: UserId;
  readonly by: string;
  /** Undefined where it cannot be opened any more. */
  readonly reason: string | undefined;
}
