import type { AlarmId, BedId, DeviceId, PatientId, ReadingId, WardId } from './ids.ts';
import type { VitalName } from './vital.ts';

/**
 * The life of an alarm. Two independent facts make it: whether its condition is present, and whether a person has
 * acknowledged it. It stays open, and visible, until the condition has ended and someone has acknowledged it
 * (latching, IEC 60601-1-8): an alarm that came and went at night is still there in the morning.
 */

export type Priority = 'high' | 'medium' | 'low';

/** Physiological alarms speak of the patient, technical ones of the measurement; they are never mixed. */
export type AlarmKind = 'physiological' | 'technical';

/** What a rule saw: enough to say why the alarm rang without looking anything else up. */
export interface Cause {
  /** `heartRate`, `news2`, or absent for technical conditions. */
  readonly vital?: VitalName | 'news2';
  readonly value?: number;
  readonly comparison?: 'above' | 'below' | 'at-least';
  readonly limit?: number;
  /** The alarm text without patient data: `HR 167 > 160`, `NO DATA`, `LEADS OFF`. */
  readonly text: string;
}

/** A rule's condition began or ended for a patient. Pure function of the readings (and, for silence, of the clock). */
export interface ConditionTransition {
  readonly kind: 'began' | 'ended' | 'worsened';
  readonly patientId: PatientId;
  /** The rule's id, e.g. `heartRate.above.high`, `news2.at-least.high`, `technical.lost`. */
  readonly rule: string;
  readonly ruleVersion: number;
  readonly alarmKind: AlarmKind;
  readonly priority: Priority;
  readonly cause: Cause;
  /** The reading that made it so; for silence, the last one before it. */
  readonly readingId: ReadingId;
  readonly deviceId: DeviceId;
  /** Event time of that reading; for silence, the moment it was noticed. */
  readonly atMs: number;
  /** Which alarm this would begin: derived from patient, rule and reading, so that replay names the same one. */
  readonly alarmId: AlarmId;
  /**
   * Order among this patient's transitions: log partition and offset of the reading, and a step for what follows
   * without a reading (silence, a changed limit). Such a step is a moment, so that it goes on growing across restarts;
   * it fits 31 bits (`stepWithoutReading`).
   */
  readonly position: { readonly partition: number; readonly offset: number; readonly step: number };
}

export interface Alarm {
  readonly id: AlarmId;
  readonly patientId: PatientId;
  readonly wardId?: WardId;
  readonly bedId?: BedId;
  readonly rule: string;
  readonly ruleVersion: number;
  readonly kind: AlarmKind;
  readonly priority: Priority;
  /** Open until the condition has ended and it is acknowledged. */
  readonly state: 'active' | 'resolved';
  readonly condition: 'present' | 'ended';
  /** The cause as it began, and the worst it became. */
  readonly cause: Cause;
  readonly worst: Cause;
  readonly deviceId: DeviceId;
  /** The reading that began the episode, and the latest that changed the condition. */
  readonly readingId: ReadingId;
  readonly lastReadingId: ReadingId;
  readonly raisedAtMs: number;
  readonly endedAtMs?: number;
  readonly acknowledgedAtMs?: number;
  readonly acknowledgedBy?: string;
  readonly resolvedAtMs?: number;
}

export interface AlarmChange {
  readonly kind: 'raised' | 'worsened' | 'ended' | 'returned' | 'acknowledged' | 'resolved' | 'unchanged';
  readonly alarm: Alarm;
  /** With `returned`: for how long the condition had been away, in event time. */
  readonly awayMs?: number;
}

/**
 * What an alarm becomes when its condition changes. `open` is the patient's open alarm of the same rule, if any.
 * A condition that returns while its alarm is still open continues that alarm.
 */
export function nextAlarm(
  open: Alarm | undefined,
  transition: ConditionTransition,
  place: { readonly wardId?: WardId; readonly bedId?: BedId },
): AlarmChange | undefined {
  if (open === undefined)
    return transition.kind === 'ended' ? undefined : { kind: 'raised', alarm: raise(transition, place) };
  switch (transition.kind) {
    case 'began':
    case 'worsened':
      return goOn(open, transition);
    case 'ended':
      return end(open, transition);
    default:
      return transition.kind satisfies never;
  }
}

/** What an alarm becomes when a person takes it. Whoever comes second changes nothing: the first stays its owner. */
export function acknowledgeAlarm(alarm: Alarm, by: string, atMs: number): AlarmChange {
  if (alarm.state === 'resolved' || alarm.acknowledgedAtMs !== undefined) return { kind: 'unchanged', alarm };
  const acknowledged: Alarm = { ...alarm, acknowledgedAtMs: atMs, acknowledgedBy: by };
  return alarm.condition === 'ended'
    ? { kind: 'resolved', alarm: { ...acknowledged, state: 'resolved', resolvedAtMs: atMs } }
    : { kind: 'acknowledged', alarm: acknowledged };
}

/** Takes from the place only what is named here: what is handed in may hold more, and some of it is called `id`. */
function raise(
  transition: ConditionTransition,
  { wardId, bedId }: { readonly wardId?: WardId; readonly bedId?: BedId },
): Alarm {
  return {
    id: transition.alarmId,
    patientId: transition.patientId,
    ...(wardId === undefined ? {} : { wardId }),
    ...(bedId === undefined ? {} : { bedId }),
    rule: transition.rule,
    ruleVersion: transition.ruleVersion,
    kind: transition.alarmKind,
    priority: transition.priority,
    state: 'active',
    condition: 'present',
    cause: transition.cause,
    worst: transition.cause,
    deviceId: transition.deviceId,
    readingId: transition.readingId,
    lastReadingId: transition.readingId,
    raisedAtMs: transition.atMs,
  };
}

function goOn(open: Alarm, transition: ConditionTransition): AlarmChange {
  const { endedAtMs, ...rest } = open;
  const worst = isWorse(transition.cause, open.worst) ? transition.cause : open.worst;
  const alarm: Alarm = { ...rest, condition: 'present', worst, lastReadingId: transition.readingId };
  if (open.condition === 'ended')
    return { kind: 'returned', alarm, awayMs: Math.max(0, transition.atMs - (endedAtMs ?? transition.atMs)) };
  return { kind: worst === open.worst ? 'unchanged' : 'worsened', alarm };
}

function end(open: Alarm, transition: ConditionTransition): AlarmChange {
  if (open.condition === 'ended') return { kind: 'unchanged', alarm: open };
  const ended: Alarm = { ...open, condition: 'ended', endedAtMs: transition.atMs, lastReadingId: transition.readingId };
  return open.acknowledgedAtMs === undefined
    ? { kind: 'ended', alarm: ended }
    : { kind: 'resolved', alarm: { ...ended, state: 'resolved', resolvedAtMs: transition.atMs } };
}

function isWorse(candidate: Cause, than: Cause): boolean {
  if (candidate.value === undefined || than.value === undefined) return false;
  return candidate.comparison === 'below' ? candidate.value < than.value : candidate.value > than.value;
}
