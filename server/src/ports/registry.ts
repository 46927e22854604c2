import type { Assignment } from '../domain/assignment.ts';
import type { BedId, DepartmentId, DeviceId, PatientId, TenantId, WardId } from '../domain/ids.ts';
import type { News2Use } from '../domain/news2-use.ts';
import type { DeviceDoubt, RevocationCode } from './device-certificates.ts';
import type { RuleSnapshot } from './rule-sets.ts';

export type { Assignment };

/** Wards, beds, patients, devices, who wears what and where they lie. Small enough to be held in memory whole. */
export interface Registry {
  /** Everything ingest and assessment need, as of now. */
  snapshot(): Promise<RegistrySnapshot>;
  /** Calls back after any change made by any process, with what to reread; coalesced. Returns the way to stop. */
  watch(onChange: () => void): Promise<() => Promise<void>>;

  putWard(ward: Ward): Promise<void>;
  putBed(bed: Bed): Promise<void>;
  putPatient(patient: Patient): Promise<void>;
  findPatient(id: PatientId): Promise<Patient | undefined>;
  /** By the record number as people write it: case, spaces and separators do not count. Organisations may have the same. */
  patientsByMrn(mrn: string): Promise<readonly Patient[]>;
  patients(query: { readonly wardIds?: readonly WardId[] }): Promise<readonly Patient[]>;

  putDevice(device: {
    readonly id: DeviceId;
    readonly profile?: string;
    readonly createdAtMs: number;
    readonly tenantId?: TenantId;
  }): Promise<void>;
  putDeviceConfig(request: { readonly deviceId: DeviceId; readonly config: string }): Promise<void>;
  devices(): Promise<readonly Device[]>;
  /**
   * From `fromMs` on the device belongs to this patient: an assignment that covers that moment ends there, later ones
   * give way. The same patient again, while already worn, changes nothing.
   */
  assign(assignment: {
    readonly deviceId: DeviceId;
    readonly patientId: PatientId;
    readonly fromMs: number;
  }): Promise<void>;
  /** From `atMs` on the device belongs to nobody. */
  unassign(request: { readonly deviceId: DeviceId; readonly atMs: number }): Promise<void>;

  addCertificate(certificate: DeviceCertificate): Promise<void>;
  /** Revokes one certificate, or all of a device and its tokens with them. Answers how many were hit. */
  revoke(request: {
    readonly deviceId: DeviceId;
    readonly serial?: string;
    readonly atMs: number;
    readonly reason: string;
    readonly code?: RevocationCode;
    /** Since when it is not to be trusted (RFC 5280 §5.3.2). */
    readonly invalidFromMs?: number;
  }): Promise<number>;
  /** Stores the SHA-256 of a device token for HTTPS ingestion. */
  addDeviceToken(token: {
    readonly deviceId: DeviceId;
    readonly sha256: string;
    readonly createdAtMs: number;
    readonly expiresAtMs: number;
  }): Promise<void>;
}

export interface RegistrySnapshot {
  readonly wards: readonly Ward[];
  readonly beds: readonly Bed[];
  /** Where each patient lies; no names. */
  readonly patients: readonly PatientPlace[];
  readonly devices: readonly Device[];
  readonly assignments: readonly Assignment[];
  /** Serial numbers (hex) of revoked certificates that have not expired. */
  readonly revokedSerials: readonly string[];
  /** SHA-256 (hex) of the device tokens that are valid, and whose they are. */
  readonly deviceTokens: readonly {
    readonly sha256: string;
    readonly deviceId: DeviceId;
    readonly expiresAtMs: number;
  }[];
  /** What was received from which device when is doubtful. Absent: nothing. */
  readonly doubts?: readonly DeviceDoubt[];
  /** By which rules patients are judged. Absent: by the defaults. */
  readonly rules?: RuleSnapshot;
}

/** Where no organisation is named, it is the first one (`DEFAULT_TENANT`): what a bed is in, and who lies in it, belongs to its ward's. */
interface OfTenant {
  readonly tenantId?: TenantId;
}

export interface Ward extends OfTenant {
  readonly id: WardId;
  readonly name: string;
  /** Which it belongs to, if any. */
  readonly departmentId?: DepartmentId;
}
export interface Bed {
  readonly id: BedId;
  readonly wardId: WardId;
  /** What the wall shows: `W3-01`. */
  readonly label: string;
}
export interface Patient extends OfTenant {
  readonly id: PatientId;
  readonly mrn?: string;
  readonly familyName?: string;
  readonly givenName?: string;
  /** ISO date. */
  readonly birthDate?: string;
  /** Where they live, in one line; sealed like the name, and compared by an index. */
  readonly address?: string;
  /** Specially protected: only who cares for them opens the record. Set by `putVip`, not here. */
  readonly isVip?: true;
  readonly sex?: 'female' | 'male' | 'other' | 'unknown';
  readonly bedId?: BedId;
  /** NEWS2 SpO2 scale 2, only where a clinician has prescribed the 88–92 % target. */
  readonly spo2Scale?: 1 | 2;
}
export interface PatientPlace extends OfTenant {
  readonly id: PatientId;
  readonly bedId?: BedId;
  readonly wardId?: WardId;
  readonly bed?: string;
  readonly spo2Scale: 1 | 2;
  /** ISO date. Needed to judge by: NEWS2 is not for under-16s. */
  readonly birthDate?: string;
  /** Specially protected. */
  readonly isVip?: true;
  /** Absent: by age. */
  readonly news2Use?: News2Use;
}
export interface Device extends OfTenant {
  readonly id: DeviceId;
  /** Mapping profile of a vendor's own JSON; absent for HealthSync's form. */
  readonly profile?: string;
  readonly createdAtMs: number;
  /** Retained on `devices/{id}/config`, as JSON text. */
  readonly config?: string;
  readonly certificates: readonly DeviceCertificate[];
}
export interface DeviceCertificate {
  readonly deviceId: DeviceId;
  /** Hex, upper case, as TLS shows it. */
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly revokedAtMs?: number;
  readonly revocationReason?: string;
  readonly revocationCode?: RevocationCode;
  readonly invalidFromMs?: number;
  /** SHA-256 (lower-case hex) of the certificate: it counts only as this very one. Absent: issued before this was kept. */
  readonly fingerprint?: string;
  /** SHA-256 (lower-case hex) of its public key. */
  readonly keyFingerprint?: string;
  /** Which authority signed it; absent: the first. */
  readonly authority?: number;
  /** The serial number of the one it was renewed with, over the air. */
  readonly replaces?: string;
  readonly firstUsedAtMs?: number;
  /** It was replaced, and counts until then. */
  readonly supersededFromMs?: number;
}
