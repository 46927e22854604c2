import type { AlarmId, BedId, DeviceId, PatientId, ReadingId, UserId, WardId } from './ids.ts';
import type { Reasons } from './rule-reasons.ts';
import type { VitalName } from './vital.ts';

/**
 * The life of an alarm. Two independent facts make it: whether its condition is present, and whether a person has
 * acknowledged it. It stays open, and visible, until the condition has ended and someone has acknowledged it
 * (latching, IEC 60601-1-8): an alarm that came and went at night is still there in the morning.
 *
 * Here is what the condition does to it; what people do is in `alarm-act.ts`, what time does in `alarm-time.ts`.
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
  /** Which rule in which version saw it, and in which readings. Absent in alarms from before rules were data. */
  readonly reasons?: Reasons;
}

/** A rule's condition began or ended for a patient. Pure function of the readings (and, for silence, of the clock). */
export interface ConditionTransition {
  /** `eased`: still present, less urgent than it was. */
  readonly kind: 'began' | 'ended' | 'worsened' | 'eased';
  readonly patientId: PatientId;
  /** The rule's id, e.g. `heartRate.above.high`, `news2.at-least.high`, `technical.lost`. */
  readonly rule: string;
  readonly ruleVersion: number;
  readonly alarmKind: AlarmKind;
  /** How urgent it is from now on; of an end, how urgent it was. */
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
  /** As it is now: urgency goes up and down with the condition. */
  readonly priority: Priority;
  readonly highestPriority: Priority;
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
  /** Absent: nobody has it. Withdrawn when it expires, is given back, or the alarm grows more urgent. */
  readonly acknowledgedAtMs?: number;
  readonly acknowledgedBy?: string;
  /** Unless the condition has ended by then, it is unacknowledged again. */
  readonly acknowledgementExpiresAtMs?: number;
  /** Who looks after it. Outlives the acknowledgement, until somebody else takes it. */
  readonly owner?: string;
  readonly ownerId?: UserId;
  /** All three or none: silenced by a person, until then at the latest. */
  readonly snoozedUntilMs?: number;
  readonly snoozedAtMs?: number;
  readonly snoozedBy?: string;
  /** How often it was reminded of since it last called for somebody, and when it is again. */
  readonly reminders: number;
  readonly remindAtMs?: number;
  /** When a rule closes it, unless the condition returns before. */
  readonly clearsAtMs?: number;
  /** The furthest step of its escalation, and when it was reached. */
  readonly escalationStep?: string;
  readonly escalatedAtMs?: number;
  /** How many notes there are; their words are kept apart. */
  readonly notes: number;
  readonly resolvedAtMs?: number;
  readonly resolvedBy?: 'person' | 'condition' | 'rule';
  /** Counts what the store wrote: tells a newer answer of the store from an older one. 0: not stored yet. */
  readonly revision: number;
}

/** What happened to an alarm; `contracts/src/alert.ts` says what each means. */
export type AlarmChangeKind =
  | 'raised'
  | 'worsened'
  | 'priority-changed'
  | 'ended'
  | 'returned'
  | 'acknowledged'
  | 'owner-changed'
  | 'released'
  | 'snoozed'
  | 'unsnoozed'
  | 'acknowledgement-expired'
  | 'reminder'
  | 'escalated'
  | 'noted'
  | 'resolved'
  | 'unchanged';

export interface AlarmChange {
  readonly kind: AlarmChangeKind;
  /** As it is after the change. */
  readonly alarm: Alarm;
  /** When: of the condition's own changes the time of the reading, else ours. */
  readonly atMs: number;
  /** Who did it; absent: the condition itself, or the clock. */
  readonly by?: string;
  readonly byId?: UserId;
  /** With `returned`: for how long the condition had been away, in event time. */
  readonly awayMs?: number;
  /** What the priority was before, if it changed. */
  readonly previousPriority?: Priority;
  /** Whose it was before, if that changed. */
  readonly previousOwner?: string;
  /** What this put an end to before its time. */
  readonly undone?: readonly ('acknowledgement' | 'snooze')[];
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
    return transition.kind === 'ended'
      ? undefined
      : { kind: 'raised', alarm: raise(transition, place), atMs: transition.atMs };
  switch (transition.kind) {
    case 'began':
    case 'worsened':
    case 'eased':
      return goOn(open, transition);
    case 'ended':
      return end(open, transition);
    default:
      return transition.kind satisfies never;
  }
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
    highestPriority: transition.priority,
    state: 'active',
    condition: 'present',
    cause: transition.cause,
    worst: transition.cause,
    deviceId: transition.deviceId,
    readingId: transition.readingId,
    lastReadingId: transition.readingId,
    raisedAtMs: transition.atMs,
    reminders: 0,
    notes: 0,
    revision: 0,
  };
}

