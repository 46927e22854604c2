import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Failure } from '../ports/failure.ts';
import { writePrivateFile } from './private-files.ts';

/** The secrets behind signing in: what is sealed, and what the OpenID provider signs with. */
export interface IdentityKeys {
  /** 32 bytes. */
  readonly seal: Uint8Array;
  /** Signs the provider's short-lived cookies. */
  readonly cookies: readonly string[];
  /** Private JWKs. The first of a kind signs, the others only vouch for what they signed before. */
  readonly signing: readonly SigningKey[];
}

export interface SigningKey {
  readonly createdAtMs: number;
  readonly jwk: Readonly<Record<string, unknown>> & { readonly kid: string; readonly alg: string };
}

/** A quarter of a year; whoever reads our key set again within that time never meets an unknown key. */
const SIGN_MS = 90 * 86_400_000;
/** Nothing we sign is valid for longer than a day; what others keep of it, they verify when they get it. */
const VOUCH_MS = 30 * 86_400_000;

/**
 * Opens the keys of a data folder, or makes them at first start; signing keys are replaced when their time has come. A
 * file that cannot be used is said, never replaced: everybody's second factors are sealed with what is in it.
 */
export async function openIdentityKeys(path: string, now: () => number): Promise<IdentityKeys> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unusable(path, error);
  });
  const stored = text === undefined ? undefined : parse(path, text);
  const signing = rotated(stored?.signing ?? [], now());
  const keys = {
    seal: stored?.seal ?? randomBytes(32).toString('base64url'),
    cookies: stored?.cookies ?? [randomBytes(32).toString('base64url')],
    signing,
  };
  if (stored === undefined || signing !== stored.signing) await writePrivateFile(path, JSON.stringify(keys));
  return { ...keys, seal: Buffer.from(keys.seal, 'base64url') };
}

function rotated(signing: readonly SigningKey[], nowMs: number): readonly SigningKey[] {
  const newest = signing[0];
  if (newest !== undefined && nowMs - newest.createdAtMs < SIGN_MS) return signing;
  const vouching = signing.filter((key) => nowMs - key.createdAtMs < SIGN_MS + VOUCH_MS);
  return [
    signingKey('ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, nowMs),
    // What every OpenID client must understand (OpenID Connect Core 15.1).
    // 128 bits of strength (NIST SP 800-57 part 1, table 2), as everything else here has.
    signingKey('RS256', generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey, nowMs),
    ...vouching,
  ];
}

function signingKey(alg: string, key: { export(options: { format: 'jwk' }): object }, createdAtMs: number): SigningKey {
  const kid = randomBytes(12).toString('base64url');
  return { createdAtMs, jwk: { ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

interface Stored {
  readonly seal: string;
  readonly cookies: readonly string[];
  readonly signing: readonly SigningKey[];
}

function parse(path: string, text: string): Stored {
  try {
    const stored = JSON.parse(text) as Stored;
    if (Buffer.from(stored.seal, 'base64url').length === 32 && stored.cookies.length > 0) return stored;
  } catch {
    // Said below, in the same words as any other text that is not ours.
  }
  throw unusable(path, undefined);
}

function unusable(path: string, cause: unknown): Failure {
  return new Failure('data-folder-unusable', `The keys for signing in, in ${path}, cannot be used.`, {
    retryable: false,
    cause,
  });
}
