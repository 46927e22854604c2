import type { Priority } from './alarm.ts';
import { assumedIntervalMs, freshnessOf, learnInterval } from './freshness.ts';
import type { AssignedReading } from './reading.ts';
import type { LimitRule } from './rule.ts';
import { isBeyond } from './threshold.ts';
import { VITAL_NAMES, type VitalName } from './vital.ts';

export type CriticalLimit = Pick<LimitRule, 'vital' | 'comparison' | 'limit'>;

/**
 * Against what rules are held, whatever they say themselves: were it a limit of theirs, a rule that is switched off
 * could never miss anything. Heart rate and SpO2 by the critical limits of the source documents; the others by the outer
 * bands of NEWS2, where a single parameter scores 3 (RCP 2017, chart 1: respiratory rate ≤ 8 or ≥ 25, systolic ≤ 90 or
 * ≥ 220, pulse ≤ 40, temperature ≤ 35.0). Its limits are within ours, hence 40.5 for "41 is within".
 */
export const CRITICAL_LIMITS: readonly CriticalLimit[] = [
  { vital: 'heartRate', comparison: 'above', limit: 160 },
  { vital: 'heartRate', comparison: 'below', limit: 40.5 },
  { vital: 'spo2', comparison: 'below', limit: 85 },
  { vital: 'respiratoryRate', comparison: 'above', limit: 24.5 },
  { vital: 'respiratoryRate', comparison: 'below', limit: 8.5 },
  { vital: 'systolic', comparison: 'above', limit: 219.5 },
  { vital: 'systolic', comparison: 'below', limit: 90.5 },
  { vital: 'temperature', comparison: 'below', limit: 35.05 },
];

/** Beyond a critical limit for this long, by at least two readings, is no artefact: four times the longest delay the
 * literature recommends (15 s, Görges 2009), so that a rule may wait and still be in time. */
export const EVENT_LASTS_MS = 60_000;

/** A breach that lasted. */
export interface SustainedEvent {
  readonly limit: CriticalLimit;
  /** The first and the last reading beyond the limit. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** By each way of judging: undefined, nothing rang while it lasted. */
  readonly heard: readonly (Heard | undefined)[];
}

export interface Heard {
  /** After its first reading; 0 where the alarm was there before. */
  readonly delayMs: number;
  /** The most urgent that was there while it lasted. */
  readonly priority: Priority;
}

/** What rings now under one way of judging: the most urgent alarm that looks at this vital. */
export type RingingFor = (vital: VitalName) => { readonly priority: Priority; readonly sinceMs: number } | undefined;

export interface EventWatch {
  /** One patient's readings, as they were received, each after it was judged. */
  take(reading: AssignedReading): void;
  /** Nothing more comes. */
  end(): void;
}

interface Breach {
  readonly fromMs: number;
  untilMs: number;
  readings: number;
  readonly heard: ({ readonly delayMs: number; priority: Priority } | undefined)[];
}

/** Finds the sustained events of one patient, and when each way of judging rang. Holds one breach per limit. */
export function watchEvents(waysOfJudging: readonly RingingFor[], tell: (event: SustainedEvent) => void): EventWatch {
  const vitals = VITAL_NAMES.map((vital) => ({
    vital,
    lastMs: undefined as number | undefined,
    usualMs: assumedIntervalMs(vital),
    limits: CRITICAL_LIMITS.filter((limit) => limit.vital === vital).map((limit) => ({
      limit,
      breach: undefined as Breach | undefined,
    })),
  })).filter(({ limits }) => limits.length > 0);

  function close(watched: { readonly limit: CriticalLimit; breach: Breach | undefined }): void {
    const { limit, breach } = watched;
    if (breach === undefined) return;
    watched.breach = undefined;
    const { fromMs, untilMs, readings, heard } = breach;
    if (readings >= 2 && untilMs - fromMs >= EVENT_LASTS_MS) tell({ limit, fromMs, untilMs, heard });
  }

  function hear(breach: Breach, vital: VitalName): void {
    waysOfJudging.forEach((ringingFor, way) => {
      const ringing = ringingFor(vital);
      if (ringing === undefined) return;
      const { priority, sinceMs } = ringing;
      const known = breach.heard[way];
      if (known === undefined) breach.heard[way] = { delayMs: Math.max(0, sinceMs - breach.fromMs), priority };
      else if (URGENCY[priority] > URGENCY[known.priority]) known.priority = priority;
    });
  }

  return {
    take({ atMs, vitals: values, status }) {
      if (status.leadsOff === true) return;
      for (const each of vitals) {
        const value = values[each.vital];
        // As in judging: what is not newer than the known is history.
        if (value === undefined || (each.lastMs !== undefined && atMs <= each.lastMs)) continue;
        const gapMs = each.lastMs === undefined ? 0 : atMs - each.lastMs;
        const isGap = gapMs > freshnessOf(each.usualMs).staleAfterMs;
        if (gapMs !== 0 && gapMs !== each.usualMs) each.usualMs = learnInterval(each.usualMs, gapMs);
        each.lastMs = atMs;
        for (const watched of each.limits) {
          if (isGap) close(watched);
          if (!isBeyond(watched.limit, value)) {
            close(watched);
            continue;
          }
          watched.breach ??= { fromMs: atMs, untilMs: atMs, readings: 0, heard: waysOfJudging.map(() => undefined) };
          watched.breach.untilMs = atMs;
          watched.breach.readings++;
          hear(watched.breach, each.vital);
        }
      }
    },
    end() {
      for (const { limits } of vitals) for (const watched of limits) close(watched);
    },
  };
}

const URGENCY: Readonly<Record<Priority, number>> = { low: 0, medium: 1, high: 2 };
