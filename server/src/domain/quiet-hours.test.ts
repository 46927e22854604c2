import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type QuietHours, type QuietWindow, quietEffect, quietHoursProblems } from './quiet-hours.ts';

const ms = (text: string) => Date.parse(text);
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
const night = (over: Partial<QuietWindow> = {}): QuietHours => ({
  zone: 'UTC',
  windows: [
    { weekdays: EVERY_DAY, from: '22:00', to: '06:00', priorities: ['medium', 'low'], effect: 'hold', ...over },
  ],
});
const MIDNIGHT = ms('2026-11-22T00:00:00Z');
const tell = (hours: readonly QuietHours[], over: Partial<Parameters<typeof quietEffect>[0]> = {}) =>
  quietEffect({ priority: 'medium', atMs: MIDNIGHT, isLastStep: false, ...over }, hours);

describe('quiet hours', () => {
  it('hold a medium alarm until they end', () => {
    expect(tell([night()])).toEqual({ kind: 'hold', untilMs: ms('2026-11-22T06:00:00Z') });
    expect(tell([night()], { atMs: ms('2026-11-22T06:00:00Z') })).toEqual({ kind: 'tell' });
  });

  it('touch only the priorities they name', () => {
    expect(tell([night({ priorities: ['low'] })])).toEqual({ kind: 'tell' });
  });

  it('of the ward and of the person count together, the stronger first', () => {
    const soft = night({ effect: 'soften' });
    expect(tell([soft])).toEqual({ kind: 'soften' });
    expect(tell([soft, night()])).toEqual({ kind: 'hold', untilMs: ms('2026-11-22T06:00:00Z') });
    expect(tell([night(), soft])).toEqual({ kind: 'hold', untilMs: ms('2026-11-22T06:00:00Z') });
  });

  it('that follow each other hold through, but never for more than half a day', () => {
    const morning = night({ from: '06:00', to: '09:00' });
    expect(tell([night(), morning])).toEqual({ kind: 'hold', untilMs: ms('2026-11-22T09:00:00Z') });
    expect(tell([night({ from: '00:00', to: '00:00' })])).toEqual({
      kind: 'hold',
      untilMs: MIDNIGHT + 12 * 3_600_000,
    });
  });

  it('never silence the last step', () => {
    expect(tell([night()], { isLastStep: true })).toEqual({ kind: 'tell' });
  });

  it('never silence a high alarm, whatever they say and whenever it is', () => {
    const windows = fc.array(
      fc.record({
        weekdays: fc.subarray(EVERY_DAY, { minLength: 1 }),
        from: fc.constantFrom('00:00', '06:30', '12:00', '22:00'),
        to: fc.constantFrom('00:00', '06:30', '12:00', '23:59'),
        // As if something had come past the contract.
        priorities: fc.constant(['high', 'medium', 'low'] as unknown as QuietWindow['priorities']),
        effect: fc.constantFrom('hold' as const, 'soften' as const),
      }),
      { maxLength: 5 },
    );
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York');
    fc.assert(
      fc.property(windows, zones, fc.integer({ min: 0, max: 4e12 }), fc.boolean(), (all, zone, atMs, isLastStep) => {
        const hours = [{ zone, windows: all }, night()];
        expect(quietEffect({ priority: 'high', atMs, isLastStep }, hours)).toEqual({ kind: 'tell' });
        const medium = quietEffect({ priority: 'medium', atMs, isLastStep }, hours);
        if (medium.kind === 'hold') {
          expect(medium.untilMs).toBeGreaterThan(atMs);
          expect(medium.untilMs).toBeLessThanOrEqual(atMs + 12 * 3_600_000);
        }
      }),
    );
  });

  it('that name high alarms are refused', () => {
    const wrong = { zone: 'Nowhere', windows: [{ priorities: ['medium', 'high'] }] };
    expect(quietHoursProblems(wrong).map(({ code, field }) => `${code} ${field}`)).toEqual([
      'unknown-zone zone',
      'never-quiet windows.0.priorities',
    ]);
    expect(quietHoursProblems(night())).toEqual([]);
  });
});
