import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * Text that only this installation can read or make: for what must lie with others for a while (a challenge with the
 * browser) or in the database (the secret of one-time passwords). AES-256-GCM; the purpose is authenticated with it, so
 * that nothing sealed for one use opens another.
 */
export interface Seal {
  seal(purpose: string, data: object): string;
  /** Undefined for anything that was not sealed here for this purpose. */
  open(purpose: string, text: string): unknown;
}

export function createSeal(key: Uint8Array): Seal {
  return {
    seal(purpose, data) {
      // Random nonces: at 2^32 seals under one key a collision stays below 2^-32 (NIST SP 800-38D §8.3).
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
      const sealed = Buffer.concat([cipher.update(JSON.stringify(data), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open(purpose, text) {
      if (text.length > TEXT_MAX || !/^[A-Za-z0-9_-]{40,}$/.test(text)) return undefined;
      const bytes = Buffer.from(text, 'base64url');
      const [nonce, tag] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)];
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
        decipher.setAAD(Buffer.from(purpose)).setAuthTag(tag);
        const sealed = bytes.subarray(NONCE_BYTES + TAG_BYTES);
        return JSON.parse(Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8'));
      } catch {
        return undefined;
      }
    },
  };
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Ours have some hundred characters; what is much longer is not worth decrypting. */
const TEXT_MAX = 8192;
