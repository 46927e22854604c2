import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

/** Time-based one-time passwords (RFC 6238) as every authenticator app makes them: SHA-1, six digits, 30 s. */
export const TOTP_STEP_MS = 30_000;

/** 160 bits, as RFC 4226 §4 recommends, in base32. */
export const newTotpSecret = (): string => new Secret({ buffer: new Uint8Array(randomBytes(20)).buffer }).base32;

/** `otpauth://…`, for the QR code. */
export function totpUri(secret: string, account: string, issuer: string): string {
  return totpOf(secret, account, issuer).toString();
}

/** The step that the code belongs to, if it is this one, the one before or the one to come; undefined: it is wrong. */
export function totpStep(secret: string, code: string, nowMs: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  // One step either way: a phone's clock, and the time it takes to type (RFC 6238 §5.2).
  const delta = totpOf(secret).validate({ token: code, timestamp: nowMs, window: 1 });
  return delta === null ? undefined : Math.floor(nowMs / TOTP_STEP_MS) + delta;
}

function totpOf(secret: string, label = 'HealthSync', issuer = 'HealthSync'): TOTP {
  return new TOTP({ issuer, label, secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30 });
}
