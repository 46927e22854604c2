import type { AlarmChange, ConditionTransition } from '../domain/alarm.ts';
import type { AlarmId, BedId, DeviceId, PatientId, ReadingId, WardId } from '../domain/ids.ts';

export const T = Date.UTC(2026, 10, 22, 1, 2, 3, 456);
export const P = 'P-a' as PatientId;
export const Q = 'P-b' as PatientId;
export const W = 'W3' as WardId;
export const B = 'W3-01' as BedId;
export const HR = 'heartRate.above.high';

export const MINUTE = 60_000;

export const kinds = (changes: readonly AlarmChange[]) => changes.map(({ kind }) => kind);
export const at = (offset: number, step = 0) => ({ partition: 2, offset, step });

export function began(n: number, over: Partial<ConditionTransition> = {}): ConditionTransition {
  return {
    kind: 'began',
    patientId: P,
    rule: HR,
    ruleVersion: 3,
    alarmKind: 'physiological',
    priority: 'high',
    cause: { vital: 'heartRate', value: 167, comparison: 'above', limit: 160, text: 'HR 167 > 160' },
    readingId: `r-${n}` as ReadingId,
    deviceId: 'D-a' as DeviceId,
    atMs: T + n * 1_000,
    alarmId: `A-${n}` as AlarmId,
    position: at(n),
    ...over,
  };
}

export const ended = (n: number, over: Partial<ConditionTransition> = {}) => began(n, { kind: 'ended', ...over });

export const worsened = (n: number, value: number) =>
  began(n, { kind: 'worsened', cause: { ...began(n).cause, value, text: `HR ${value} > 160` } });
