import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isZone,
  localTime,
  minuteOf,
  momentOf,
  parseLocalDate,
  weekdayOf,
  windowAt,
  windowsBetween,
} from './zoned-time.ts';

const iso = (ms: number) => new Date(ms).toISOString();
const day = (date: string) => parseLocalDate(date) as number;
const at = (zone: string, date: string, time: string) =>
  iso(momentOf(zone, { day: day(date), minute: minuteOf(time) }));

describe('local time', () => {
  it('is what clocks there show, summer and winter', () => {
    expect(at('Europe/Berlin', '2026-01-15', '08:00')).toBe('2026-01-15T07:00:00.000Z');
    expect(at('Europe/Berlin', '2026-07-15', '08:00')).toBe('2026-07-15T06:00:00.000Z');
    expect(at('Asia/Kathmandu', '2026-01-15', '08:00')).toBe('2026-01-15T02:15:00.000Z');
    expect(at('UTC', '2026-01-15', '00:00')).toBe('2026-01-15T00:00:00.000Z');
  });

  it('that is skipped in spring counts from the end of the skip on', () => {
    expect(at('Europe/Berlin', '2026-03-29', '02:30')).toBe('2026-03-29T01:30:00.000Z'); // 03:30 there
    expect(at('America/New_York', '2026-03-08', '02:00')).toBe('2026-03-08T07:00:00.000Z'); // 03:00 there
  });

  it('that comes twice in autumn is the first of the two', () => {
    expect(at('Europe/Berlin', '2026-10-25', '02:30')).toBe('2026-10-25T00:30:00.000Z');
    expect(at('America/New_York', '2026-11-01', '01:30')).toBe('2026-11-01T05:30:00.000Z');
  });

  it('changes by half an hour on Lord Howe Island', () => {
    expect(at('Australia/Lord_Howe', '2026-04-05', '01:45')).toBe('2026-04-04T14:45:00.000Z');
    expect(at('Australia/Lord_Howe', '2026-10-04', '02:15')).toBe('2026-10-03T15:45:00.000Z'); // 02:45 there
  });

  it('of any moment leads back to it, but for the hour that comes twice', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia', 'Asia/Kolkata'),
        fc.integer({ min: Date.UTC(2020, 0, 1) / 60_000, max: Date.UTC(2035, 0, 1) / 60_000 }),
        (zone, minute) => {
          const atMs = minute * 60_000;
          const back = momentOf(zone, localTime(zone, atMs));
          expect([0, 1_800_000, 3_600_000]).toContain(atMs - back);
          expect(localTime(zone, back)).toEqual(localTime(zone, atMs));
        },
      ),
    );
  });

  it('knows zones from other text', () => {
    expect(isZone('Europe/Berlin')).toBe(true);
    expect(isZone('Europe/Atlantis')).toBe(false);
    expect(isZone('')).toBe(false);
  });

  it('takes real dates only, and knows their weekday', () => {
    expect(parseLocalDate('2026-02-29')).toBeUndefined();
    expect(parseLocalDate('2028-02-29')).toBeDefined();
    expect(parseLocalDate('2026-13-01')).toBeUndefined();
    expect(parseLocalDate('2026-1-1')).toBeUndefined();
    expect(weekdayOf(day('2026-11-22'))).toBe(7);
    expect(weekdayOf(day('2026-11-23'))).toBe(1);
  });
});

describe('weekly windows', () => {
  const NIGHTS = { weekdays: [5, 6], from: '22:00', to: '06:00' };

  it('reach into the next day, and are an hour longer or shorter where the clocks change', () => {
    const [night] = windowsBetween('Europe/Berlin', [{ weekdays: [6], from: '22:00', to: '06:00' }], {
      fromMs: Date.UTC(2026, 9, 24),
      toMs: Date.UTC(2026, 9, 26),
    });
    expect(iso(night?.fromMs ?? 0)).toBe('2026-10-24T20:00:00.000Z');
    expect(iso(night?.toMs ?? 0)).toBe('2026-10-25T05:00:00.000Z');
  });

  it('that began before the period count from its begin', () => {
    const fromMs = Date.parse('2026-11-21T02:00:00Z'); // Saturday, 03:00 there: in Friday's window
    const found = windowsBetween('Europe/Berlin', [NIGHTS], { fromMs, toMs: fromMs + 3_600_000 });
    expect(found).toEqual([{ fromMs, toMs: fromMs + 3_600_000 }]);
  });

  it('that touch become one', () => {
    const daily = { weekdays: [1, 2, 3, 4, 5, 6, 7], from: '08:00', to: '08:00' };
    const period = { fromMs: Date.UTC(2026, 9, 20), toMs: Date.UTC(2026, 9, 30) };
    expect(windowsBetween('Europe/Berlin', [daily], period)).toEqual([period]);
  });

  it('hold their begin and not their end', () => {
    const begin = Date.parse('2026-11-20T21:00:00Z');
    expect(windowAt('Europe/Berlin', NIGHTS, begin - 1)).toBeUndefined();
    expect(windowAt('Europe/Berlin', NIGHTS, begin)).toEqual({ fromMs: begin, toMs: begin + 8 * 3_600_000 });
    expect(windowAt('Europe/Berlin', NIGHTS, begin + 8 * 3_600_000)).toBeUndefined();
  });
});
