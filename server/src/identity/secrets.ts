import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { OTHERS_MARK } from './sign-in-limits.ts';

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
 * Marks browsers from which somebody of ours has signed in (the "device cookie" of OWASP's authentication cheat sheet):
 * further attempts from there are counted apart, so that nobody else's guessing can keep anybody out. Several people share
 * a ward's computers, so a mark counts for the others too: together with all marks that the same person has earned, so that
 * an account of one's own is no way to guess at a colleague's. Nobody reads from a mark whose it is. With a key that lasts
 * browsers are known after a restart as well: a moment that whoever guesses could wait for.
 */
export function createBrowserMarks(key: Uint8Array = randomBytes(32)) {
  const macOf = (...parts: readonly string[]) => createHmac('sha256', key).update(parts.join('\0')).digest();
  const earnerOf = (name: string) => macOf('earned by', name).toString('base64url').slice(0, 16);
  return {
    markFor(name: string): string {
      const nonce = randomBytes(12).toString('base64url');
      const earner = earnerOf(name);
      return `${nonce}.${earner}.${macOf(nonce, earner, 'mark').toString('base64url')}`;
    },
    /** How this browser is counted when somebody tries this name there; undefined: the mark is none of ours. */
    countedAs(mark: string | undefined, name: string): string | undefined {
      const [, nonce, earner, mac] = MARK.exec(mark ?? '') ?? [];
      if (nonce === undefined || earner === undefined || mac === undefined) return undefined;
      if (!timingSafeEqual(Buffer.from(mac, 'base64url'), macOf(nonce, earner, 'mark'))) return undefined;
      return earner === earnerOf(name) ? `own ${nonce}` : `${OTHERS_MARK}${earner}`;
    },
  };
}

const MARK = /^([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/;
