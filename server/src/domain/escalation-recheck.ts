import type { Alarm } from './alarm.ts';
import { freshnessOf } from './freshness.ts';
import type { PatientStatus } from './patient-status.ts';

/**
 * What the patient's vital says when a step's time has run out and nobody has answered. Only a value that was measured
 * just now, and is good, counts as recovered: silence is not health.
 */
export interface Recheck {
  readonly verdict:
    | 'recovered'
    | 'untold' // recovered before anybody was told of it: goes on like a breach
    | 'breaching'
    | 'no-data' // nothing recent to judge by: goes on like a breach
    | 'taken' // somebody has acknowledged it
    | 'over';
  /** For the history, without patient data. */
  readonly reason: string;
}

export function recheck(alarm: Alarm, status: PatientStatus | undefined, nowMs: number): Recheck {
  if (alarm.state === 'resolved') return { verdict: 'over', reason: 'the alarm is resolved' };
  if (alarm.acknowledgedAtMs !== undefined) return { verdict: 'taken', reason: 'somebody has acknowledged it' };
  if (alarm.condition === 'present') return { verdict: 'breaching', reason: 'the condition is still present' };
  // Of the measurement, not of the patient: it measures again.
  if (alarm.kind === 'technical') return { verdict: 'recovered', reason: 'the technical condition has ended' };
  if (status === undefined || status.leadsOff || !isHeard(alarm, status, nowMs))
    return { verdict: 'no-data', reason: 'the condition had ended, but nothing recent says that it stays so' };
  return isBeyond(alarm, status)
    ? { verdict: 'breaching', reason: 'the latest value is beyond the limit' }
    : { verdict: 'recovered', reason: 'the condition has ended, and the latest value is recent' };
}

/** Whether the vital that alarmed was heard lately; where no single one did, whether anything was. */
function isHeard({ cause }: Alarm, status: PatientStatus, nowMs: number): boolean {
  const current = cause.vital === undefined || cause.vital === 'news2' ? undefined : status.values[cause.vital];
  if (current !== undefined) return nowMs - current.receivedAtMs < freshnessOf(current.intervalMs).lostAfterMs;
  if (cause.vital !== undefined && cause.vital !== 'news2') return false;
  return Object.values(status.values).some(
    (each) => each !== undefined && nowMs - each.receivedAtMs < freshnessOf(each.intervalMs).lostAfterMs,
  );
}

/**
 * By the limit that rang. Where it was widened since, this asks for one person too many rather than one too few; where a
 * new breach has begun that is not sustained yet, it keeps the old alarm going.
 */
function isBeyond({ cause }: Alarm, status: PatientStatus): boolean {
  const { vital, comparison, limit } = cause;
  if (vital === undefined || limit === undefined) return false;
  const value = vital === 'news2' ? status.news2?.score : status.values[vital]?.value;
  if (value === undefined) return false;
  if (comparison === 'at-least') return value >= limit;
  return comparison === 'above' ? value > limit : value < limit;
}
