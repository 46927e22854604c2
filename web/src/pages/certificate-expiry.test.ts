import { describe, expect, it } from 'vitest';
import { expiryOf, lastingLongest } from './certificate-expiry.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const until = (notAfter: string, revokedAt?: string) => ({
  serial: notAfter,
  notAfter,
  ...(revokedAt !== undefined && { revokedAt }),
});

describe('a certificate', () => {
  it.each([
    [
      'counts, and is nothing to worry about, for a long time',
      until('2027-02-20T12:00:00Z'),
      true,
      false,
      '90 days left',
    ],
    ['calls for a new one in its last fortnight', until('2026-12-06T12:00:00Z'), true, true, '⚠ 14 days left'],
    ['does not yet with more than that', until('2026-12-06T12:00:01Z'), true, false, '14 days left'],
    ['says less than a day as that', until('2026-11-22T12:00:01Z'), true, true, '⚠ less than a day left'],
    ['is over at its very end', until('2026-11-22T12:00:00Z'), false, false, 'over'],
    [
      'no longer counts once it is revoked',
      until('2027-02-20T12:00:00Z', '2026-11-21T01:02:03Z'),
      false,
      false,
      'revoked 2026-11-21',
    ],
  ] as const)('%s', (_, certificate, counts, isUrgent, text) => {
    expect(expiryOf(certificate, NOW)).toEqual({ counts, isUrgent, text });
  });

  it('of an hour calls for a new one when a quarter of its life is left, and says the hours of a day', () => {
    const short = { notBefore: '2026-11-22T11:00:00Z' };
    expect(expiryOf({ ...short, notAfter: '2026-11-22T12:45:00Z' }, NOW)).toMatchObject({ isUrgent: false });
    expect(expiryOf({ ...short, notAfter: '2026-11-22T12:15:00Z' }, NOW)).toEqual({
      counts: true,
      isUrgent: true,
      text: '⚠ less than an hour left',
    });
    const day = { notBefore: '2026-11-22T10:00:00Z', notAfter: '2026-11-23T10:30:00Z' };
    expect(expiryOf(day, NOW)).toEqual({ counts: true, isUrgent: false, text: '22 h left' });
  });

  it('that was replaced says until when it counts, and one that was revoked says why', () => {
    const replaced = { notAfter: '2027-02-20T12:00:00Z', supersededFrom: '2026-11-22T13:05:00Z' };
    expect(expiryOf(replaced, NOW)).toEqual({
      counts: true,
      isUrgent: false,
      text: 'replaced, counts until 13:05 UTC',
    });
    const stolen = { ...until('2027-02-20T12:00:00Z', '2026-11-21T01:02:03Z'), revocationCode: 'keyCompromise' };
    expect(expiryOf(stolen, NOW).text).toBe('revoked 2026-11-21: key compromised');
  });

  it('that lasts longest stands for its device, unless it was revoked', () => {
    const [short, long] = [until('2026-12-24T00:00:00Z'), until('2027-01-24T00:00:00Z')];
    expect(lastingLongest([short, long], NOW)).toBe(long);
    expect(lastingLongest([short, until('2027-01-24T00:00:00Z', '2026-11-01T00:00:00Z')], NOW)).toBe(short);
    expect(lastingLongest([until('2026-11-01T00:00:00Z')], NOW)).toBeUndefined();
  });
});
