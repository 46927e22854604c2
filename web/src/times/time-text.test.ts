import { describe, expect, it } from 'vitest';
import { houseText } from './time-text.ts';

const AT = Date.parse('2026-11-22T13:05:09.120Z');
const BERLIN = { house: 'Europe/Berlin', screen: 'Europe/Berlin' } as const;

describe('a time on a page', () => {
  it('is the house’s, whatever the screen is set to, and then names its zone', () => {
    const text = (screen: string) => houseText(AT, { style: 'minute', zone: 'if-needed', ...BERLIN, screen });
    expect(text('Europe/Berlin')).toBe('22 Nov 2026, 14:05');
    expect(text('America/New_York')).toBe('22 Nov 2026, 14:05 CET');
    // Another name for the same clock is no reason to tell.
    expect(text('Europe/Vienna')).toBe('22 Nov 2026, 14:05');
  });

  it('always names its zone where it is evidence', () => {
    const evidence = { zone: 'named', ...BERLIN } as const;
    expect(houseText(AT, { style: 'second', ...evidence })).toBe('22 Nov 2026, 14:05:09 CET');
    expect(houseText(AT, { style: 'long', ...evidence })).toMatch(/^Sunday,? 22 November 2026 at 14:05:09 CET$/);
    const utc = { ...evidence, house: 'UTC', screen: 'UTC' };
    expect(houseText(AT, { style: 'second', ...utc })).toBe('22 Nov 2026, 13:05:09 UTC');
  });

  it('tells the two 02:30 apart in the night in which there are two', () => {
    const text = (at: string) => houseText(Date.parse(at), { style: 'clock', zone: 'if-needed', ...BERLIN });
    expect(text('2026-10-25T00:30:00Z')).toBe('02:30 CEST');
    expect(text('2026-10-25T01:30:00Z')).toBe('02:30 CET');
    expect(text('2026-10-27T01:30:00Z')).toBe('02:30');
  });

  it('counts midnight as 00:00, and names no zone beside a day or on an axis', () => {
    const midnight = Date.parse('2026-11-22T23:00:00Z');
    const abroad = { ...BERLIN, screen: 'Asia/Tokyo' } as const;
    expect(houseText(midnight, { style: 'clock', zone: 'never', ...abroad })).toBe('00:00');
    expect(houseText(midnight, { style: 'day', zone: 'named', ...abroad })).toBe('23 Nov 2026');
  });
});
