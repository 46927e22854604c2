import { type Alarm, urgencyOf } from './alarm.ts';
import type { AlarmId } from './ids.ts';

/** Where an alarm stands in a list: enough to go on after it, also when it has changed since. */
export interface AlarmPlace {
  readonly rank: number;
  readonly raisedAtMs: number;
  readonly id: AlarmId;
}

export const placeInWorklist = (alarm: Alarm): AlarmPlace => ({
  rank: worklistRank(alarm),
  raisedAtMs: alarm.raisedAtMs,
  id: alarm.id,
});

/**
 * The order in which to go and look, lower first: what nobody has taken, then what is silenced for a while, then what
 * somebody has; in each by urgency, what speaks of the patient before what speaks of the measurement, and what has ended
 * one step below: a medium alarm that is present is not hidden behind a high one that is over. Of equals, who has waited
 * longest.
 */
export function compareInWorklist(a: AlarmPlace, b: AlarmPlace): number {
  return a.rank - b.rank || a.raisedAtMs - b.raisedAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** Newest first. */
export function compareByAge(a: Pick<AlarmPlace, 'raisedAtMs' | 'id'>, b: Pick<AlarmPlace, 'raisedAtMs' | 'id'>) {
  return b.raisedAtMs - a.raisedAtMs || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

export function worklistRank(alarm: Alarm): number {
  const urgency = STEP * (3 - urgencyOf(alarm.priority));
  const technical = alarm.kind === 'technical' ? STEP / 2 : 0;
  const ended = alarm.condition === 'ended' ? STEP + 1 : 0;
  return ATTENTION * attention(alarm) + urgency + technical + ended;
}

const ATTENTION = 100;
const STEP = 10;

function attention(alarm: Alarm): number {
  if (alarm.state === 'resolved') return 3;
  if (alarm.acknowledgedAtMs !== undefined) return 2;
  return alarm.snoozedUntilMs === undefined ? 0 : 1;
}
