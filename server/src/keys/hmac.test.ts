import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hmacSha256 } from './hmac.ts';

describe('HMAC with SHA-256', () => {
  it('is that of RFC 4231, test case 2', () => {
    expect(hmacSha256(Buffer.from('Jefe'), 'what do ya want ', Buffer.from('for nothing?')).toString('hex')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });
  it('is OpenSSL’s, whatever is given, one after the other', () => {
    const part = fc.oneof(fc.uint8Array({ maxLength: 1_500 }), fc.string({ unit: 'grapheme', maxLength: 400 }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(part, { maxLength: 4 }), (key, parts) => {
        const expected = createHmac('sha256', key);
        for (const each of parts) expected.update(each);
        expect(hmacSha256(key, ...parts)).toEqual(expected.digest());
      }),
    );
    expect(() => hmacSha256(Buffer.alloc(65), '')).toThrow(RangeError);
  });
});
