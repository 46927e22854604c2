import { randomBytes } from 'node:crypto';
import { sha256Of } from './secrets.ts';

/** Ten on a sheet: enough for years, few enough to copy by hand. */
export const RECOVERY_CODES = 10;

/** 120 random bits each, in 24 characters: with 112 and more a plain hash is enough (NIST SP 800-63B §5.1.2.2). */
export function newRecoveryCodes(): readonly string[] {
  return Array.from({ length: RECOVERY_CODES }, () => {
    // 32 characters: a byte's lowest five bits choose without favour.
    const characters = [...randomBytes(24)].map((byte) => ALPHABET[byte % 32]).join('');
    return (characters.match(/.{4}/g) ?? []).join('-');
  });
}

/** What is kept of one, however it was typed. Undefined: it cannot be one of ours. */
export function recoveryHash(typed: string): string | undefined {
  const code = typed.toLowerCase().replace(/[\s-]/g, '').replace(/[il]/g, '1').replaceAll('o', '0');
  // Those of sixteen were made before.
  return /^[0-9a-hjkmnp-tv-z]{16}([0-9a-hjkmnp-tv-z]{8})?$/.test(code) ? sha256Of(`recovery ${code}`) : undefined;
}

/** Crockford's base 32: no i, l, o, which look like digits, and no u. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
