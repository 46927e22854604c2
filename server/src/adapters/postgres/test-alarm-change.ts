import type { AlarmChange } from '../../domain/alarm.ts';
import type { AlarmId, BedId, PatientId, WardId } from '../../domain/ids.ts';
import { makeAlarm } from '../../domain/test-alarm.ts';

/** A high alarm of ward W3 that was raised, for tests of what follows from that. */
export function alarmChangeOf(id: AlarmId, atMs: number): AlarmChange {
  const place = { wardId: 'W3' as WardId, bedId: 'W3-06' as BedId };
  const alarm = makeAlarm({ id, patientId: `P-${id}` as PatientId, ...place, priority: 'high', raisedAtMs: atMs });
  return { kind: 'raised', atMs, alarm };
}
