import { describe, expect, it } from 'vitest';
import { parseNote } from './alarm-note.ts';
import { ALARM_POLICY, autoClearMs, parseAutoClear } from './alarm-policy.ts';
import { makeAlarm } from './test-alarm.ts';

describe('auto-clear', () => {
  it.each([
    ['technical/low=60', { of: { kind: 'technical', priority: 'low' }, afterMs: 60_000 }],
    ['physiological/high=5', { of: { kind: 'physiological', priority: 'high' }, afterMs: 5_000 }],
    ['technical.battery=0', { of: { rule: 'technical.battery' }, afterMs: 0 }],
    ['news2.at-least.medium=300', { of: { rule: 'news2.at-least.medium' }, afterMs: 300_000 }],
  ])('%s is a rule', (text, rule) => expect(parseAutoClear(text)).toEqual(rule));
  it.each([
    'none',
    '',
    'high=60',
    'physiological=60',
    'physiological/urgent=60',
    'technical/low',
    'technical/low=-1',
    'technical/low=1000000',
    'technical/low=60s',
    ' technical/low=60',
  ])('“%s” is none', (text) => expect(parseAutoClear(text)).toBeUndefined());

  it('by default closes low technical alarms, and nothing that spoke of a patient', () => {
    for (const kind of ['physiological', 'technical'] as const)
      for (const priority of ['high', 'medium', 'low'] as const)
        expect(autoClearMs(makeAlarm({ kind, priority }), ALARM_POLICY.autoClear)).toBe(
          kind === 'technical' && priority === 'low' ? 60_000 : undefined,
        );
  });
  it('judges by the most urgent it ever was', () =>
    expect(
      autoClearMs(makeAlarm({ kind: 'technical', priority: 'low', highestPriority: 'high' }), ALARM_POLICY.autoClear),
    ).toBeUndefined());
  it('the first that fits counts', () => {
    const rules = ['technical.battery=5', 'technical/low=60'].flatMap((text) => parseAutoClear(text) ?? []);
    const low = { kind: 'technical', priority: 'low' } as const;
    expect(autoClearMs(makeAlarm({ ...low, rule: 'technical.battery' }), rules)).toBe(5_000);
    expect(autoClearMs(makeAlarm({ ...low, rule: 'technical.leadsOff' }), rules)).toBe(60_000);
  });
});

describe('a note', () => {
  it.each([
    ['  seen, electrode off  ', 'seen, electrode off'],
    ['two\r\nlines\tand a tab', 'two\nlines\tand a tab'],
    ['x'.repeat(2_000), 'x'.repeat(2_000)],
    ['très bien 👍', 'très bien 👍'],
  ])('is kept as written: %j', (text, note) => expect(parseNote(text)).toBe(note));
  it.each(['', '   ', '\n', 'bell \u0007', 'null \u0000', '\u009b31m', 'half \ud83d', 'x'.repeat(2_001)])(
    'is not one: %j',
    (text) => expect(parseNote(text)).toBeUndefined(),
  );
});
