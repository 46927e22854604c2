import { describe, expect, it } from 'vitest';
import { ALARM_POLICY } from '../domain/alarm-policy.ts';
import { alarmPolicyOf } from './alarm-policy.ts';
import { readSettings } from './settings.ts';

function policyOf(environment: Record<string, string>) {
  const outcome = readSettings(environment, () => '');
  if (outcome.kind === 'invalid') return outcome.errors.map(({ variable }) => variable);
  return alarmPolicyOf(outcome.settings);
}

describe('the times of alarms, as settings', () => {
  it('are by default what the domain says they are', () => expect(policyOf({})).toEqual(ALARM_POLICY));

  it('can be shortened for a rehearsal, and switched off', () =>
    expect(
      policyOf({
        HEALTHSYNC_ALARM_ACK_MINUTES: '0.1, 1440, 0',
        HEALTHSYNC_ALARM_NEWS2_ACK_MINUTES: '0.2,60,0',
        HEALTHSYNC_ALARM_REMIND_MINUTES: '0,0.05,59.9',
        HEALTHSYNC_ALARM_REMINDERS_MAX: '0',
        HEALTHSYNC_ALARM_SNOOZE_MINUTES: '0.5,2,60',
        HEALTHSYNC_ALARM_SNOOZE_HIGH_MAX_MINUTES: '2',
        HEALTHSYNC_ALARM_AUTO_CLEAR: 'none',
      }),
    ).toEqual({
      acknowledgementMs: { high: 6_000, medium: 86_400_000, low: 0 },
      news2AcknowledgementMs: { high: 12_000, medium: 3_600_000, low: 0 },
      remindEveryMs: { high: 0, medium: 3_000, low: 3_594_000 },
      remindersMax: 0,
      snoozeMs: { high: [30_000, 120_000], medium: [30_000, 120_000, 3_600_000], low: [30_000, 120_000, 3_600_000] },
      autoClear: [],
    }));

  it.each([
    [
      'HEALTHSYNC_ALARM_ACK_MINUTES',
      ['10,30', '10,30,120,1', '10,30,1441', '10,-1,5', '10,30,1440.5', 'a,b,c', '1e3,1,1'],
    ],
    ['HEALTHSYNC_ALARM_REMIND_MINUTES', ['2', '2,5,9999']],
    ['HEALTHSYNC_ALARM_SNOOZE_MINUTES', ['61', '60.1', '1,2,3,4,5,6,7', 'Infinity', '5;15']],
    ['HEALTHSYNC_ALARM_SNOOZE_HIGH_MAX_MINUTES', ['61', '-1']],
    ['HEALTHSYNC_ALARM_AUTO_CLEAR', ['high=5', 'technical/low', 'technical/low=60,physiological=1']],
  ])('%s has bounds', (variable, wrong) => {
    for (const value of wrong) expect([value, policyOf({ [variable]: value })]).toEqual([value, [variable]]);
  });
});
