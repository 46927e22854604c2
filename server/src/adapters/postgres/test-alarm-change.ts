import type { AlarmChange } from '../../domain/alarm.ts';
import type { AlarmId, BedId, DeviceId, PatientId, ReadingId, WardId } from '../../domain/ids.ts';

/** An alarm that was raised, for tests of what follows from that. */
export function alarmChangeOf(id: AlarmId, atMs: number, kind: AlarmChange['kind'] = 'raised'): AlarmChange {
  const cause = { vital: 'heartRate', value: 171, comparison: 'above', limit: 160, text: 'HR 171 > 160' } as const;
  return {
    kind,
    atMs,
    alarm: {
      id,
      patientId: `P-${id}` as PatientId,
      wardId: 'W3' as WardId,
      bedId: 'W3-06' as BedId,
      rule: 'heartRate.above.high',
      ruleVersion: 1,
      kind: 'physiological',
      priority: 'high',
      highestPriority: 'high',
      state: 'active',
      condition: 'present',
      cause,
      worst: cause,
      deviceId: 'D1' as DeviceId,
      readingId: 'r1' as ReadingId,
      lastReadingId: 'r1' as ReadingId,
      raisedAtMs: atMs,
      reminders: 0,
      notes: 0,
      revision: 1,
    },
  };
}
