import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AlarmChange } from './alarm.ts';
import { alarmEvent, cutEvent, type EventRoute, routeOf } from './alarm-event.ts';
import type { AlarmId, BedId, DeviceId, PatientId, ReadingId, WardId } from './ids.ts';
import { makeAlarm } from './test-alarm.ts';

const cause = { vital: 'heartRate', value: 171, comparison: 'above', limit: 160, text: 'HR 171 > 160' } as const;
const alarm = makeAlarm({
  id: 'a1' as AlarmId,
  patientId: 'secret-patient' as PatientId,
  wardId: 'W3' as WardId,
  bedId: 'W3-06' as BedId,
  ruleVersion: 3,
  highestPriority: 'high',
  cause,
  worst: cause,
  deviceId: 'secret-device' as DeviceId,
  readingId: 'secret-first' as ReadingId,
  lastReadingId: 'secret-last' as ReadingId,
  owner: 'secret-nurse',
});
const change: AlarmChange = {
  kind: 'priority-changed',
  alarm,
  atMs: 1_800_000_000_000,
  by: 'secret-nurse',
  previousPriority: 'high',
};
const facts = alarmEvent(change) as NonNullable<ReturnType<typeof alarmEvent>>;

describe('an event of an alarm', () => {
  it('is none where nothing changed', () => {
    expect(alarmEvent({ ...change, kind: 'unchanged' })).toBeUndefined();
  });

  it('says in the detail of a place nothing of the patient, the people or the measurement', () => {
    const text = JSON.stringify(cutEvent(facts, 'place'));
    for (const secret of ['secret', '171', '160', 'heartRate', 'HR']) expect(text).not.toContain(secret);
    expect(cutEvent(facts, 'place')).toMatchObject({ wardId: 'W3', bedId: 'W3-06', priority: 'medium' });
  });

  it('says in the detail of a patient whose it is, and still not what was measured', () => {
    const text = JSON.stringify(cutEvent(facts, 'patient'));
    expect(text).toContain('secret-patient');
    for (const secret of ['171', '160', 'HR']) expect(text).not.toContain(secret);
    expect(cutEvent(facts, 'values')).toEqual(facts);
  });

  it('a field that somebody adds later is let out by no detail until it is named', () => {
    const more = { ...facts, mrn: 'secret-mrn' } as typeof facts;
    for (const detail of ['place', 'patient', 'values'] as const)
      expect(JSON.stringify(cutEvent(more, detail))).not.toContain('secret-mrn');
  });
});

describe('a route', () => {
  const by = (...routes: EventRoute[]) => routeOf(facts, routes);

  it('without parts takes everything, and no route nothing', () => {
    expect(by({})).toBe(0);
    expect(by()).toBeUndefined();
  });

  it.each([
    [{ changes: ['priority-changed'] }, true],
    [{ changes: ['raised'] }, false],
    [{ priorities: ['medium'] }, true],
    [{ priorities: ['low'] }, false],
    [{ kinds: ['technical'] }, false],
    [{ wardIds: ['W1', 'W3'] }, true],
    [{ wardIds: ['W1'] }, false],
    [{ rules: ['heartRate.*'] }, true],
    [{ rules: ['heartRate.above.high'] }, true],
    [{ rules: ['heartRate.above'] }, false],
    [{ rules: ['spo2.*'] }, false],
    [{ wardIds: ['W3'], priorities: ['low'] }, false],
  ] as const)('%o takes it: %s', (route, isTaken) => {
    expect(by(route as EventRoute) !== undefined).toBe(isTaken);
  });

  it('of high alarms takes the news that one is high no longer', () => {
    expect(by({ priorities: ['high'] })).toBe(0);
  });

  it('of a ward never takes an alarm of no ward', () => {
    const { wardId: _, ...nowhere } = facts;
    expect(routeOf(nowhere as typeof facts, [{ wardIds: ['W3'] }])).toBeUndefined();
  });

  it('is the first of those that take it', () => {
    expect(by({ changes: ['raised'] }, { kinds: ['physiological'] }, {})).toBe(1);
  });

  it('with another part takes no more than without it', () => {
    const parts = fc.record(
      {
        changes: fc.constantFrom<EventRoute['changes']>(['raised'], ['priority-changed']),
        priorities: fc.constantFrom<EventRoute['priorities']>(['high'], ['low'], ['medium']),
        kinds: fc.constantFrom<EventRoute['kinds']>(['physiological'], ['technical']),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(parts, parts, (some, more) => {
        if (by({ ...some, ...more, ...some } as EventRoute) !== undefined) expect(by(some as EventRoute)).toBe(0);
      }),
    );
  });
});
