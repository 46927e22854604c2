import type { DeviceId, TenantId } from '../domain/ids.ts';

/** What becomes of devices' certificates beyond the registry: use, replacement, revocation lists, doubt. */
export interface DeviceCertificates {
  /** Who has been certified with this public key (SHA-256, lower-case hex), and whether that was ever withdrawn. */
  keyUses(
    keyFingerprint: string,
  ): Promise<readonly { readonly deviceId: DeviceId; readonly revocationCode?: string }[]>;
  /**
   * A renewed certificate was used for the first time: what it replaces, and what else replaced that and was never
   * used, counts until `supersedeAtMs`. Harmless when repeated.
   */
  firstUsed(use: { readonly serial: string; readonly atMs: number; readonly supersedeAtMs: number }): Promise<void>;
  /** Revokes as superseded what was replaced and has had its time. Answers which. */
  revokeSuperseded(nowMs: number): Promise<readonly { readonly deviceId: DeviceId; readonly serial: string }[]>;
  /** Revokes all that this authority signed. Answers how many. */
  revokeAuthority(revocation: {
    readonly authority: number;
    readonly atMs: number;
    readonly reason: string;
    readonly code: RevocationCode;
  }): Promise<number>;
  /** The number of the next revocation list of this authority; never the same twice. */
  nextListNumber(authority: number): Promise<number>;
  /** What was received from the device in this time is doubtful. */
  doubt(doubt: DeviceDoubt & { readonly id: string; readonly tenantId: TenantId }): Promise<void>;
}

/** Of RFC 5280 §5.3.1, what can be said of a device. */
export type RevocationCode = 'unspecified' | 'keyCompromise' | 'cACompromise' | 'superseded' | 'cessationOfOperation';

export interface DeviceDoubt {
  readonly deviceId: DeviceId;
  /** By our clock. */
  readonly receivedFromMs: number;
  readonly receivedUntilMs: number;
  readonly reason: string;
  readonly declaredBy: string;
  readonly declaredAtMs: number;
}
