import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { segmentsOf, smsText } from './sms-text.ts';

const HINT = 'Reply 1 to acknowledge.';

describe('the text of an SMS', () => {
  it('is all of a short text, and how to answer', () => {
    const text = 'High alarm, bed W3-01\nRaised 2026-11-22T03:04:05.000Z.\n';
    expect(smsText({ text, hint: HINT })).toBe(`${text}${HINT}`);
    expect(smsText({ text })).toBe(text.trim());
  });
  it('leaves out lines between the first and the last that have no room in one segment', () => {
    const text = `High alarm, bed W3-01\n${'x'.repeat(140)}\nRaised 03:04.`;
    expect(smsText({ text, hint: HINT })).toBe(`High alarm, bed W3-01\nRaised 03:04.\n${HINT}`);
  });
  it('says plainly what the GSM alphabet lacks', () => {
    expect(smsText({ text: 'SpO₂ “low” – bed Łódź–7…\u00a0≥ 3 °C, Åse Müller' })).toBe(
      'SpO2 "low" - bed Lodz-7... >= 3  deg C, Åse Müller',
    );
    expect(segmentsOf(smsText({ text: 'café, naïve, garçon, señor, Žižek' }))).toBe(1);
  });
  it('leaves other scripts as they are, with room for 70', () => {
    const text = '病床三号，高优先级警报。';
    expect(smsText({ text })).toBe(text);
    expect(segmentsOf('病'.repeat(70))).toBe(1);
    expect(segmentsOf('病'.repeat(71))).toBe(2);
  });
  it('counts as the standard does', () => {
    expect(segmentsOf('a'.repeat(160))).toBe(1);
    expect(segmentsOf('a'.repeat(161))).toBe(2);
    expect(segmentsOf('a'.repeat(306))).toBe(2);
    expect(segmentsOf('a'.repeat(307))).toBe(3);
    expect(segmentsOf('€'.repeat(80))).toBe(1);
    expect(segmentsOf('€'.repeat(81))).toBe(2);
    expect(segmentsOf('😀'.repeat(35))).toBe(1);
    expect(segmentsOf('😀'.repeat(36))).toBe(2);
  });
  it('never takes more than three segments, and always ends with how to answer', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 600 }),
          fc.string({ unit: fc.constantFrom('😀', 'a', '€'), minLength: 100, maxLength: 600 }),
        ),
        fc.boolean(),
        (text, isAnswerable) => {
          const said = smsText({ text, ...(isAnswerable ? { hint: HINT } : {}) });
          expect(segmentsOf(said)).toBeLessThanOrEqual(3);
          if (isAnswerable) expect(said.endsWith(HINT)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});
