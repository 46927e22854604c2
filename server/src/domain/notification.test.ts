import { describe, expect, it } from 'vitest';
import { nextAttempt, RETRY_BY_DEFAULT } from './notification.ts';

const ORDERED_AT = Date.UTC(2026, 10, 22, 3, 4, 5);

describe('the next attempt', () => {
  const base = {
    number: 1,
    nowMs: ORDERED_AT,
    orderedAtMs: ORDERED_AT,
    outcome: { kind: 'transient' },
  } as const;
  const waits = (number: number, random: number) => {
    const next = nextAttempt({ ...base, number }, RETRY_BY_DEFAULT, random);
    return next.kind === 'retry' ? next.atMs - base.nowMs : next.reason;
  };
  it.each([
    [1, 500, 1_000],
    [2, 1_000, 2_000],
    [5, 8_000, 16_000],
    [20, 150_000, 300_000],
  ])('number %d fails: waits between %d and %d ms', (number, least, most) => {
    expect(waits(number, 0)).toBe(least);
    expect(waits(number, 0.999999)).toBe(most);
  });
  it('waits as long as the other side asks for', () =>
    expect(nextAttempt({ ...base, outcome: { kind: 'transient', retryAfterMs: 90_000 } }, RETRY_BY_DEFAULT, 0)).toEqual(
      {
        kind: 'retry',
        atMs: base.nowMs + 90_000,
      },
    ));
  it('does not come after a refusal', () =>
    expect(nextAttempt({ ...base, outcome: { kind: 'permanent' } }, RETRY_BY_DEFAULT, 0)).toEqual({
      kind: 'failed',
      reason: 'refused',
    }));
  it('does not come for ever', () => {
    expect(waits(60, 0)).toBe('attempts-exhausted');
    expect(nextAttempt({ ...base, nowMs: base.orderedAtMs + 4 * 3_600_000 }, RETRY_BY_DEFAULT, 0)).toEqual({
      kind: 'failed',
      reason: 'too-late',
    });
  });
});
