import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Secrets that open something: 256 random bits in base64url behind a prefix that says what for, so that a leaked one is
 * recognised. Only their SHA-256 is ever stored; with 256 bits nothing slower is needed, and lookups need no salt.
 */
export type SecretKind = 'session' | 'api' | 'device' | 'setup' | 'pending';

const PREFIX: Readonly<Record<SecretKind, string>> = {
  session: 'hss_',
  api: 'hst_',
  device: 'hsd_',
  setup: '',
  pending: 'hsp_',
};

export const newSecret = (kind: SecretKind): string => PREFIX[kind] + randomBytes(32).toString('base64url');

/** Lower-case hex. */
export const sha256Of = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Anything else cannot be one of ours, and is not worth a query. */
export const isBearerSecret = (text: string): boolean => /^hs[st]_[A-Za-z0-9_-]{43}$/.test(text);
export const isPendingSecret = (text: string): boolean => /^hsp_[A-Za-z0-9_-]{43}$/.test(text);
export const isDeviceSecret = (text: string): boolean => /^hsd_[A-Za-z0-9_-]{43}$/.test(text);

/**
 * Marks browsers from which a person has signed in (the "device cookie" of OWASP's authentication cheat sheet): their
 * further attempts are counted apart, so that nobody else's guessing can keep them out. With a key that lasts they are known
 * after a restart as well: a moment that whoever guesses could wait for.
 */
export function createBrowserMarks(key: Uint8Array = randomBytes(32)) {
  const macOf = (name: string, nonce: string) => createHmac('sha256', key).update(`${nonce}\0${name}`).digest();
  return {
    markFor(name: string): string {
      const nonce = randomBytes(12).toString('base64url');
      return `${nonce}.${macOf(name, nonce).toString('base64url')}`;
    },
    /** The nonce of a mark we made for this name; undefined for any other text. */
    nonceOf(mark: string | undefined, name: string): string | undefined {
      const [, nonce, mac] = /^([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/.exec(mark ?? '') ?? [];
      if (nonce === undefined || mac === undefined) return undefined;
      return timingSafeEqual(Buffer.from(mac, 'base64url'), macOf(name, nonce)) ? nonce : undefined;
    },
  };
}
