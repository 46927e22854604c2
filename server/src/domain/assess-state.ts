import type { AlarmKind, Cause, ConditionTransition, Priority } from './alarm.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId } from './ids.ts';
import type { CurrentValue, News2Score, PatientStatus } from './patient-status.ts';
import type { Consciousness } from './reading.ts';
import { NEWS2_ALARM, type RuleScope } from './rule.ts';
import type { ReasonReading, Reasons } from './rule-reasons.ts';
import type { VitalName } from './vital.ts';

/**
 * All that is remembered of a patient between two readings. Plain data: a checkpoint is its JSON.
 *
 * Whoever judges owns it and changes it in place: of ten thousand patients heard every second a new copy each would
 * outlive the young generation just to be thrown away, and cost more than the judging (docs/adr/0007). Whoever only
 * looks sees it as `AssessState`. What is an object of its own and seldom changes (conditions, causes, the score) is
 * replaced, never changed.
 */
export interface PatientState {
  status: JudgedStatus;
  devices: WornDevice[];
  /** The conditions present now, by rule. */
  conditions: Conditions;
  /** Up to where the log has been judged for this patient. */
  position: { partition: number; offset: number; step: number };
  /** The newest event time heard: "now" for judging how old a parameter is, the same in every replay. */
  eventMs: number;
  /** Which readings were measured at `eventMs`: so that a second copy of one is known. */
  moment: { deviceId: DeviceId | undefined; readingId: ReadingId | undefined; others: string[] | undefined };
  /** Until when the shown NEWS2 holds if nothing new comes. */
  news2UntilMs: number;
  /** Before this moment silence changes nothing: what makes a tick over 10,000 patients cheap. */
  dueMs: number;
  /** What has to be seen for longer before it rings, by rule. Undefined: nothing. */
  pending: { [rule: string]: Pending } | undefined;
  /** What rules about change compare with, by rule. */
  windows: { [rule: string]: Window } | undefined;
  /** When rules that are counted began, by rule; event time, newest last. */
  beginnings: { [rule: string]: number[] } | undefined;
}

export type AssessState = Frozen<PatientState>;
type Frozen<T> = T extends string | number | boolean | undefined
  ? T
  : T extends readonly (infer E)[]
    ? readonly Frozen<E>[]
    : { readonly [K in keyof T]: Frozen<T[K]> };

/** What is shown, and for each current value which reading it came from. Every key is there, so that all look alike. */
export interface JudgedStatus extends PatientStatus {
  readonly patientId: PatientId;
  readonly values: { [Name in VitalName]: JudgedValue | undefined };
  oxygen: Observed<boolean> | undefined;
  consciousness: Observed<Consciousness> | undefined;
  leadsOff: boolean;
  battery: number | undefined;
  last: { readingId: ReadingId; deviceId: DeviceId; atMs: number; receivedAtMs: number } | undefined;
  news2: News2Score | undefined;
  news2NotApplicable: PatientStatus['news2NotApplicable'];
}

export interface JudgedValue extends CurrentValue {
  value: number;
  atMs: number;
  receivedAtMs: number;
  intervalMs: number;
  readingId: ReadingId;
  deviceId: DeviceId;
}

export interface Observed<T> {
  value: T;
  atMs: number;
  readingId: ReadingId;
  deviceId: DeviceId;
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
  readonly scope: RuleScope;
  readonly kind: AlarmKind;
  readonly priority: Priority;
  /** Why it is more urgent than its rule says. */
  readonly repeated?: NonNullable<Reasons['repeated']>;
  /** Of a condition that several rules make together: those that hold. */
  readonly holding?: readonly string[];
  /** The worst seen, by which reading, and the worst that was told. */
  readonly worst: Cause;
  readonly worstSource: ReadingSource;
  readonly told: Cause;
  readonly toldAtMs: number;
}

/** Evidence of a breach that has to be seen for longer (`assess-sustained.ts`). */
export interface Pending {
  /** Of which version of the rule. */
  key: string;
  sinceMs: number;
  lastMs: number;
  readings: number;
  /** The reading (of a combination: readings) that first showed it, and the newest that did. */
  first: readonly ReasonReading[];
  latest: readonly ReasonReading[];
}

