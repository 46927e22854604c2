import { type EventFigures, eventTally } from './alarm-burden-events.ts';
import { type BurdenSide, burdenSide, type SideFigures } from './alarm-burden-side.ts';
import { JUDGED_WITHIN_MS } from './assess.ts';
import type { AssessRules, CompiledRules } from './assess-rules.ts';
import { evaluation } from './evaluate.ts';
import type { BedId, PatientId } from './ids.ts';
import { measuredTime } from './measured-time.ts';
import type { AssignedReading } from './reading.ts';
import { followRinging, vitalsLookedAt } from './ringing.ts';
import { watchEvents } from './sustained-events.ts';
import type { VitalName } from './vital.ts';

/**
 * What a change of rules would have meant: the same readings judged twice, by the rules before and after, and what each
 * rang counted side by side. Patients come one after another, in any order, readings one by one in the order in which
 * they were received; held are the counts, and the state of the patient at hand.
 */
export interface AlarmBurden {
  patient(patient: BurdenPatient): PatientBurden;
  figures(): BurdenFigures;
}

export interface BurdenPatient {
  readonly patientId: PatientId;
  readonly bedId?: BedId;
  readonly before: AssessRules;
  readonly after: AssessRules;
}

export interface PatientBurden {
  take(reading: AssignedReading): void;
  /** Nothing more comes, or nothing was received until then. */
  end(untilMs?: number): void;
}

export interface BurdenFigures {
  /** Who was measured at all. */
  readonly patients: number;
  readonly measuredMs: number;
  readonly readings: number;
  /** Received too late to be judged, and not counted among the readings. */
  readonly late: number;
  readonly before: SideFigures;
  readonly after: SideFigures;
  readonly sustained: EventFigures;
  /** Hours in which somebody was measured or something rang, in order. */
  readonly hours: readonly BurdenHour[];
}

export interface BurdenHour {
  readonly fromMs: number;
  readonly measuredMs: number;
  /** Physiological alarms that began in it. */
  readonly before: number;
  readonly after: number;
}

/** `intervalMs`: how often there are readings, until they show it themselves; needed where they are hours apart. */
export function alarmBurden(options: { readonly intervalMs?: number } = {}): AlarmBurden {
  const sides = [burdenSide(), burdenSide()] as const;
  const events = eventTally();
  const hours = new Map<number, Hour>();
  const looksAt = new Map<CompiledRules, ReadonlyMap<string, ReadonlySet<VitalName>>>();
  const total = { patients: 0, measuredMs: 0, readings: 0, late: 0 };

  function hourOf(atMs: number): Hour {
    const fromMs = Math.floor(atMs / HOUR_MS) * HOUR_MS;
    let hour = hours.get(fromMs);
    if (hour === undefined) {
      hour = { measuredMs: 0, began: [0, 0] };
      hours.set(fromMs, hour);
    }
    return hour;
  }

  function looksAtOf(compiled: CompiledRules): ReadonlyMap<string, ReadonlySet<VitalName>> {
    let known = looksAt.get(compiled);
    if (known === undefined) {
      known = vitalsLookedAt(compiled);
      looksAt.set(compiled, known);
    }
    return known;
  }

  /** One patient judged by one set of rules. */
  function judged(who: BurdenPatient, rules: AssessRules, side: BurdenSide, way: 0 | 1) {
    const counted = side.patient();
    const ringing = followRinging(looksAtOf(rules.compiled));
    const judging = evaluation(who.patientId, rules, (transition) => {
      ringing.take(transition);
      counted.take(transition);
      if (transition.kind === 'began' && transition.alarmKind === 'physiological') hourOf(transition.atMs).began[way]++;
    });
    return { counted, ringing, judging };
  }

  return {
    patient(who) {
      const before = judged(who, who.before, sides[0], 0);
      const after = judged(who, who.after, sides[1], 1);
      const measured = measuredTime(options.intervalMs);
      const watch = watchEvents([before.ringing.ringingFor, after.ringing.ringingFor], (event) =>
        events.take(who, event),
      );
      let measuredMs = 0;
      let isHeard = false;

      function grow(reading: AssignedReading): void {
        const grownMs = measured.take(reading);
        if (grownMs === 0) return;
        measuredMs += grownMs;
        for (const { counted, ringing } of [before, after])
          if (ringing.present.size > 0) counted.grow(grownMs, ringing.present);
        let leftMs = grownMs;
        for (let untilMs = reading.atMs; leftMs > 0; ) {
          const hourMs = Math.floor((untilMs - 1) / HOUR_MS) * HOUR_MS;
          const partMs = Math.min(leftMs, untilMs - hourMs);
          hourOf(hourMs).measuredMs += partMs;
          leftMs -= partMs;
          untilMs = hourMs;
        }
      }

      return {
        take(reading) {
          if (reading.receivedAtMs - reading.atMs > JUDGED_WITHIN_MS) {
            total.late++;
            return;
          }
          isHeard = true;
          total.readings++;
          grow(reading);
          before.judging.take(reading);
          after.judging.take(reading);
          watch.take(reading);
        },
        end(untilMs) {
          watch.end();
          if (untilMs !== undefined) for (const { judging } of [before, after]) judging.beSilent(untilMs);
          if (!isHeard) return;
          total.patients++;
          total.measuredMs += measuredMs;
          const { patientId, bedId } = who;
          for (const { counted } of [before, after])
            counted.end({ patientId, ...(bedId === undefined ? {} : { bedId }), measuredMs });
        },
      };
    },
    figures: () => ({
      ...total,
      before: sides[0].figures(),
      after: sides[1].figures(),
      sustained: events.figures(),
      hours: [...hours]
        .sort(([a], [b]) => a - b)
        .map(([fromMs, { measuredMs, began }]) => ({ fromMs, measuredMs, before: began[0], after: began[1] })),
    }),
  };
}

interface Hour {
  measuredMs: number;
  readonly began: [number, number];
}

const HOUR_MS = 3_600_000;
