import { describe, expect, it } from 'vitest';
import { readPublicKeys } from './public-key.ts';

/** RFC 7638 3.1. */
const N =
  '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';

describe('a key that was pasted', () => {
  it('is read from a JWK or a JWKS, and named by its thumbprint where it has no name', async () => {
    const jwk = { kty: 'RSA', n: N, e: 'AQAB', extra: 'x' };
    const named = { kty: 'RSA', n: N, e: 'AQAB', kid: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' };
    expect(await readPublicKeys(JSON.stringify(jwk))).toEqual({ kind: 'keys', keys: [named] });
    expect(await readPublicKeys(JSON.stringify({ keys: [{ ...jwk, kid: 'k1' }] }))).toEqual({
      kind: 'keys',
      keys: [{ ...named, kid: 'k1' }],
    });
  });
  it('is read from PEM, elliptic or RSA', async () => {
    for (const algorithm of [
      { name: 'ECDSA', namedCurve: 'P-384' },
      {
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: 'SHA-384',
      },
    ]) {
      const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
      const pem = `-----BEGIN PUBLIC KEY-----\n${btoa(String.fromCharCode(...spki))}\n-----END PUBLIC KEY-----\n`;
      const read = await readPublicKeys(pem);
      expect(read).toMatchObject({ kind: 'keys', keys: [{ kty: algorithm.name === 'ECDSA' ? 'EC' : 'RSA' }] });
    }
  });
  it.each([
    ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
    [JSON.stringify({ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'secret' })],
  ])('is refused where it is a private one', async (text) => {
    expect(await readPublicKeys(text)).toMatchObject({ kind: 'refused', why: expect.stringMatching(/private key/) });
  });
  it.each(['', 'ssh-rsa AAAA', '{}', '-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----'])(
    'is refused where it is none: %j',
    async (text) => expect((await readPublicKeys(text)).kind).toBe('refused'),
  );
});
