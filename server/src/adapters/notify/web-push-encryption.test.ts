import { createECDH } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decrypt } from './test-push-service.ts';
import { encryptPush, PUSH_PLAINTEXT_MAX_BYTES } from './web-push-encryption.ts';

const bytes = (text: string) => Buffer.from(text, 'base64url');

/** RFC 8291 §5 and Appendix A. */
const EXAMPLE = {
  plaintext: 'When I grow up, I want to be a watermelon',
  senderPrivate: 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw',
  p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  receiverPrivate: 'q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94',
  salt: 'DGv6ra1nlYgDCS1FRnbzlw',
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  body:
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl' +
    '7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
};

describe('encryption for a browser', () => {
  it('makes the very bytes of the RFC’s example', () => {
    const sender = createECDH('prime256v1');
    sender.setPrivateKey(bytes(EXAMPLE.senderPrivate));
    const body = encryptPush(Buffer.from(EXAMPLE.plaintext), EXAMPLE, { salt: bytes(EXAMPLE.salt), sender });
    expect(body.toString('base64url')).toBe(EXAMPLE.body);
  });
  it('is read by a browser, and by no other', async () => {
    const own = bytes(EXAMPLE.p256dh);
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      x: own.subarray(1, 33).toString('base64url'),
      y: own.subarray(33).toString('base64url'),
      d: EXAMPLE.receiverPrivate,
    };
    const privateKey = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDH', namedCurve: 'P-256' }, false, [
      'deriveBits',
    ]);
    const browser = { privateKey, own, auth: bytes(EXAMPLE.auth) };
    expect((await decrypt(bytes(EXAMPLE.body), browser)).toString()).toBe(EXAMPLE.plaintext);
    const body = encryptPush(Buffer.from('hello'), EXAMPLE);
    expect((await decrypt(body, browser)).toString()).toBe('hello');
    await expect(decrypt(body, { ...browser, auth: Buffer.alloc(16) })).rejects.toThrow();
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    await expect(decrypt(body, browser)).rejects.toThrow();
  });
  it('uses keys and salt of its own each time', () => {
    const [a, b] = [0, 1].map(() => encryptPush(Buffer.from('same'), EXAMPLE).toString('base64url'));
    expect(a).not.toBe(b);
  });
  it('fills a push exactly and refuses a byte more', () => {
    expect(encryptPush(Buffer.alloc(PUSH_PLAINTEXT_MAX_BYTES), EXAMPLE)).toHaveLength(4_096);
    expect(() => encryptPush(Buffer.alloc(PUSH_PLAINTEXT_MAX_BYTES + 1), EXAMPLE)).toThrow('too long');
  });
  it('a key that is no point on the curve is an error', () => {
    expect(() => encryptPush(Buffer.from('x'), { ...EXAMPLE, p256dh: 'B'.repeat(87) })).toThrow();
  });
});
