import { describe, expect, it } from 'vitest';
import { clientProblems, keyProblems, thumbprintOf } from './client-rules.ts';

const KEY = { kty: 'EC', kid: 'k1', crv: 'P-384', x: 'x', y: 'y' } as const;
const SERVICE = { kind: 'service', jwks: { keys: [KEY] }, scopes: ['alarm.read'], roles: ['integration'] } as const;
const fields = (wanted: Parameters<typeof clientProblems>[0]) => clientProblems(wanted).map(({ field }) => field);

describe('what an app or a service account is made of', () => {
  it('is taken when it has what its kind needs', () => {
    expect(fields(SERVICE)).toEqual([]);
    expect(fields({ kind: 'app', redirectUris: ['https://a.example/back'], scopes: ['openid'] })).toEqual([]);
    expect(fields({ kind: 'app', redirectUris: ['http://127.0.0.1:7/back'], scopes: [] })).toEqual([]);
  });
  it('is refused with every field that is wrong, at once', () => {
    const all = { kind: 'service', redirectUris: ['http://a.example'], scopes: ['all'], wards: ['/'] } as const;
    expect(fields(all)).toEqual(['jwks', 'redirectUris', 'roles', 'redirectUris.0', 'scopes.0', 'wards.0']);
  });
  it('has no key twice, none without its members, none that is too short', () => {
    expect(fields({ ...SERVICE, jwks: { keys: [KEY, KEY] } })).toEqual(['jwks.keys.1.kid']);
    expect(keyProblems({ kty: 'EC', crv: 'P-256', x: 'x' }).map(({ field }) => field)).toEqual(['y']);
    const n = (bytes: number) =>
      keyProblems({ kty: 'RSA', e: 'AQAB', n: Buffer.alloc(bytes, 1).toString('base64url') });
    expect(n(128).map(({ field }) => field)).toEqual(['n']);
    expect(n(256)).toEqual([]);
  });
});

it('the thumbprint of a key is that of RFC 7638 3.1', () => {
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
  expect(thumbprintOf({ kty: 'RSA', e: 'AQAB', n, alg: 'RS256', kid: '2011-04-29' })).toBe(
    'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
  );
});
