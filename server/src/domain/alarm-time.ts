import { type Alarm, type AlarmChange, resolved, withdrawn } from './alarm.ts';
import { type AlarmPolicy, acknowledgementMs, autoClearMs } from './alarm-policy.ts';

/** What time does to an alarm that nobody touches. All by our own clock: a device's may be wrong. */

/**
 * The first thing that is due, if any; what follows is found by asking again, after `scheduled`. However late it is
 * asked, each thing happens once.
 */
export function timePassed(alarm: Alarm, nowMs: number): AlarmChange | undefined {
  const isDue = (ms: number | undefined) => ms !== undefined && ms <= nowMs;
  if (alarm.state === 'resolved') return undefined;
  if (isDue(alarm.snoozedUntilMs)) return { kind: 'unsnoozed', ...withdrawn(alarm, ['snooze']), atMs: nowMs };
  if (isDue(alarm.clearsAtMs)) return { kind: 'resolved', alarm: resolved(alarm, 'rule', nowMs), atMs: nowMs };
  if (isDue(alarm.acknowledgementExpiresAtMs))
    return { kind: 'acknowledgement-expired', ...withdrawn(alarm, ['acknowledgement']), atMs: nowMs };
  if (isDue(alarm.remindAtMs))
    return { kind: 'reminder', alarm: { ...alarm, reminders: alarm.reminders + 1 }, atMs: nowMs };
  return undefined;
}

/** The change, with everything set that time will do to the alarm if nobody touches it from now on. */
export function scheduled(
  change: AlarmChange,
  before: Alarm | undefined,
  policy: AlarmPolicy,
  nowMs: number,
): AlarmChange {
  const { acknowledgementExpiresAtMs, remindAtMs, clearsAtMs, ...rest } = change.alarm;
  const alarm = change.alarm;
  const dues = {
    acknowledgementExpiresAtMs: expiryOf(alarm, before, policy, nowMs),
    // A reminder's own time is used up; a changed priority has another rhythm.
    remindAtMs: reminderOf(alarm, change.kind === 'reminder' ? undefined : before, policy, nowMs),
    clearsAtMs: clearingOf(alarm, policy, nowMs),
  };
  return { ...change, alarm: { ...rest, ...defined(dues), revision: (before?.revision ?? 0) + 1 } };
}

/** When the clock must look at it next. */
export function nextDueMs(alarm: Alarm): number | undefined {
  const { snoozedUntilMs, acknowledgementExpiresAtMs, remindAtMs, clearsAtMs } = alarm;
  const dues = [snoozedUntilMs, acknowledgementExpiresAtMs, remindAtMs, clearsAtMs].filter((ms) => ms !== undefined);
  return dues.length === 0 ? undefined : Math.min(...dues);
}

/** An acknowledgement holds from when it was given, and a snooze may have drawn it out. */
function expiryOf(alarm: Alarm, before: Alarm | undefined, policy: AlarmPolicy, nowMs: number): number | undefined {
  if (alarm.state === 'resolved' || alarm.acknowledgedAtMs === undefined) return undefined;
  if (before?.acknowledgedAtMs === alarm.acknowledgedAtMs) return alarm.acknowledgementExpiresAtMs;
  return after(acknowledgementMs(alarm, policy), nowMs);
}

/** Only of what is present, unacknowledged and not silenced: what has ended stays visible, and nags nobody. */
function reminderOf(alarm: Alarm, before: Alarm | undefined, policy: AlarmPolicy, nowMs: number): number | undefined {
  const calls =
    alarm.state === 'active' &&
    alarm.condition === 'present' &&
    alarm.acknowledgedAtMs === undefined &&
    alarm.snoozedUntilMs === undefined;
  if (!calls || alarm.reminders >= policy.remindersMax) return undefined;
  const isSameCall = before?.remindAtMs !== undefined && before.priority === alarm.priority;
  return isSameCall ? before.remindAtMs : after(policy.remindEveryMs[alarm.priority], nowMs);
}

function clearingOf(alarm: Alarm, policy: AlarmPolicy, nowMs: number): number | undefined {
  if (alarm.state === 'resolved' || alarm.condition === 'present') return undefined;
  if (alarm.clearsAtMs !== undefined) return alarm.clearsAtMs;
  const afterMs = autoClearMs(alarm, policy.autoClear);
  return afterMs === undefined ? undefined : nowMs + afterMs;
}

/** 0 means never. */
function after(periodMs: number, nowMs: number): number | undefined {
  return periodMs > 0 ? nowMs + periodMs : undefined;
}

function defined<T extends Readonly<Record<string, number | undefined>>>(
  dues: T,
): { readonly [Name in keyof T]?: number } {
  return Object.fromEntries(Object.entries(dues).filter(([, ms]) => ms !== undefined)) as {
    readonly [Name in keyof T]?: number;
  };
}
