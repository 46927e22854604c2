import type { UserId } from '../domain/ids.ts';

/** People's second factors. Secrets come in sealed, and codes as the SHA-256 of what opens. */
export interface SecondFactors {
  /** Oldest first. */
  list(userId: UserId): Promise<readonly StoredFactor[]>;
  /** `taken`: that passkey is known already, of whoever. */
  add(factor: StoredFactor): Promise<'added' | 'taken'>;
  findPasskey(credentialId: string): Promise<StoredPasskey | undefined>;
  /** True once for a step, and only for one later than all before: what was seen typed is worth nothing (RFC 6238 §5.2). */
  useStep(use: { readonly id: string; readonly step: number; readonly atMs: number }): Promise<boolean>;
  /** False when the counter does not rise: the key was copied (WebAuthn §6.1.1). Those that do not count stay at 0. */
  usePasskey(use: { readonly id: string; readonly counter: number; readonly atMs: number }): Promise<boolean>;
  remove(factor: { readonly userId: UserId; readonly id: string }): Promise<boolean>;

  /** Replaces all there were. */
  putRecoveryCodes(userId: UserId, sha256s: readonly string[]): Promise<void>;
  /** True once. */
  useRecoveryCode(use: { readonly userId: UserId; readonly sha256: string; readonly atMs: number }): Promise<boolean>;
  recoveryCodesLeft(userId: UserId): Promise<number>;

  /** Every factor and code of this person. */
  clear(userId: UserId): Promise<void>;

  /** Marks a challenge as used: true once. `nowMs` sweeps up those that have ended. */
  spend(ticket: { readonly sha256: string; readonly expiresAtMs: number; readonly nowMs: number }): Promise<boolean>;
}

export type StoredFactor = StoredTotp | StoredPasskey;

interface Stored {
  readonly id: string;
  readonly userId: UserId;
  readonly label: string;
  readonly createdAtMs: number;
  readonly usedAtMs?: number;
}

export interface StoredTotp extends Stored {
  readonly kind: 'totp';
  /** Sealed. */
  readonly secret: string;
}

export interface StoredPasskey extends Stored {
  readonly kind: 'passkey';
  /** Base64url, as browsers write it. */
  readonly credentialId: string;
  /** COSE. */
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
}
