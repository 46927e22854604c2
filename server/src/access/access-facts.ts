import type { DeviceId, PatientId, TenantId, UserId, WardId } from '../domain/ids.ts';

/** What decisions rest on besides the question: held in memory, so that asking waits for nothing. */
export interface AccessFacts {
  /** Grows with every change: what was decided before is decided anew. */
  version(): number;
  /** Whose it is; undefined: not known, and so nobody's. */
  tenantOf(what: OwnedThing): TenantId | undefined;
  /** Where a patient lies; undefined: nowhere, or not known. */
  wardOf(patientId: PatientId): WardId | undefined;
  /** Whether the record is specially protected. */
  isVip(patientId: PatientId): boolean;
  /** In whose care a patient is by the ward's plan, at this moment and in this shift. */
  isInCareOf(userId: UserId, patientId: PatientId, atMs: number): boolean;
  /** Patients in this person's care, or opened by them in an emergency, wherever they lie. */
  patientsOf(userId: UserId, atMs: number): ReadonlySet<PatientId>;
  /** `unplanned`: nobody plans their shifts. */
  shiftOf(userId: UserId, atMs: number): Shift;
  emergencyOf(userId: UserId, patientId: PatientId, atMs: number): RunningEmergency | undefined;
  /** Whether the patient's consent opens this, or none is needed; and which version of it said so, or said no. */
  consentTo(question: {
    readonly patientId: PatientId;
    readonly purpose: string;
    /** Who asks, where it is for sharing. */
    readonly party?: string;
    readonly atMs: number;
  }): ConsentAnswer;
  /** What opens a record in an emergency, besides a reason: `password` lets in who has no second factor. */
  readonly emergencyProof: EmergencyProof;
}

export type EmergencyProof = 'second-factor' | 'password';

export type OwnedThing =
  | { readonly kind: 'ward'; readonly wardId: WardId }
  | { readonly kind: 'patient'; readonly patientId: PatientId }
  | { readonly kind: 'device'; readonly deviceId: DeviceId };

export interface ConsentAnswer {
  readonly isOpen: boolean;
  readonly by?: { readonly id: string; readonly version: number };
}

export type Shift = 'on' | 'off' | 'unplanned';

export interface RunningEmergency {
  readonly id: string;
  readonly userId: UserId;
  readonly patientId: PatientId;
  readonly beganAtMs: number;
  readonly endsAtMs: number;
}

/** Nobody lies anywhere, nobody is in anybody's care: for what the policies say of a role alone. */
export const NO_FACTS: AccessFacts = {
  version: () => 0,
  tenantOf: () => undefined,
  wardOf: () => undefined,
  isVip: () => false,
  isInCareOf: () => false,
  patientsOf: () => new Set(),
  shiftOf: () => 'unplanned',
  emergencyOf: () => undefined,
  consentTo: ({ purpose }) => ({ isOpen: purpose !== 'research' && purpose !== 'sharing' }),
  emergencyProof: 'second-factor',
};
