import type { Priority } from '../../server/src/domain/alarm.ts';
import type { AssignedReading } from '../../server/src/domain/reading.ts';
import { CRITICAL_LIMITS, type CriticalLimit, EVENT_LASTS_MS } from '../../server/src/domain/sustained-events.ts';
import { isBeyond } from '../../server/src/domain/threshold.ts';
import type { VitalName } from '../../server/src/domain/vital.ts';

/**
 * A sustained event, defined before any result was looked at: a vital beyond a critical limit (`CRITICAL_LIMITS`: heart
 * rate above 160, SpO2 below 85, and the bands that score 3 in NEWS2) in at least two of its measurements in a row, none
 * more than two hours after the one before, the last at least a minute after the first.
 */
export interface SustainedEvent {
  readonly limit: CriticalLimit;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** An hourly round, missed once. */
export const MEASUREMENTS_APART_MAX_MS = 7_200_000;

export function sustainedEvents(readings: readonly AssignedReading[]): readonly SustainedEvent[] {
  return CRITICAL_LIMITS.flatMap((limit) => {
    const events: SustainedEvent[] = [];
    let first: number | undefined;
    let lastMs = 0;
    const close = () => {
      if (first !== undefined && lastMs - first >= EVENT_LASTS_MS)
        events.push({ limit, fromMs: first, untilMs: lastMs });
      first = undefined;
    };
    for (const { vitals, atMs } of readings) {
      const value = vitals[limit.vital];
      if (value === undefined) continue;
      if (!isBeyond(limit, value)) close();
      else {
        if (first !== undefined && atMs - lastMs > MEASUREMENTS_APART_MAX_MS) close();
        first ??= atMs;
        lastMs = atMs;
      }
    }
    close();
    return events;
  });
}

/** The time of an alarm, cut where its priority changed. */
export interface Span {
  readonly vitals: ReadonlySet<VitalName>;
  readonly priority: Priority;
  /** When the alarm began, which a change of priority does not change. */
  readonly begunMs: number;
  readonly fromMs: number;
  untilMs: number;
}

/** How an event was met: by what rang while it lasted and looks at its vital. Undefined: it was not. */
export interface Met {
  /** From its first reading to the alarm, 0 where that was there before. */
  readonly alarmDelayMs: number | undefined;
  /** The same, for alarms for which a person is called (medium and high). */
  readonly pageDelayMs: number | undefined;
}

export function metBy({ limit, fromMs, untilMs }: SustainedEvent, spans: readonly Span[]): Met {
  let alarmDelayMs: number | undefined;
  let pageDelayMs: number | undefined;
  for (const span of spans) {
    if (span.fromMs > untilMs || span.untilMs <= fromMs || !span.vitals.has(limit.vital)) continue;
    alarmDelayMs = Math.min(alarmDelayMs ?? Number.POSITIVE_INFINITY, Math.max(0, span.begunMs - fromMs));
    if (span.priority !== 'low')
      pageDelayMs = Math.min(pageDelayMs ?? Number.POSITIVE_INFINITY, Math.max(0, span.fromMs - fromMs));
  }
  return { alarmDelayMs, pageDelayMs };
}