/** The extreme of each slice of the window, oldest first (`assess-change.ts`). */
export interface Window {
  key: string;
  slices: Slice[];
  /** The furthest of them, found last: looked for again only once it has left the window. */
  extreme: Slice | undefined;
}
export interface Slice {
  number: number;
  atMs: number;
  value: number;
  readingId: ReadingId;
  deviceId: DeviceId;
}

export interface WornDevice {
  readonly deviceId: DeviceId;
  /** Its newest reading by event time. */
  readingId: ReadingId;
  atMs: number;
  /** When it was last heard at all, by our clock. */
  receivedAtMs: number;
  intervalMs: number;
  leadsOff: boolean;
  /** When its leads were last said to be off, by event time; 0: never. */
  leadsOffAtMs: number;
  battery: number | undefined;
  batteryLow: boolean;
  lost: boolean;
}

export const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** Of every patient of whom nothing is present: asked for each reading, and answered by looking at one word. */
export const NO_CONDITIONS: Conditions = Object.freeze({});

export function unheardPatient(patientId: PatientId, partition: number): PatientState {
  return {
    status: {
      patientId,
      values: {
        heartRate: undefined,
        spo2: undefined,
        respiratoryRate: undefined,
        temperature: undefined,
        systolic: undefined,
        diastolic: undefined,
        mean: undefined,
      },
      oxygen: undefined,
      consciousness: undefined,
      leadsOff: false,
      battery: undefined,
      last: undefined,
      news2: undefined,
      news2NotApplicable: undefined,
    },
    devices: [],
    conditions: NO_CONDITIONS,
    position: { partition, offset: -1, step: 0 },
    eventMs: 0,
    moment: { deviceId: undefined, readingId: undefined, others: undefined },
    news2UntilMs: NEVER_MS,
    dueMs: NEVER_MS,
    pending: undefined,
    windows: undefined,
    beginnings: undefined,
  };
}

/** A state of one's own, which may be changed without anybody noticing. */
export function copyOf(state: AssessState): PatientState {
  return revive(JSON.parse(JSON.stringify(state)) as PatientState);
}

/** What JSON left out is put back, so that all states look alike to the machine. Takes over what it is given. */
export function revive(parsed: PatientState): PatientState {
  const { status, moment, devices, position, conditions, eventMs, news2UntilMs, dueMs } = parsed;
  const own = unheardPatient(status.patientId, position.partition);
  Object.assign(own.status, status, { values: Object.assign(own.status.values, status.values) });
  Object.assign(own.moment, moment);
  Object.assign(own, { position, eventMs, news2UntilMs, dueMs });
  if (Object.keys(conditions).length > 0) own.conditions = withOneOfNews2(conditions);
  own.pending = parsed.pending;
  own.windows = parsed.windows;
  own.beginnings = parsed.beginnings;
  own.devices = devices.map(
    ({
      deviceId,
      readingId,
      atMs,
      receivedAtMs,
      intervalMs,
      leadsOff,
      leadsOffAtMs = 0,
      battery,
      batteryLow,
      lost,
    }) => ({
      deviceId,
      readingId,
      atMs,
      receivedAtMs,
      intervalMs,
      leadsOff,
      leadsOffAtMs,
      battery,
      batteryLow,
      lost,
    }),
  );
  return own;
}

/** Checkpoints from before the score made one alarm had a condition for each rule: the most urgent goes on. */
function withOneOfNews2(conditions: Conditions): Conditions {
  const isFormer = ([name, { worst }]: [string, Condition]) => worst.vital === 'news2' && name !== NEWS2_ALARM;
  const all = Object.entries(conditions);
  const former = all.filter(isFormer).map(([, condition]) => condition);
  const [most] = (['high', 'medium', 'low'] as const).flatMap((priority) =>
    former.filter((each) => each.priority === priority),
  );
  if (most === undefined) return conditions;
  return { [NEWS2_ALARM]: most, ...Object.fromEntries(all.filter((each) => !isFormer(each))) };
}
