import { createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { hmacSha256 } from './hmac.ts';

export const TAG_BYTES = 16;

/**
 * HKDF-Expand with SHA-256 (RFC 5869, 2.3), one block: 32 bytes. The key it is made from is uniformly random, so 3.3 leaves
 * out the extraction.
 */
export function expandKey(key: Uint8Array, ...info: readonly (string | Uint8Array)[]): KeyObject {
  return createSecretKey(hmacSha256(key, ...info, FIRST_BLOCK));
}

/** The counter of HKDF-Expand: there is but one block. */
const FIRST_BLOCK = Buffer.of(1);

/** Opens AES-256-GCM whose tag follows its text; undefined where it is not what was encrypted with these. */
export function openGcm(
  { key, nonce, aad }: { readonly key: KeyObject; readonly nonce: Uint8Array; readonly aad?: Uint8Array },
  sealed: Uint8Array,
): Buffer | undefined {
  if (sealed.length < TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  if (aad !== undefined) decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}
