import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/**
 * Encrypts one field of one record. Each sealing has a key of its own, derived from the data key and 16 random bytes, so
 * that no two are ever encrypted under the same key and nonce, however many records a data key has.
 *
 *   u8 version (1), 16 bytes salt, ciphertext (as long as the text), 16 bytes tag
 *   key = HKDF-Expand (RFC 5869, 2.3; the data key is uniformly random, so 3.3 leaves out the extraction) with SHA-256,
 *         `healthsync field 1\n` + place + salt, 32 bytes: one HMAC
 *   AES-256-GCM with the salt's first 12 bytes as nonce, and the version and the place as additional data
 *
 * The place (whose, which field) is no part of the sealed bytes: moved to another patient or column they do not open.
 */
export function seal(dataKey: Uint8Array, place: SealPlace, plain: Uint8Array): Buffer {
  const salt = randomBytes(SALT_BYTES);
  const info = infoOf(place);
  const cipher = createCipheriv('aes-256-gcm', recordKey(dataKey, salt, info), salt.subarray(0, NONCE_BYTES));
  cipher.setAAD(info);
  const body = cipher.update(plain);
  cipher.final();
  return Buffer.concat([VERSION_BYTE, salt, body, cipher.getAuthTag()]);
}

/** What was sealed there; undefined where the bytes are not what `seal` made with this key for this place. */
export function unseal(dataKey: Uint8Array, place: SealPlace, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < SEAL_BYTES || sealed[0] !== VERSION) return undefined;
  const info = infoOf(place);
  const salt = sealed.subarray(1, 1 + SALT_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', recordKey(dataKey, salt, info), salt.subarray(0, NONCE_BYTES));
  decipher.setAAD(info);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const body = decipher.update(sealed.subarray(1 + SALT_BYTES, sealed.length - TAG_BYTES));
  try {
    decipher.final();
    return body;
  } catch {
    return undefined;
  }
}

/** Where a sealed field lies. Both parts are ours and hold no line break. */
export interface SealPlace {
  /** `patient:P1` */
  readonly subject: string;
  /** `patient.identity` */
  readonly field: string;
}

const VERSION = 1;
const VERSION_BYTE = Buffer.of(VERSION);
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** By how much sealing makes a text longer. */
export const SEAL_BYTES = 1 + SALT_BYTES + TAG_BYTES;

function infoOf({ subject, field }: SealPlace): Buffer {
  return Buffer.from(`healthsync field ${VERSION}\n${subject}\n${field}`);
}

function recordKey(dataKey: Uint8Array, salt: Uint8Array, info: Buffer): Buffer {
  return createHmac('sha256', dataKey).update(info).update(salt).update(FIRST_BLOCK).digest();
}

/** The counter of HKDF-Expand: there is but one block. */
const FIRST_BLOCK = Buffer.of(1);
