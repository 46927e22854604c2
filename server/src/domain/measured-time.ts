import { freshnessOf, INTERVAL_MIN_MS, learnInterval } from './freshness.ts';
import type { AssignedReading } from './reading.ts';

/**
 * For how long a patient was measured: the time between two readings counts while the first was still fresh; of a longer
 * silence only its usual interval does. So a day with a device for six hours is a quarter of a patient-day, and alarms
 * per patient-day do not look few because nobody measured.
 */
export interface MeasuredTime {
  /** How much longer than before the patient was measured with this reading. */
  take(reading: AssignedReading): number;
}

/** `intervalMs`: how often there is a reading, until they show it themselves. */
export function measuredTime(intervalMs: number = INTERVAL_MIN_MS): MeasuredTime {
  let usualMs = intervalMs;
  let lastMs: number | undefined;
  return {
    take(reading) {
      if (!isMeasurement(reading)) return 0;
      const { atMs } = reading;
      if (lastMs === undefined) {
        lastMs = atMs;
        return 0;
      }
      const gapMs = atMs - lastMs;
      if (gapMs <= 0) return 0;
      lastMs = atMs;
      const isFresh = gapMs <= freshnessOf(usualMs).staleAfterMs;
      const grownMs = isFresh ? gapMs : usualMs;
      if (gapMs !== usualMs) usualMs = learnInterval(usualMs, gapMs);
      return grownMs;
    },
  };
}

function isMeasurement({ vitals, status }: AssignedReading): boolean {
  if (status.leadsOff === true) return false;
  for (const _ in vitals) return true;
  return false;
}
