import type { Alert } from '@healthsync/contracts/alert';
import { alarmRank } from '../live/alarm-rank.ts';

/** Unacknowledged first, what is snoozed next, what somebody has last; in each as on the wall, where what is present stands
 * before what is over; then the longest open first. */
export function workOrder(alerts: readonly Alert[]): readonly Alert[] {
  return alerts.toSorted(
    (a, b) => alarmRank(a) - alarmRank(b) || a.raisedAt.localeCompare(b.raisedAt) || a.id.localeCompare(b.id),
  );
}

/** A high alarm is looked at and acknowledged by itself: never one of many. */
export const mayBeBulk = (alert: Alert): boolean =>
  alert.priority !== 'high' && alert.acknowledgedAt === undefined && alert.state === 'active';
