import { createDecipheriv, createHmac, randomBytes } from 'node:crypto';
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
    const [salt, body, tag] = [sealed.subarray(1, 17), sealed.subarray(17, -16), sealed.subarray(-16)];
    const info = Buffer.from('healthsync field 1\npatient:P1\npatient.identity');
    const record = createHmac('sha256', key)
      .update(Buffer.concat([info, salt, Buffer.of(1)]))
      .digest();
    const decipher = createDecipheriv('aes-256-gcm', record, salt.subarray(0, 12)).setAAD(info).setAuthTag(tag);
    expect(Buffer.concat([decipher.update(body), decipher.final()]).toString()).toBe('Featherstone');
  });

  it('looks different each time', () => {
    const all = new Set(Array.from({ length: 100 }, () => seal(key, place, Buffer.from('same')).toString('hex')));
    expect(all.size).toBe(100);
  });
});

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
