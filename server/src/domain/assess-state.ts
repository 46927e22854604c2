import type { AlarmKind, Cause, ConditionTransition, Priority } from './alarm.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId } from './ids.ts';
import type { CurrentValue, PatientStatus } from './patient-status.ts';
import type { VitalName } from './vital.ts';

/** All that is remembered of a patient between two readings. Plain data: a checkpoint is its JSON. Never changed in place. */
export interface AssessState {
  readonly status: JudgedStatus;
  readonly devices: readonly WornDevice[];
  /** The conditions present now, by rule. */
  readonly conditions: Conditions;
  /** Up to where the log has been judged for this patient. */
  readonly position: Position;
  /** The newest event time heard: "now" for judging how old a parameter is, the same in every replay. */
  readonly eventMs: number;
  /** Readings measured at `eventMs`, each as `device/reading`, so that a second copy of one is known. */
  readonly momentIds: readonly string[];
  /** Until when the shown NEWS2 holds if nothing new comes. */
  readonly news2UntilMs: number;
  /** Before this moment silence changes nothing: what makes a tick over 10,000 patients cheap. */
  readonly dueMs: number;
}

/** What is shown, and for each current value which reading it came from. */
export interface JudgedStatus extends PatientStatus {
  readonly values: { readonly [Name in VitalName]?: JudgedValue };
}

export interface JudgedValue extends CurrentValue {
  readonly source: ReadingSource;
}

export type Conditions = { readonly [rule: string]: Condition };
export type Position = ConditionTransition['position'];

export interface ReadingSource {
  readonly readingId: ReadingId;
  readonly deviceId: DeviceId;
  readonly atMs: number;
}

/** A condition that is present. */
export interface Condition {
  readonly alarmId: AlarmId;
  readonly ruleVersion: number;
  readonly kind: AlarmKind;
  readonly priority: Priority;
  /** The worst seen, by which reading, and the worst that was told. */
  readonly worst: Cause;
  readonly worstSource: ReadingSource;
  readonly told: Cause;
  readonly toldAtMs: number;
}

export interface WornDevice {
  readonly deviceId: DeviceId;
  /** Its newest reading by event time. */
  readonly readingId: ReadingId;
  readonly atMs: number;
  /** When it was last heard at all, by our clock. */
  readonly receivedAtMs: number;
  readonly intervalMs: number;
  readonly leadsOff: boolean;
  readonly battery?: number;
  readonly batteryLow: boolean;
  readonly lost: boolean;
}

export const NEVER_MS = Number.MAX_SAFE_INTEGER;

export function unheardPatient(patientId: PatientId, partition: number): AssessState {
  return {
    status: { patientId, values: {}, leadsOff: false },
    devices: [],
    conditions: {},
    position: { partition, offset: -1, step: 0 },
    eventMs: 0,
    momentIds: [],
    news2UntilMs: NEVER_MS,
    dueMs: NEVER_MS,
  };
}
