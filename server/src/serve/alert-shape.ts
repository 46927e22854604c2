import type { Alert } from '@healthsync/contracts/alert';
import type { Alarm } from '../domain/alarm.ts';

/** An alarm as the API and the live stream show it. `bedLabel` names the bed it rang at. */
export function toAlert(alarm: Alarm, bedLabel: (bedId: string) => string | undefined): Alert {
  const bed = alarm.bedId === undefined ? undefined : bedLabel(alarm.bedId);
  return {
    id: alarm.id,
    patientId: alarm.patientId,
    ...(alarm.wardId !== undefined && { wardId: alarm.wardId }),
    ...(alarm.bedId !== undefined && { bedId: alarm.bedId }),
    ...(bed !== undefined && { bed }),
    rule: alarm.rule,
    ruleVersion: alarm.ruleVersion,
    kind: alarm.kind,
    priority: alarm.priority,
    state: alarm.state,
    condition: alarm.condition,
    cause: alarm.cause,
    worst: alarm.worst,
    deviceId: alarm.deviceId,
    readingId: alarm.readingId,
    lastReadingId: alarm.lastReadingId,
    raisedAt: rfc3339(alarm.raisedAtMs),
    ...(alarm.endedAtMs !== undefined && { endedAt: rfc3339(alarm.endedAtMs) }),
    ...(alarm.acknowledgedAtMs !== undefined && { acknowledgedAt: rfc3339(alarm.acknowledgedAtMs) }),
    ...(alarm.acknowledgedBy !== undefined && { acknowledgedBy: alarm.acknowledgedBy }),
    ...(alarm.resolvedAtMs !== undefined && { resolvedAt: rfc3339(alarm.resolvedAtMs) }),
  };
}

export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
