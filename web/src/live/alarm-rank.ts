import type { Alert } from '@healthsync/contracts/alert';

/** How an alarm is shown: by its priority, and technical ones apart (IEC 60601-1-8 keeps the two kinds separate). */
export type AlarmLook = 'high' | 'medium' | 'low' | 'technical';

export const ALARM_LOOKS: readonly AlarmLook[] = ['high', 'medium', 'low', 'technical'];

/** Told apart without colour: by the number of marks and their shape. */
export const ALARM_MARK: Readonly<Record<AlarmLook, { readonly stars: string; readonly symbol: string }>> = {
  high: { stars: '***', symbol: '▲▲▲' },
  medium: { stars: '**', symbol: '▲▲' },
  low: { stars: '*', symbol: '△' },
  technical: { stars: '!', symbol: '◇' },
};

export function lookOf(alert: Alert): AlarmLook {
  return alert.kind === 'technical' ? 'technical' : alert.priority;
}

export const isUnacknowledged = (alert: Alert): boolean =>
  alert.state === 'active' && alert.acknowledgedAt === undefined;

/** Silenced by a person, for a while and visibly. */
export const isSnoozed = (alert: Alert): boolean => alert.state === 'active' && alert.snooze !== undefined;

/** Rings and flashes: somebody has to come. An ended, unacknowledged one stays marked but is quiet. */
export const isCalling = (alert: Alert): boolean =>
  isUnacknowledged(alert) && alert.condition === 'present' && !isSnoozed(alert);

/** How an open alarm stands: it calls; it is silenced for a while; it is over but unseen; somebody has it. */
export type AlarmCall = 'calling' | 'snoozed' | 'latched' | 'taken';

export function callOf(alert: Alert): AlarmCall {
  if (!isUnacknowledged(alert)) return 'taken';
  if (isSnoozed(alert)) return 'snoozed';
  return alert.condition === 'present' ? 'calling' : 'latched';
}

/**
 * Lower comes first: what nobody has taken, before what somebody has; then by look, where one that has ended counts as
 * one step less (a medium alarm that is present is not hidden behind a high one that is over); then the newest. A high alarm that has been taken stands behind a low one that has not: somebody is already there. What is snoozed stands between.
 */
export function compareAlarms(a: Alert, b: Alert): number {
  return alarmRank(a) - alarmRank(b) || b.raisedAt.localeCompare(a.raisedAt) || a.id.localeCompare(b.id);
}

export function alarmRank(alert: Alert): number {
  const call = callOf(alert);
  const quiet = call === 'taken' ? 200 : call === 'snoozed' ? 100 : 0;
  return quiet + 10 * ALARM_LOOKS.indexOf(lookOf(alert)) + (alert.condition === 'present' ? 0 : ENDED);
}

/** Just behind what is present and one look lower. */
const ENDED = 11;

/** Rank of a patient without any open alarm. */
export const RANK_NONE = 1_000;

/** `*** HR 167 > 160`: the worst value against its limit. */
export function alarmText(alert: Alert): string {
  return `${ALARM_MARK[lookOf(alert)].stars} ${alert.worst.text}`;
}

/** For the ear: `Bed W3-01: high alarm, HR 167 above 160`. */
export function spokenAlarm(alert: Alert): string {
  const look = lookOf(alert);
  const words = alert.worst.text
    .replace('>', 'above')
    .replace('<', 'below')
    .replace('≥', 'at least')
    .replace('SpO₂', 'oxygen saturation');
  return `Bed ${alert.bed ?? 'unknown'}: ${look === 'technical' ? 'technical' : look} alarm, ${words}`;
}
