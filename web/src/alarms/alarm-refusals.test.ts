import { describe, expect, it } from 'vitest';
import { testAlert } from '../live/test-alert.ts';
import { escalateRefusal, snoozeRefusal } from './alarm-refusals.ts';

const choices = { high: [5], medium: [5, 15, 30], low: [] };
const taken = { acknowledgedAt: '2026-11-22T02:00:00Z', owner: 'Kim' };

describe('an alarm', () => {
  it('is snoozed while it calls', () => {
    expect(snoozeRefusal(testAlert(), choices)).toBeUndefined();
    // Before the choices are known nothing is held back: the dialog asks for them.
    expect(snoozeRefusal(testAlert(), undefined)).toBeUndefined();
  });

  it.each([
    ['over', { state: 'resolved' }, 'It is over'],
    ['ended', { condition: 'ended' }, 'It has ended'],
    ['taken', taken, 'Kim has it'],
    ['snoozed', { snooze: { until: '2026-11-22T02:00:00Z', by: 'Kim', at: '2026-11-22T01:55:00Z' } }, 'already'],
    ['high and technical', { kind: 'technical' }, 'never snoozed'],
    ['of a priority that cannot be snoozed here', { priority: 'low' }, 'cannot be snoozed here'],
  ] as const)('is not snoozed when it is %s, and the reason is said', (_, change, words) => {
    expect(snoozeRefusal(testAlert(change), choices)).toContain(words);
  });

  it('is escalated also when it has ended or is snoozed, but not once somebody has it', () => {
    expect(escalateRefusal(testAlert({ condition: 'ended' }))).toBeUndefined();
    expect(escalateRefusal(testAlert(taken))).toContain('Kim has it');
    expect(escalateRefusal(testAlert({ state: 'resolved' }))).toContain('over');
  });
});
