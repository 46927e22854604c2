import type { Alarm, ConditionTransition, Priority } from './alarm.ts';
import type { Actor } from './alarm-act.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId, UserId } from './ids.ts';

/** For tests: a patient's heart rate alarm as it is raised, and what may follow. */
export const T = 1_800_000_000_000;
export const MINUTE = 60_000;

export const ANNA: Actor = { by: 'Anna (anna)', byId: 'u-anna' as UserId };
export const BEN: Actor = { by: 'Ben (ben)', byId: 'u-ben' as UserId };

export function transition(
  kind: ConditionTransition['kind'],
  over: Partial<ConditionTransition> & { readonly value?: number } = {},
): ConditionTransition {
  const { value = 170, ...rest } = over;
  return {
    kind,
    patientId: 'P1' as PatientId,
    rule: 'heartRate.above.high',
    ruleVersion: 1,
    alarmKind: 'physiological',
    priority: 'medium',
    cause: { vital: 'heartRate', value, comparison: 'above', limit: 160, text: `HR ${value} > 160` },
    readingId: 'r2' as ReadingId,
    deviceId: 'D1' as DeviceId,
    atMs: T,
    alarmId: 'a2' as AlarmId,
    position: { partition: 0, offset: 2, step: 0 },
    ...rest,
  };
}

/** The one that the reading at this offset of the log brought, a second after the one before. */
export function transitionAt(
  kind: ConditionTransition['kind'],
  offset: number,
  over: Parameters<typeof transition>[1] = {},
): ConditionTransition {
  return transition(kind, {
    priority: 'high',
    readingId: `r${offset}` as ReadingId,
    atMs: offset * 1_000,
    alarmId: `a${offset}` as AlarmId,
    position: { partition: 0, offset, step: 0 },
    ...over,
  });
}

export function makeAlarm(over: Partial<Alarm> & { readonly priority?: Priority } = {}): Alarm {
  const cause = { vital: 'heartRate', value: 170, comparison: 'above', limit: 160, text: 'HR 170 > 160' } as const;
  return {
    id: 'a1' as AlarmId,
    patientId: 'P1' as PatientId,
    rule: 'heartRate.above.high',
    ruleVersion: 1,
    kind: 'physiological',
    priority: 'medium',
    highestPriority: over.priority ?? 'medium',
    state: 'active',
    condition: 'present',
    cause,
    worst: cause,
    deviceId: 'D1' as DeviceId,
    readingId: 'r1' as ReadingId,
    lastReadingId: 'r1' as ReadingId,
    raisedAtMs: T - MINUTE,
    reminders: 0,
    notes: 0,
    revision: 1,
    ...over,
  };
}