/**
 * Still present, or present again. What makes it more urgent is news: whoever acknowledged or silenced it did so to
 * something less. A worse value of the same urgency ends a snooze, but not an acknowledgement: its owner is there.
 */
function goOn(open: Alarm, transition: ConditionTransition): AlarmChange {
  const { endedAtMs, ...rest } = open;
  const { priority, cause, readingId, atMs } = transition;
  const worst = isWorse(cause, open.worst) ? cause : open.worst;
  const urgency = urgencyOf(open.priority) - urgencyOf(priority);
  const highestPriority = urgencyOf(priority) > urgencyOf(open.highestPriority) ? priority : open.highestPriority;
  const present: Alarm = { ...rest, condition: 'present', worst, priority, highestPriority, lastReadingId: readingId };
  const previous = urgency === 0 ? {} : { previousPriority: open.priority };
  const anew = () => withdrawn({ ...present, reminders: 0 }, ['acknowledgement', 'snooze']);
  if (open.condition === 'ended') {
    const awayMs = Math.max(0, atMs - (endedAtMs ?? atMs));
    return { kind: 'returned', ...anew(), atMs, awayMs, ...previous };
  }
  if (urgency < 0) return { kind: 'priority-changed', ...anew(), atMs, ...previous };
  if (urgency > 0) return { kind: 'priority-changed', alarm: present, atMs, ...previous };
  if (worst !== open.worst && hasOutgrown(present))
    return { kind: 'acknowledgement-expired', ...withdrawn(present, ['acknowledgement', 'snooze']), atMs };
  if (worst !== open.worst) return { kind: 'worsened', ...withdrawn(present, ['snooze']), atMs };
  return { kind: 'unchanged', alarm: present, atMs };
}

/**
 * Of an early-warning score an acknowledgement holds for hours (`AlarmPolicy.news2AcknowledgementMs`), so an emergency
 * that reaches a score it never had calls anew: there are twenty at most.
 */
function hasOutgrown({ worst, priority, acknowledgedAtMs }: Alarm): boolean {
  return worst.vital === 'news2' && priority === 'high' && acknowledgedAtMs !== undefined;
}

function end(open: Alarm, transition: ConditionTransition): AlarmChange {
  const { atMs, readingId } = transition;
  if (open.condition === 'ended') return { kind: 'unchanged', alarm: open, atMs };
  const ended: Alarm = { ...open, condition: 'ended', endedAtMs: atMs, lastReadingId: readingId };
  return open.acknowledgedAtMs === undefined
    ? { kind: 'ended', alarm: ended, atMs }
    : { kind: 'resolved', alarm: resolved(ended, 'condition', atMs), atMs };
}

/** An alarm that is over keeps who had it, and nothing that could still come. */
export function resolved(alarm: Alarm, by: NonNullable<Alarm['resolvedBy']>, atMs: number): Alarm {
  return { ...withdrawn(alarm, ['snooze']).alarm, state: 'resolved', resolvedBy: by, resolvedAtMs: atMs };
}

/** The alarm without its acknowledgement or snooze, where it has one; it calls for somebody from the beginning. */
export function withdrawn(
  alarm: Alarm,
  what: readonly ('acknowledgement' | 'snooze')[],
): Pick<AlarmChange, 'alarm' | 'undone'> {
  const undone = what.filter((each) =>
    each === 'snooze' ? alarm.snoozedUntilMs !== undefined : alarm.acknowledgedAtMs !== undefined,
  );
  if (undone.length === 0) return { alarm };
  const { snoozedUntilMs, snoozedAtMs, snoozedBy, ...awake } = alarm;
  const base: Alarm = { ...(undone.includes('snooze') ? awake : alarm), reminders: 0 };
  if (!undone.includes('acknowledgement')) return { alarm: base, undone };
  const { acknowledgedAtMs, acknowledgedBy, acknowledgementExpiresAtMs, ...untaken } = base;
  return { alarm: untaken, undone };
}

/** Higher is more urgent. */
export function urgencyOf(priority: Priority): number {
  return URGENCY[priority];
}

const URGENCY: Readonly<Record<Priority, number>> = { high: 3, medium: 2, low: 1 };

function isWorse(candidate: Cause, than: Cause): boolean {
  if (candidate.value === undefined || than.value === undefined) return false;
  return candidate.comparison === 'below' ? candidate.value < than.value : candidate.value > than.value;
}
