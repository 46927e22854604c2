import { describe, expect, it } from 'vitest';
import { localDate, localTime, momentOf, weekOf } from './zoned-time.ts';

const at = Date.parse;

describe('a rota’s week', () => {
  it('begins on Monday in the rota’s own zone, also when the browser’s day is another', () => {
    // Sunday evening in London is Monday morning in Auckland.
    const week = weekOf(at('2026-11-22T20:00Z'), 'Pacific/Auckland');
    expect(week[0]?.date).toBe('2026-11-23');
    expect(week[0]?.fromMs).toBe(at('2026-11-22T11:00Z'));
    expect(weekOf(at('2026-11-22T20:00Z'), 'Europe/London')[0]?.date).toBe('2026-11-16');
  });

  it('has a day of 25 hours when clocks go back and one of 23 when they go forward', () => {
    const hours = (ms: number) => weekOf(ms, 'Europe/Berlin').map(({ fromMs, toMs }) => (toMs - fromMs) / 3_600_000);
    expect(hours(at('2026-10-25T12:00Z'))).toEqual([24, 24, 24, 24, 24, 24, 25]);
    expect(hours(at('2026-03-29T12:00Z'))).toEqual([24, 24, 24, 24, 24, 24, 23]);
  });
});

describe('a local time', () => {
  it('is found again from its moment', () => {
    const ms = momentOf('2026-07-01', '07:30', 'Europe/Berlin');
    expect(ms).toBe(at('2026-07-01T05:30Z'));
    expect([localDate(ms, 'Europe/Berlin'), localTime(ms, 'Europe/Berlin')]).toEqual(['2026-07-01', '07:30']);
  });

  it('that the clocks skip is the moment just after the jump', () => {
    expect(momentOf('2026-03-29', '02:30', 'Europe/Berlin')).toBe(at('2026-03-29T01:30Z'));
  });

  it('works in zones of half hours', () => {
    expect(momentOf('2026-11-23', '00:00', 'Asia/Kolkata')).toBe(at('2026-11-22T18:30Z'));
  });
});
