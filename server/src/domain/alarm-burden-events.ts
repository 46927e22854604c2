import { PRIORITY_RANK } from './assess-rules.ts';
import type { BedId, PatientId } from './ids.ts';
import { CRITICAL_LIMITS, type CriticalLimit, type SustainedEvent } from './sustained-events.ts';

/** How two sets of rules, before and after, did on the sustained events. */
export interface EventFigures {
  readonly events: number;
  readonly before: CaughtFigures;
  readonly after: CaughtFigures;
  readonly newlyMissed: number;
  readonly newlyCaught: number;
  /** Caught by both, later than before. */
  readonly delayed: number;
  readonly delayedByMs: Spread | undefined;
  readonly earlier: number;
  /** Caught by both, with a less urgent alarm than before. */
  readonly lessUrgent: number;
  readonly byLimit: readonly {
    readonly limit: CriticalLimit;
    readonly events: number;
    readonly missedBefore: number;
    readonly missedAfter: number;
  }[];
  /** Newly missed first, the longest of them first; then what comes latest. */
  readonly worst: readonly WorseEvent[];
}

export interface CaughtFigures {
  readonly caught: number;
  readonly missed: number;
  /** Of those caught. */
  readonly delayMs: Spread | undefined;
}

export interface Spread {
  readonly p50: number;
  readonly max: number;
}

export interface WorseEvent {
  readonly patientId: PatientId;
  readonly bedId?: BedId;
  readonly limit: CriticalLimit;
  readonly fromMs: number;
  readonly lastedMs: number;
  readonly delayBeforeMs: number;
  /** Undefined: missed. */
  readonly delayAfterMs: number | undefined;
}

/** As many as a person looks through. */
const WORST_MAX = 20;

export function eventTally() {
  const delays: { readonly before: number[]; readonly after: number[]; readonly added: number[] } = {
    before: [],
    after: [],
    added: [],
  };
  const counts = { events: 0, missedBefore: 0, missedAfter: 0 };
  const changed = { newlyMissed: 0, newlyCaught: 0, earlier: 0, lessUrgent: 0 };
  const byLimit = new Map(CRITICAL_LIMITS.map((limit) => [limit, { events: 0, missedBefore: 0, missedAfter: 0 }]));
  let worst: WorseEvent[] = [];

  function take(who: { readonly patientId: PatientId; readonly bedId?: BedId }, event: SustainedEvent): void {
    const { limit, fromMs, untilMs } = event;
    const [before, after] = event.heard;
    for (const count of [counts, byLimit.get(limit)]) {
      if (count === undefined) continue;
      count.events++;
      if (before === undefined) count.missedBefore++;
      if (after === undefined) count.missedAfter++;
    }
    if (before !== undefined) delays.before.push(before.delayMs);
    if (after !== undefined) delays.after.push(after.delayMs);
    if (before === undefined) {
      if (after !== undefined) changed.newlyCaught++;
      return;
    }
    const addedMs = after === undefined ? undefined : after.delayMs - before.delayMs;
    if (after === undefined || addedMs === undefined) changed.newlyMissed++;
    else {
      if (PRIORITY_RANK[after.priority] < PRIORITY_RANK[before.priority]) changed.lessUrgent++;
      if (addedMs < 0) changed.earlier++;
      if (addedMs > 0) delays.added.push(addedMs);
      else return;
    }
    worst.push({
      patientId: who.patientId,
      ...(who.bedId === undefined ? {} : { bedId: who.bedId }),
      limit,
      fromMs,
      lastedMs: untilMs - fromMs,
      delayBeforeMs: before.delayMs,
      delayAfterMs: after?.delayMs,
    });
    if (worst.length >= 10 * WORST_MAX) worst = worst.sort(byHarm).slice(0, WORST_MAX);
  }

  return {
    take,
    figures: (): EventFigures => ({
      events: counts.events,
      before: caught(counts.missedBefore, delays.before),
      after: caught(counts.missedAfter, delays.after),
      ...changed,
      delayed: delays.added.length,
      delayedByMs: spread(delays.added),
      byLimit: [...byLimit].map(([limit, count]) => ({ limit, ...count })),
      worst: worst.sort(byHarm).slice(0, WORST_MAX),
    }),
  };
}

function caught(missed: number, delays: readonly number[]): CaughtFigures {
  return { caught: delays.length, missed, delayMs: spread(delays) };
}

/** The lower of the two middle ones, where there are two: a delay that was really there. */
function spread(values: readonly number[]): Spread | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const p50 = sorted[Math.ceil(sorted.length / 2) - 1];
  const max = sorted.at(-1);
  return p50 === undefined || max === undefined ? undefined : { p50, max };
}

/** Ties by patient and time, so that the order of the patients does not show. */
function byHarm(a: WorseEvent, b: WorseEvent): number {
  return (
    harm(b) - harm(a) ||
    b.lastedMs - a.lastedMs ||
    (a.patientId < b.patientId ? -1 : a.patientId > b.patientId ? 1 : a.fromMs - b.fromMs) ||
    CRITICAL_LIMITS.indexOf(a.limit) - CRITICAL_LIMITS.indexOf(b.limit)
  );
}

function harm({ delayBeforeMs, delayAfterMs }: WorseEvent): number {
  return delayAfterMs === undefined ? Number.MAX_SAFE_INTEGER : delayAfterMs - delayBeforeMs;
}
