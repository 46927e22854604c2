import { createHash, randomBytes } from 'node:crypto';
import type { DeviceId } from '../domain/ids.ts';

/**
 * What a person types into a device once: 80 random bits, which nobody guesses within the days it is good for, in
 * Crockford's base 32, which has no letters that look like digits.
 */
export function newEnrollmentCode(random: (bytes: number) => Uint8Array = randomBytes): string {
  const bits = [...random(10)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const letters = (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five, 2)]);
  return (letters.join('').match(/.{4}/g) ?? []).join('-');
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** SHA-256 (hex) over device and code, as typed: a code opens nothing for another device. Undefined: not a code. */
export function hashOfCode(deviceId: DeviceId, typed: string): string | undefined {
  if (typed.length > TYPED_MAX) return undefined;
  const code = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  if (!/^[0-9A-HJKMNP-TV-Z]{16}$/.test(code)) return undefined;
  return createHash('sha256').update(`healthsync enrollment ${deviceId} ${code}`).digest('hex');
}

/** Sixteen letters, and blanks or dashes between any two. */
const TYPED_MAX = 40;
