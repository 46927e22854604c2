import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemorySecondFactors } from '../adapters/memory/memory-second-factors.ts';
import { createProofOfKey, type ShownProof } from './dpop.ts';

const NOW = Date.parse('2026-11-22T03:00:00Z');
const URL_ASKED = 'https://ward.example/api/alerts';
const TOKEN = 'a'.repeat(43);
const own = await generateKeyPair('ES256', { extractable: true });
const other = await generateKeyPair('ES256', { extractable: true });
const ownJwk = await exportJWK(own.publicKey);
const thumbprint = await calculateJwkThumbprint(ownJwk);

let nowMs: number;
let holds: (shown: ShownProof) => Promise<boolean>;
beforeEach(() => {
  nowMs = NOW;
  holds = createProofOfKey({ store: createMemorySecondFactors(), now: () => nowMs });
});

const claims = {
  jti: 'n-1',
  htm: 'GET',
  htu: URL_ASKED,
  iat: NOW / 1000,
  ath: createHash('sha256').update(TOKEN).digest('base64url'),
};

function proofOf(said: object = {}, header: object = {}, key: typeof own.privateKey = own.privateKey): Promise<string> {
  return new SignJWT({ ...claims, ...said })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: ownJwk, ...header } as never)
    .sign(key);
}

const show = async (proof: string | Promise<string> | undefined, over: Partial<ShownProof> = {}) =>
  holds({ proof: await proof, token: TOKEN, thumbprint, method: 'GET', urls: [URL_ASKED], ...over });

describe('a proof that a key is held', () => {
  it('is good once', async () => {
    const proof = await proofOf();
    expect(await show(proof)).toBe(true);
    expect(await show(proof)).toBe(false);
    expect(await show(proofOf({ jti: 'n-2' }))).toBe(true);
  });

  it('is good for one of two who show it at the same moment', async () => {
    const proof = await proofOf();
    const both = await Promise.all([show(proof), show(proof)]);
    expect(both.toSorted()).toEqual([false, true]);
  });

  it('does not hang on what stands behind the ? or the #, nor on how a name is written', async () => {
    expect(await show(proofOf({ htu: 'https://WARD.example:443/api/alerts?state=active#x' }))).toBe(true);
  });

  it.each<[what: string, said: object]>([
    ['of another method', { htm: 'POST' }],
    ['of another address', { htu: 'https://ward.example/api/users' }],
    ['of another server', { htu: 'https://evil.example/api/alerts' }],
    ['of no address', { htu: undefined }],
    ['of another token', { ath: createHash('sha256').update('b'.repeat(43)).digest('base64url') }],
    ['of no token', { ath: undefined }],
    ['without a number of its own', { jti: undefined }],
    ['without a time', { iat: undefined }],
    ['too old', { iat: NOW / 1000 - 301 }],
    ['of a time to come', { iat: NOW / 1000 + 301 }],
    ['that has ended', { exp: NOW / 1000 - 1 }],
  ])('is none %s', async (_what, said) => expect(await show(proofOf(said))).toBe(false));

  it('is none of another key, of a key of its own choosing, of another kind, or unsigned', async () => {
    const otherJwk = await exportJWK(other.publicKey);
    const privateJwk: JWK = await exportJWK(own.privateKey);
    const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const header = { alg: 'none', typ: 'dpop+jwt', jwk: ownJwk };
    const shared = new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk: ownJwk } as never)
      .sign(Buffer.from(JSON.stringify(ownJwk).padEnd(64)));
    for (const [what, proof] of [
      ['of another key', proofOf({}, { jwk: otherJwk }, other.privateKey)],
      ['signed by another than it brings', proofOf({}, {}, other.privateKey)],
      ['that gives its private key away', proofOf({}, { jwk: privateJwk })],
      ['of another kind', proofOf({}, { typ: 'jwt' })],
      ['unsigned', `${base64(header)}.${base64(claims)}.`],
      ['with a shared secret', shared],
      ['missing', undefined],
      ['too long', proofOf({ padding: 'x'.repeat(4_000) })],
      ['no proof at all', 'x.y.z'],
    ] as const)
      expect(await show(proof), what).toBe(false);
  });
});
