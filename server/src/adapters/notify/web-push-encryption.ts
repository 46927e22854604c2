import { createCipheriv, createECDH, type ECDH, hkdfSync, randomBytes } from 'node:crypto';

/** Whom to encrypt for: base64url, as the browser gave them. */
export interface PushReceiver {
  readonly p256dh: string;
  readonly auth: string;
}

/** RFC 8291 §4: push services take at least 4,096 bytes, of which 103 are header, padding delimiter and tag. */
export const PUSH_PLAINTEXT_MAX_BYTES = 3_993;

/**
 * One message for one browser, so that the push service in between cannot read it (RFC 8291, in the `aes128gcm` coding of
 * RFC 8188). A key pair and a salt of its own for every message; tests give those of the RFC's example.
 *
 * Throws where `p256dh` is no point on the curve.
 */
export function encryptPush(
  plaintext: Uint8Array,
  receiver: PushReceiver,
  { salt = randomBytes(16), sender = freshKeys() }: { readonly salt?: Uint8Array; readonly sender?: ECDH } = {},
): Buffer {
  if (plaintext.byteLength > PUSH_PLAINTEXT_MAX_BYTES) throw new Error('a push message is too long');
  const receiverPublic = Buffer.from(receiver.p256dh, 'base64url');
  const senderPublic = sender.getPublicKey();
  // RFC 8291 §3.3, §3.4: the shared secret, bound to both keys and to what only the browser and we know.
  const secret = sender.computeSecret(receiverPublic);
  const keyInfo = Buffer.concat([Buffer.from('WebPush: info\0'), receiverPublic, senderPublic]);
  const keying = hkdf(secret, Buffer.from(receiver.auth, 'base64url'), keyInfo, 32);
  // RFC 8188 §2.2, §2.3
  const key = hkdf(keying, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const nonce = hkdf(keying, salt, Buffer.from('Content-Encoding: nonce\0'), 12);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  // RFC 8188 §2: the only record is the last, which the delimiter 2 says.
  const record = [cipher.update(plaintext), cipher.update(Buffer.from([2])), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([salt, recordSize(), Buffer.from([senderPublic.byteLength]), senderPublic, ...record]);
}

const RECORD_SIZE = 4_096;

function recordSize(): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(RECORD_SIZE);
  return bytes;
}

function freshKeys(): ECDH {
  const keys = createECDH('prime256v1');
  keys.generateKeys();
  return keys;
}

function hkdf(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, bytes));
}
