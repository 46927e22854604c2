import { describe, expect, it } from 'vitest';
import { momentOf, typedOf } from './typed-moment.ts';

describe('a moment that is typed', () => {
  it('is one of the house’s zone, there and back', () => {
    expect(momentOf('2026-11-22T14:05', 'Europe/Berlin')).toBe('2026-11-22T13:05:00.000Z');
    expect(momentOf('2026-07-22T14:05', 'Europe/Berlin')).toBe('2026-07-22T12:05:00.000Z');
    expect(typedOf('2026-11-22T13:05:09Z', 'Europe/Berlin')).toBe('2026-11-22T14:05');
    expect(typedOf('2026-11-22T20:05:00Z', 'Asia/Tokyo')).toBe('2026-11-23T05:05');
  });

  it('is none while it is empty, half typed or no date there is', () => {
    for (const typed of ['', '2026-11-22', '2026-11-22T1', '2026-13-22T14:05', '2026-11-22T25:00', 'x'])
      expect(momentOf(typed, 'Europe/Berlin')).toBeUndefined();
    expect(typedOf(undefined, 'Europe/Berlin')).toBe('');
  });
});
