import type { DeviceId, PatientId, TenantId, UserId } from '../domain/ids.ts';

/** Devices on their way in: from the code that a person makes to the certificate that the device fetches. */
export interface DeviceEnrollments {
  add(enrollment: NewEnrollment): Promise<void>;
  findByCode(codeSha256: string): Promise<Enrollment | undefined>;
  find(id: string): Promise<Enrollment | undefined>;
  /** What is undecided first, then newest first. */
  list(query: { readonly tenantId: TenantId; readonly limit: number }): Promise<readonly Enrollment[]>;
  /** The first request with the code binds it to its key. False: another was first. */
  bind(id: string, request: EnrollmentRequest & { readonly expiresAtMs: number }): Promise<boolean>;
  /** Of what is not decided yet; `withdrawn` is for a code that nobody has used. False: somebody else has decided. */
  decide(
    id: string,
    decision: {
      readonly state: 'approved' | 'refused' | 'withdrawn';
      readonly by: string;
      readonly atMs: number;
      readonly reason?: string;
    },
  ): Promise<boolean>;
  /** Keeps the certificate for the device to fetch. False: there is one already. */
  complete(id: string, issued: { readonly serial: string; readonly certificatePem: string }): Promise<boolean>;
}

export interface NewEnrollment {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
  /** SHA-256 (hex) over device and code. */
  readonly codeSha256: string;
  /** Who will wear it from the moment it is approved. */
  readonly patientId?: PatientId;
  readonly profile?: string;
  readonly invitedBy: string;
  readonly invitedById?: UserId;
  readonly invitedAtMs: number;
  readonly expiresAtMs: number;
}

export interface Enrollment extends Omit<NewEnrollment, 'codeSha256'> {
  readonly state: 'invited' | 'waiting' | 'approved' | 'issued' | 'refused' | 'withdrawn';
  readonly request?: EnrollmentRequest;
  readonly decidedBy?: string;
  readonly decidedAtMs?: number;
  readonly reason?: string;
  readonly serial?: string;
  readonly certificatePem?: string;
}

export interface EnrollmentRequest {
  /** PKCS#10, DER. */
  readonly der: Uint8Array;
  /** SHA-256 (lower-case hex) of its public key. */
  readonly keyFingerprint: string;
  /** What the device says of itself; nobody has checked it. */
  readonly stated: StatedIdentity;
  readonly address: string;
  readonly atMs: number;
}

export interface StatedIdentity {
  readonly maker?: string;
  readonly model?: string;
  readonly serialNumber?: string;
}
