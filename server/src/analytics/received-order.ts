import { JUDGED_WITHIN_MS } from '../domain/assess.ts';
import type { AssignedReading } from '../domain/reading.ts';

/**
 * Readings come from history as they were measured, and are judged as they were received. One that comes later than an
 * hour is not judged at all, so an hour of them is held back, and no more.
 */
export function receivedOrder(take: (reading: AssignedReading) => void) {
  let held: AssignedReading[] = [];

  function release(untilMs: number): void {
    held.sort((a, b) => a.receivedAtMs - b.receivedAtMs);
    const isLater = (reading: AssignedReading) => reading.receivedAtMs >= untilMs;
    const cut = held.findIndex(isLater);
    const ready = cut < 0 ? held : held.slice(0, cut);
    held = cut < 0 ? [] : held.slice(cut);
    for (const reading of ready) take(reading);
  }

  return {
    /** What was measured before `untilMs`, and after everything added before. */
    add(readings: readonly AssignedReading[], untilMs: number): void {
      for (const reading of readings)
        if (reading.receivedAtMs - reading.atMs > JUDGED_WITHIN_MS) take(reading);
        else held.push(reading);
      // A device's clock may run ahead by an hour at most (HEALTHSYNC_CLOCK_AHEAD_SECONDS).
      release(untilMs - CLOCK_AHEAD_MAX_MS);
    },
    end: () => release(Number.POSITIVE_INFINITY),
  };
}

const CLOCK_AHEAD_MAX_MS = 3_600_000;
