import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Failure } from '../ports/failure.ts';
import type { KeptSecret } from '../ports/kept-secret.ts';

/** The secrets behind signing in: what is sealed, and what the OpenID provider signs with. */
export interface IdentityKeys {
  /** 32 bytes. */
  readonly seal: Uint8Array;
  /** Signs the provider's short-lived cookies. */
  readonly cookies: readonly string[];
  /** Private JWKs. The first of a kind signs, the others vouch for what they signed before or will sign soon. */
  readonly signing: readonly SigningKey[];
}

export interface SigningKey {
  readonly createdAtMs: number;
  /** Before it signs, everybody who verifies has had time to read of it. Missing: from the beginning. */
  readonly signsFromMs?: number;
  readonly jwk: Readonly<Record<string, unknown>> & { readonly kid: string; readonly alg: string };
}

/** A quarter of a year; whoever reads our key set again within that time never meets an unknown key. */
const SIGN_MS = 90 * 86_400_000;
/** Nothing we sign is valid for longer than a day; what others keep of it, they verify when they get it. */
const VOUCH_MS = 30 * 86_400_000;
/** Every server has looked again by then (`LOOK_EVERY_MS`), and most of those who keep our key set for a while. */
const PUBLISH_MS = 10 * 60_000;
/** How often a running server looks whether another, or a command, made new keys. */
export const LOOK_EVERY_MS = 60_000;

/**
 * Opens the keys of an installation, or makes them at first start; signing keys are replaced when their time has come. What
 * cannot be used is said, never replaced: everybody's second factors are sealed with what is in it.
 */
export async function openIdentityKeys(kept: KeptSecret, now: () => number): Promise<IdentityKeys> {
  return await change(kept, now, (stored) => {
    const newest = stored.signing[0];
    return newest === undefined || now() - newest.createdAtMs >= SIGN_MS ? withNewKeys(stored, now()) : stored;
  });
}

/**
 * New signing keys before their time: published at once, signing a little later, while the old ones vouch for what they
 * signed. `isCompromised`: the new ones sign at once and the old ones vouch for nothing any more.
 */
export async function rotateSigningKeys(
  kept: KeptSecret,
  options: { readonly now: () => number; readonly isCompromised: boolean },
): Promise<IdentityKeys> {
  const { now, isCompromised } = options;
  return await change(kept, now, (stored) => withNewKeys(isCompromised ? { ...stored, signing: [] } : stored, now()));
}

async function change(kept: KeptSecret, now: () => number, next: (stored: Stored) => Stored): Promise<IdentityKeys> {
  for (;;) {
    const text = await kept.read();
    const stored = text === undefined ? FRESH() : parse(text);
    const wanted = next(stored);
    // Another server may have been first: then what it made counts.
    if (text !== undefined && wanted === stored) return opened(stored, now());
    if (await kept.replace(text, JSON.stringify(wanted))) return opened(wanted, now());
  }
}

function opened({ seal, cookies, signing }: Stored, nowMs: number): IdentityKeys {
  const isSigning = ({ signsFromMs = 0 }: SigningKey) => signsFromMs <= nowMs;
  return {
    seal: Buffer.from(seal, 'base64url'),
    cookies,
    signing: [...signing.filter(isSigning), ...signing.filter((key) => !isSigning(key))],
  };
}

function withNewKeys(stored: Stored, nowMs: number): Stored {
  const vouching = stored.signing.filter((key) => nowMs - key.createdAtMs < SIGN_MS + VOUCH_MS);
  const made = {
    createdAtMs: nowMs,
    ...(vouching.length > 0 && { signsFromMs: nowMs + PUBLISH_MS }),
  };
  return {
    ...stored,
    signing: [
      signingKey('ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, made),
      // What every OpenID client must understand (OpenID Connect Core 15.1).
      // 128 bits of strength (NIST SP 800-57 part 1, table 2), as everything else here has.
      signingKey('RS256', generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey, made),
      ...vouching,
    ],
  };
}

function signingKey(
  alg: string,
  key: { export(options: { format: 'jwk' }): object },
  made: Omit<SigningKey, 'jwk'>,
): SigningKey {
  const kid = randomBytes(12).toString('base64url');
  return { ...made, jwk: { ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

interface Stored {
  readonly seal: string;
  readonly cookies: readonly string[];
  /** Newest first. */
  readonly signing: readonly SigningKey[];
}

const FRESH = (): Stored => ({
  seal: randomBytes(32).toString('base64url'),
  cookies: [randomBytes(32).toString('base64url')],
  signing: [],
});

function parse(text: string): Stored {
  try {
    const stored = JSON.parse(text) as Stored;
    if (Buffer.from(stored.seal, 'base64url').length === 32 && stored.cookies.length > 0) return stored;
  } catch {
    // Said below, in the same words as any other text that is not ours.
  }
  throw new Failure('data-folder-unusable', 'The keys for signing in cannot be used: what is kept is not theirs.', {
    retryable: false,
  });
}
