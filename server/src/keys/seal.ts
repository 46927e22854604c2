import { createCipheriv, type KeyObject, randomFillSync } from 'node:crypto';
import { expandKey, openGcm, TAG_BYTES } from './gcm.ts';

/**
 * Encrypts one field of one record.
 *
 *   u8 version (2), 16 bytes salt, 12 bytes nonce, ciphertext (as long as the text), 16 bytes tag
 *   key = HKDF-Expand (RFC 5869, 2.3; the data key is uniformly random, so 3.3 leaves out the extraction) with SHA-256,
 *         `healthsync field 2\n` + salt, 32 bytes: one HMAC
 *   AES-256-GCM with a random nonce, and the version and the place as additional data
 *
 * Each process takes another salt for each data key, so that a key never sees more nonces than one process makes: far
 * fewer than the 2^32 that NIST SP 800-38D (8.3) allows for random ones, however many records a data key has in its life.
 *
 * The place (whose, which field) is no part of the sealed bytes: moved to another patient or column they do not open.
 */
export function seal(dataKey: Uint8Array, place: SealPlace, plain: Uint8Array): Buffer {
  const { salt, key } = sealingWith(dataKey);
  const nonce = drawn(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(placeBytes(VERSION, place));
  const body = cipher.update(plain);
  cipher.final();
  const sealed = Buffer.allocUnsafe(plain.length + SEAL_BYTES);
  sealed[0] = VERSION;
  sealed.set(salt, 1);
  sealed.set(nonce, BODY - NONCE_BYTES);
  sealed.set(body, BODY);
  sealed.set(cipher.getAuthTag(), BODY + body.length);
  return sealed;
}

/** Salts and nonces, which stand in what they sealed: drawn many at once, for each drawing asks OpenSSL anew. Never keys. */
function drawn(bytes: number): Buffer {
  if (drawnTo + bytes > DRAWN.length) {
    randomFillSync(DRAWN);
    drawnTo = 0;
  }
  drawnTo += bytes;
  return Buffer.from(DRAWN.subarray(drawnTo - bytes, drawnTo));
}
const DRAWN = Buffer.alloc(4_096);
let drawnTo = DRAWN.length;

/** What was sealed there; undefined where the bytes are not what `seal` made with this key for this place. */
export function unseal(dataKey: Uint8Array, place: SealPlace, sealed: Uint8Array): Buffer | undefined {
  if (sealed[0] === 1) return unsealFirst(dataKey, place, sealed);
  if (sealed.length < SEAL_BYTES || sealed[0] !== VERSION) return undefined;
  const key = openingWith(dataKey, sealed.subarray(1, 1 + SALT_BYTES));
  const nonce = sealed.subarray(BODY - NONCE_BYTES, BODY);
  return openGcm({ key, nonce, aad: placeBytes(VERSION, place) }, sealed.subarray(BODY));
}

/** Where a sealed field lies. Both parts are ours and hold no line break. */
export interface SealPlace {
  /** `patient:P1` */
  readonly subject: string;
  /** `patient.identity` */
  readonly field: string;
}

const VERSION = 2;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const BODY = 1 + SALT_BYTES + NONCE_BYTES;
/** By how much sealing makes a text longer. */
export const SEAL_BYTES = BODY + TAG_BYTES;

/**
 * Version 1, as stored before: no nonce of its own, the salt is another one each time, and key and nonce are made of it.
 * `healthsync field 1\n` + place + salt make the key, the salt's first 12 bytes are the nonce.
 */
function unsealFirst(dataKey: Uint8Array, place: SealPlace, sealed: Uint8Array): Buffer | undefined {
  const body = 1 + SALT_BYTES;
  if (sealed.length < body + TAG_BYTES) return undefined;
  const aad = placeBytes(1, place);
  const salt = sealed.subarray(1, body);
  return openGcm(
    { key: expandKey(dataKey, aad, salt), nonce: salt.subarray(0, NONCE_BYTES), aad },
    sealed.subarray(body),
  );
}

function placeBytes(version: number, { subject, field }: SealPlace): Buffer {
  return Buffer.from(`healthsync field ${version}\n${subject}\n${field}`);
}

/**
 * What was derived from a data key; goes when the data key does. Deriving takes ten times as long as using it. It stands
 * at the key itself: a WeakMap of thousands of them is gone through at every collection, which cost more than deriving.
 */
interface Derived {
  /** Made with the first sealing. */
  own: { readonly salt: Buffer; readonly key: KeyObject } | undefined;
  /** By salt, as others sealed with it: as many as there were processes. */
  others: Map<string, KeyObject> | undefined;
}
const DERIVED = Symbol('derived');
type WithDerived = Uint8Array & { [DERIVED]?: Derived };
/** Restarts whose records are read at once: more than are ever looked at in one go; about 200 bytes each. */
const SALTS_MAX = 64;

function sealingWith(dataKey: Uint8Array): { readonly salt: Buffer; readonly key: KeyObject } {
  const keys = derivedOf(dataKey);
  if (keys.own === undefined) {
    const salt = drawn(SALT_BYTES);
    keys.own = { salt, key: keyOf(dataKey, salt) };
  }
  return keys.own;
}

function openingWith(dataKey: Uint8Array, salt: Uint8Array): KeyObject {
  const keys = derivedOf(dataKey);
  if (keys.own?.salt.equals(salt)) return keys.own.key;
  keys.others ??= new Map();
  const { others } = keys;
  const name = Buffer.from(salt.buffer, salt.byteOffset, salt.length).toString('latin1');
  const known = others.get(name);
  if (known !== undefined) return known;
  const key = keyOf(dataKey, salt);
  others.set(name, key);
  if (others.size > SALTS_MAX) others.delete(others.keys().next().value as string);
  return key;
}

function derivedOf(dataKey: WithDerived): Derived {
  dataKey[DERIVED] ??= { own: undefined, others: undefined };
  return dataKey[DERIVED];
}

function keyOf(dataKey: Uint8Array, salt: Uint8Array): KeyObject {
  return expandKey(dataKey, 'healthsync field 2\n', salt);
}
