import type { Alert, AlertHistoryEntry } from '@healthsync/contracts/alert';
import type { Alarm, Cause } from '../domain/alarm.ts';
import type { AlarmHistoryEntry } from '../domain/alarm-history.ts';

/** Where the patient lies now, where that is known. */
export interface PresentPlace {
  readonly wardId?: string | undefined;
  readonly bedId?: string | undefined;
}

/**
 * An alarm as the API and the live stream show it: at the bed where its patient lies now, since that is where somebody
 * must go. `bedLabel` names a bed.
 */
export function toAlert(
  alarm: Alarm,
  now: PresentPlace | undefined,
  bedLabel: (bedId: string) => string | undefined,
): Alert {
  const rangIn = shownPlace(alarm, bedLabel);
  const isElsewhere = now?.wardId !== undefined && (now.wardId !== alarm.wardId || now.bedId !== alarm.bedId);
  return {
    id: alarm.id,
    patientId: alarm.patientId,
    ...(isElsewhere ? { ...shownPlace(now, bedLabel), rangIn } : rangIn),
    rule: alarm.rule,
    ruleVersion: alarm.ruleVersion,
    kind: alarm.kind,
    priority: alarm.priority,
    highestPriority: alarm.highestPriority,
    state: alarm.state,
    condition: alarm.condition,
    cause: toCause(alarm.cause),
    worst: toCause(alarm.worst),
    deviceId: alarm.deviceId,
    readingId: alarm.readingId,
    lastReadingId: alarm.lastReadingId,
    raisedAt: rfc3339(alarm.raisedAtMs),
    ...(alarm.endedAtMs !== undefined && { endedAt: rfc3339(alarm.endedAtMs) }),
    ...people(alarm),
    reminders: alarm.reminders,
    ...(alarm.escalationStep !== undefined && {
      escalation: { step: alarm.escalationStep, at: rfc3339(alarm.escalatedAtMs ?? alarm.raisedAtMs) },
    }),
    notes: alarm.notes,
    ...(alarm.resolvedAtMs !== undefined && { resolvedAt: rfc3339(alarm.resolvedAtMs) }),
    ...(alarm.resolvedBy !== undefined && { resolvedBy: alarm.resolvedBy }),
  };
}

/** Said alike inside and outside, but for arrays that nobody may write to. */
function toCause({ reasons, ...cause }: Cause): Alert['cause'] {
  return { ...cause, ...(reasons !== undefined && { reasons: { ...reasons, readings: [...reasons.readings] } }) };
}

export function toHistoryEntry(entry: AlarmHistoryEntry): AlertHistoryEntry {
  const { kind, atMs, snoozedUntilMs, escalationStep, undone, ...same } = entry;
  return {
    ...same,
    at: rfc3339(atMs),
    change: kind,
    ...(undone !== undefined && { undone: [...undone] }),
    ...(snoozedUntilMs !== undefined && { until: rfc3339(snoozedUntilMs) }),
    ...(escalationStep !== undefined && { step: escalationStep }),
  };
}

function people(alarm: Alarm) {
  const { acknowledgedAtMs, acknowledgedBy, acknowledgementExpiresAtMs: expiresAtMs, owner, ownerId } = alarm;
  const { snoozedUntilMs, snoozedAtMs = 0, snoozedBy = '' } = alarm;
  return {
    ...(acknowledgedAtMs !== undefined && { acknowledgedAt: rfc3339(acknowledgedAtMs) }),
    ...(acknowledgedBy !== undefined && { acknowledgedBy }),
    ...(expiresAtMs !== undefined && { acknowledgementExpiresAt: rfc3339(expiresAtMs) }),
    ...(owner !== undefined && { owner }),
    ...(ownerId !== undefined && { ownerId }),
    ...(snoozedUntilMs !== undefined && {
      snooze: { until: rfc3339(snoozedUntilMs), by: snoozedBy, at: rfc3339(snoozedAtMs) },
    }),
  };
}

function shownPlace({ wardId, bedId }: PresentPlace, bedLabel: (bedId: string) => string | undefined) {
  const bed = bedId === undefined ? undefined : bedLabel(bedId);
  return {
    ...(wardId !== undefined && { wardId }),
    ...(bedId !== undefined && { bedId }),
    ...(bed !== undefined && { bed }),
  };
}

export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
