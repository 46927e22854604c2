import type { Alert } from '@healthsync/contracts/alert';
import { ALARM_LOOKS, callOf, lookOf } from '../live/alarm-rank.ts';

/** Unacknowledged first, what is snoozed next, what somebody has last; in each by priority, and the longest open first. */
export function workOrder(alerts: readonly Alert[]): readonly Alert[] {
  return alerts.toSorted(
    (a, b) => rank(a) - rank(b) || a.raisedAt.localeCompare(b.raisedAt) || a.id.localeCompare(b.id),
  );
}

const CALL_RANK = { calling: 0, latched: 0, snoozed: 1, taken: 2 } as const;

function rank(alert: Alert): number {
  return 10 * CALL_RANK[callOf(alert)] + ALARM_LOOKS.indexOf(lookOf(alert));
}

/** A high alarm is looked at and acknowledged by itself: never one of many. */
export const mayBeBulk = (alert: Alert): boolean =>
  alert.priority !== 'high' && alert.acknowledgedAt === undefined && alert.state === 'active';
