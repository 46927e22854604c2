import { describe, expect, it } from 'vitest';
import type { Alarm, AlarmChange } from './alarm.ts';
import type { AlarmId, BedId, DeviceId, PatientId, ReadingId, WardId } from './ids.ts';
import { type NotificationRoute, nextAttempt, notificationOf, RETRY_BY_DEFAULT, recipientsOf } from './notification.ts';

const ALARM: Alarm = {
  id: 'a1' as AlarmId,
  patientId: 'PATIENT-77' as PatientId,
  wardId: 'W3' as WardId,
  bedId: 'bed-id' as BedId,
  rule: 'heartRate.above.high',
  ruleVersion: 1,
  kind: 'physiological',
  priority: 'high',
  state: 'active',
  condition: 'present',
  cause: { vital: 'heartRate', value: 187, comparison: 'above', limit: 160, text: 'HR 187 > 160' },
  worst: { vital: 'heartRate', value: 187, comparison: 'above', limit: 160, text: 'HR 187 > 160' },
  deviceId: 'DEVICE-88' as DeviceId,
  readingId: 'READING-99' as ReadingId,
  lastReadingId: 'READING-99' as ReadingId,
  raisedAtMs: Date.UTC(2026, 10, 22, 3, 4, 5),
  highestPriority: 'high',
  reminders: 0,
  notes: 0,
  revision: 1,
};
const change = (alarm: Partial<Alarm> = {}, kind: AlarmChange['kind'] = 'raised'): AlarmChange => ({
  kind,
  alarm: { ...ALARM, ...alarm },
  atMs: ALARM.raisedAtMs,
});
const ROUTES: readonly NotificationRoute[] = [{ channel: 'smtp', recipient: 'nurse@ward.example' }];
const count = (c: AlarmChange, routes = ROUTES) => recipientsOf(c, routes).length;

describe('by default a person is told', () => {
  it.each(['high', 'medium'] as const)('of a new %s alarm', (priority) => expect(count(change({ priority }))).toBe(1));
  it('of a patient nobody watches any more', () =>
    expect(count(change({ kind: 'technical', rule: 'technical.lost', priority: 'medium' }))).toBe(1));
  it.each(['technical.battery', 'technical.leadsOff'])('not of %s', (rule) =>
    expect(count(change({ kind: 'technical', rule, priority: 'low' }))).toBe(0),
  );
  it('not of a low one', () => expect(count(change({ priority: 'low' }))).toBe(0));
  it.each(['worsened', 'ended', 'acknowledged', 'resolved', 'unchanged'] as const)('not when it is %s', (kind) =>
    expect(count(change({}, kind))).toBe(0),
  );
});

describe('a condition that returns to an alarm nobody took', () => {
  const returned = (awayMs: number): AlarmChange => ({ ...change({}, 'returned'), awayMs });
  it('is told again after ten minutes away', () => expect(count(returned(600_000))).toBe(1));
  it('is not told each time a value wavers about its limit', () => {
    expect(count(returned(599_999))).toBe(0);
    expect(count(change({}, 'returned'))).toBe(0);
  });
});

describe('routes', () => {
  it('tell only their wards, and everyone where the ward is unknown', () => {
    const routes = [{ channel: 'smtp', recipient: 'a', wardIds: ['W4'] }];
    expect(count(change(), routes)).toBe(0);
    expect(count(change({ wardId: 'W4' as WardId }), routes)).toBe(1);
    const { wardId: _, ...homeless } = ALARM;
    expect(count({ kind: 'raised', alarm: homeless, atMs: ALARM.raisedAtMs }, routes)).toBe(1);
  });
  it('name each recipient once per channel', () =>
    expect(count(change(), [...ROUTES, ...ROUTES, { channel: 'webhook', recipient: 'nurse@ward.example' }])).toBe(2));
  it('may ask for other changes', () => {
    const tells = { changes: ['raised', 'ended'], physiological: ['high'], technical: [], returnedAfterMs: 0 } as const;
    expect(count(change({}, 'ended'), [{ channel: 'smtp', recipient: 'a', tells }])).toBe(1);
  });
});

describe('the words', () => {
  it('say how urgent and which bed', () => {
    const { subject, text } = notificationOf(change(), { bed: 'W3-01', wallUrl: 'https://ward.example:8443/' });
    expect(subject).toBe('High alarm, bed W3-01');
    expect(text).toBe('High alarm, bed W3-01\nRaised 2026-11-22T03:04:05.000Z.\nSee https://ward.example:8443/\n');
  });
  it('say so where no bed is assigned', () =>
    expect(notificationOf(change(), {}).subject).toBe('High alarm, no bed assigned'));
  it.each(['raised', 'worsened', 'ended', 'returned', 'acknowledged', 'resolved'] as const)(
    'hold no patient, device or reading, no value and no rule (%s)',
    (kind) => {
      const told = JSON.stringify(notificationOf(change({ acknowledgedBy: 'Nurse Joy' }, kind), { bed: 'W3-01' }));
      for (const secret of ['PATIENT-77', 'DEVICE-88', 'READING-99', '187', '160', 'HR', 'heartRate', 'Joy'])
        expect(told).not.toContain(secret);
    },
  );
});

describe('the next attempt', () => {
  const base = {
    number: 1,
    nowMs: ALARM.raisedAtMs,
    raisedAtMs: ALARM.raisedAtMs,
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
    expect(nextAttempt({ ...base, nowMs: base.raisedAtMs + 4 * 3_600_000 }, RETRY_BY_DEFAULT, 0)).toEqual({
      kind: 'failed',
      reason: 'too-late',
    });
  });
});
