import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInstant } from './instant.ts';

const date = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});

describe('parseInstant', () => {
  it('agrees with Date on every moment Date writes', () => {
    fc.assert(
      fc.property(date, (moment) => {
        expect(parseInstant(moment.toISOString())).toBe(moment.getTime());
      }),
    );
  });

  it('agrees with Date on every zone', () => {
    fc.assert(
      fc.property(
        date,
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.boolean(),
        (moment, h, m, west) => {
          const zone = `${west ? '-' : '+'}${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`;
          const text = moment.toISOString().replace('Z', zone);
          expect(parseInstant(text)).toBe(new Date(text).getTime());
        },
      ),
    );
  });

  it.each([
    ['2026-11-22T01:02:03Z', Date.UTC(2026, 10, 22, 1, 2, 3)],
    ['2026-11-22t01:02:03z', Date.UTC(2026, 10, 22, 1, 2, 3)],
    ['2026-11-22T01:02:03.4Z', Date.UTC(2026, 10, 22, 1, 2, 3, 400)],
    ['2026-11-22T01:02:03.456999999Z', Date.UTC(2026, 10, 22, 1, 2, 3, 456)],
    ['2026-11-22T01:02:03.456-00:00', Date.UTC(2026, 10, 22, 1, 2, 3, 456)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
    ['1999-12-31T23:59:59.999Z', Date.UTC(2000, 0, 1) - 1],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['2017-01-01T00:59:60+01:00', Date.UTC(2017, 0, 1)],
  ])('takes %s', (text, atMs) => {
    expect(parseInstant(text)).toBe(atMs);
  });

  it.each([
    '',
    'now',
    '2026-11-22',
    '2026-11-22T01:02:03',
    '2026-11-22 01:02:03Z',
    '2026-11-22T01:02Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T01:60:00Z',
    '2026-11-22T12:00:60Z',
    '2026-11-22T01:02:61Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-11-22T01:02:03.Z',
    '2026-11-22T01:02:03.1234567890Z',
    '2026-11-22T01:02:03,5Z',
    '2026-11-22T01:02:03+0100',
    '2026-11-22T01:02:03+24:00',
    '2026-11-22T01:02:03+01:60',
    '2026-11-22T01:02:03ZZ',
    '2026-11-22T01:02:03Z ',
    ' 2026-11-22T01:02:03Z',
    '+02026-11-22T01:02:03Z',
    '-2026-11-22T01:02:03Z',
    '2026-11-22T01:02:03.456Europe',
    '٢٠٢٦-11-22T01:02:03Z',
    '1795309323456',
  ])('refuses %j', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  it('answers a number or nothing, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9TZ:.+-]{15,36}$/)), (text) => {
        const atMs = parseInstant(text);
        expect(atMs === undefined || Number.isInteger(atMs)).toBe(true);
      }),
    );
  });
});
