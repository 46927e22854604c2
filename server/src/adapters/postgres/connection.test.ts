import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTime } from './connection.ts';

/** As PostgreSQL writes it. */
const written = (iso: string) => iso.replace('T', ' ').replace(/\.?0*Z$/, '+00');

describe('a time of the database', () => {
  it('is the moment it was written from, whatever its year and its fraction', () => {
    const moment = fc.date({ min: new Date('0100-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
    fc.assert(fc.property(moment, (at) => void expect(parseTime(written(at.toISOString()))).toBe(at.getTime())));
  });
  it.each([
    ['2026-11-22 01:02:03+00', '2026-11-22T01:02:03Z'],
    ['2026-11-22 01:02:03.4+00', '2026-11-22T01:02:03.400Z'],
    ['2026-11-22 01:02:03.45+00', '2026-11-22T01:02:03.450Z'],
    ['2026-11-22 01:02:03.456789+00', '2026-11-22T01:02:03.456Z'],
    ['2026-11-22 01:02:03.5+02', '2026-11-21T23:02:03.500Z'],
    ['2026-11-22 01:02:03.5+05:30', '2026-11-21T19:32:03.500Z'],
    ['2026-11-22 01:02:10+00', '2026-11-22T01:02:10Z'],
  ])('%s is %s', (text, iso) => expect(parseTime(text)).toBe(Date.parse(iso)));
});
