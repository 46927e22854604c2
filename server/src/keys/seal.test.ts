import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blindIndex } from './blind-index.ts';
import { SEAL_BYTES, seal, unseal } from './seal.ts';

const key = randomBytes(32);
const place = { subject: 'patient:P1', field: 'patient.identity' };

describe('a sealed field', () => {
  it('opens to what was sealed, and is longer by a known measure', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (plain) => {
        const sealed = seal(key, place, plain);
        expect(sealed).toHaveLength(plain.length + SEAL_BYTES);
        expect(unseal(key, place, sealed)).toEqual(Buffer.from(plain));
      }),
    );
  });

  it('opens nowhere else: not for another patient, not in another field, not with another key', () => {
    const sealed = seal(key, place, Buffer.from('Featherstone'));
    expect(unseal(key, { ...place, subject: 'patient:P2' }, sealed)).toBeUndefined();
    expect(unseal(key, { ...place, field: 'alarm.note' }, sealed)).toBeUndefined();
    expect(unseal(randomBytes(32), place, sealed)).toBeUndefined();
  });

  it('opens no more once any one bit has changed, or any byte is missing', () => {
    const sealed = seal(key, place, Buffer.from('Featherstone'));
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const altered = Buffer.from(sealed);
      altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(unseal(key, place, altered)).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length += 1)
      expect(unseal(key, place, sealed.subarray(0, length))).toBeUndefined();
  });

  it('has the form that is documented', () => {
    const sealed = seal(key, place, Buffer.from('Featherstone'));
    const [salt, nonce, body] = [sealed.subarray(1, 17), sealed.subarray(17, 29), sealed.subarray(29)];
    const derived = createHmac('sha256', key)
      .update(Buffer.concat([Buffer.from('healthsync field 2\n'), salt, Buffer.of(1)]))
      .digest();
    const aad = Buffer.from('healthsync field 2\npatient:P1\npatient.identity');
    expect(opened(derived, nonce, aad, body)).toBe('Featherstone');
  });

  it('opens what version 1 sealed, and that nowhere else either', () => {
    const salt = randomBytes(16);
    const info = Buffer.from('healthsync field 1\npatient:P1\npatient.identity');
    const record = createHmac('sha256', key)
      .update(Buffer.concat([info, salt, Buffer.of(1)]))
      .digest();
    const cipher = createCipheriv('aes-256-gcm', record, salt.subarray(0, 12)).setAAD(info);
    const body = Buffer.concat([cipher.update('Featherstone'), cipher.final()]);
    const sealed = Buffer.concat([Buffer.of(1), salt, body, cipher.getAuthTag()]);
    expect(unseal(key, place, sealed)?.toString()).toBe('Featherstone');
    expect(unseal(key, { ...place, field: 'alarm.note' }, sealed)).toBeUndefined();
    expect(unseal(key, place, Buffer.concat([Buffer.of(2), sealed.subarray(1)]))).toBeUndefined();
    expect(unseal(key, place, sealed.subarray(0, 20))).toBeUndefined();
  });

  it('is opened by another process, which has the key and nothing else', () => {
    const sealed = Array.from({ length: 100 }, (_, i) => seal(Buffer.from(key), place, Buffer.from(`note ${i}`)));
    for (const [i, one] of sealed.entries()) expect(unseal(key, place, one)?.toString()).toBe(`note ${i}`);
  });

  it('looks different each time', () => {
    const all = new Set(Array.from({ length: 100 }, () => seal(key, place, Buffer.from('same')).toString('hex')));
    expect(all.size).toBe(100);
  });
});

function opened(by: Buffer, nonce: Buffer, aad: Buffer, body: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', by, nonce).setAAD(aad).setAuthTag(body.subarray(-16));
  return Buffer.concat([decipher.update(body.subarray(0, -16)), decipher.final()]).toString();
}

describe('a blind index', () => {
  it('is the same for the ways of writing one name, and another for another name, field or key', () => {
    const index = (text: string, field = 'family', by: Uint8Array = key) => blindIndex(by, field, text).toString('hex');
    expect(index(' ŽIŽKA')).toBe(index('Zizka'));
    expect(index('MRN-0012 3')).toBe(index('mrn00123'));
    expect(
      new Set([index('Zizka'), index('Zizkov'), index('Zizka', 'given'), index('Zizka', 'family', randomBytes(32))])
        .size,
    ).toBe(4);
  });
});
