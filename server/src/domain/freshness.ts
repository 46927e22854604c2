import type { VitalName } from './vital.ts';

/**
 * When a value stops being news. A vital is stale once it is late by several of its own usual intervals, and lost some
 * while later: 5 s and 30 s for what is measured every second.
 */
export interface Freshness {
  readonly staleAfterMs: number;
  readonly lostAfterMs: number;
}

export function freshnessOf(intervalMs: number): Freshness {
  const staleAfterMs = Math.max(STALE_MIN_MS, STALE_INTERVALS * intervalMs);
  return { staleAfterMs, lostAfterMs: LOST_PER_STALE * staleAfterMs };
}

/** One lost packet and a slow network must not dim a tile. */
export const STALE_MIN_MS = 5_000;
export const STALE_INTERVALS = 5;
export const LOST_PER_STALE = 6;

/**
 * The usual interval after one more gap between two measurements (event time). Moves half way at each step, so that it
 * follows a device that was set to another interval within a few readings; a single long gap counts as at most eight
 * intervals, so that an hour without a device does not make its next silence go unnoticed for hours.
 */
export function learnInterval(intervalMs: number, gapMs: number): number {
  const heard = Math.min(Math.max(gapMs, 0), OUTLIER_INTERVALS * intervalMs);
  const learned = Math.round((intervalMs + heard) / 2);
  return Math.min(Math.max(learned, INTERVAL_MIN_MS), INTERVAL_MAX_MS);
}

const OUTLIER_INTERVALS = 8;
/** Faster than once a second is no reason to call a value stale sooner. */
export const INTERVAL_MIN_MS = 1_000;
/** Spot measurements rarer than hourly are not monitoring. */
export const INTERVAL_MAX_MS = 3_600_000;

/**
 * Assumed until a second measurement shows the real one. What is usually monitored continuously is taken to be, so that
 * a device that dies after its first reading is missed within 30 s; cuff pressure and temperature are spot checks.
 */
export function assumedIntervalMs(vital: VitalName): number {
  switch (vital) {
    case 'heartRate':
    case 'spo2':
    case 'respiratoryRate':
      return INTERVAL_MIN_MS;
    case 'temperature':
    case 'systolic':
    case 'diastolic':
    case 'mean':
      return 900_000;
    default:
      return vital satisfies never;
  }
}
