import { describe, expect, it } from 'vitest';
import { testAlert } from '../live/test-alert.ts';
import { againText } from './again-text.ts';

describe('an alarm that calls again', () => {
  it('says how often it was reminded of, while there is something to come for', () => {
    expect(againText(testAlert({ reminders: 2 }))).toBe('reminded 2×');
    expect(againText(testAlert({ reminders: 2, condition: 'ended' }))).toBe('');
    expect(againText(testAlert())).toBe('');
  });

  it('says that it is one of many', () => {
    const repeated = { rule: 'r', version: 1, scope: 'ward', times: 3, windowMs: 3_600_000 };
    const reasons = { rule: 'r', version: 1, scope: 'ward', readings: [], repeated } as const;
    const cause = { text: 'HR 167 > 160', reasons: { ...reasons, readings: [] } };
    expect(againText(testAlert({ cause }))).toBe('3 times in 60 min');
  });
});
