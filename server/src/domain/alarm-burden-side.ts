import type { AlarmKind, ConditionTransition, Priority } from './alarm.ts';
import type { BedId, PatientId } from './ids.ts';
import type { PresentCondition } from './ringing.ts';

/** What one set of rules rang, over all patients. */
export interface SideFigures {
  /** Physiological ones, by the priority with which each began. */
  readonly alarms: Readonly<Record<Priority, number>>;
  readonly technical: number;
  /** In which a patient had a physiological alarm, while they were measured. */
  readonly inAlarmMs: number;
  /** The most alarms first. */
  readonly rules: readonly RuleFigures[];
  /** The most physiological alarms first. */
  readonly busiest: readonly BusyPatient[];
}

export interface RuleFigures {
  readonly ruleId: string;
  readonly kind: AlarmKind;
  readonly priority: Priority;
  readonly alarms: number;
  readonly patients: number;
  readonly presentMs: number;
}

export interface BusyPatient {
  readonly patientId: PatientId;
  readonly bedId?: BedId;
  readonly alarms: number;
  readonly measuredMs: number;
}

export interface BurdenSide {
  /** One patient's part, added to the whole when it ends. */
  patient(): PatientSide;
  figures(): SideFigures;
}

export interface PatientSide {
  take(transition: ConditionTransition): void;
  /** The patient was measured for so much longer, with these conditions present. */
  grow(measuredMs: number, present: ReadonlyMap<string, PresentCondition>): void;
  end(who: { readonly patientId: PatientId; readonly bedId?: BedId; readonly measuredMs: number }): void;
}

/** As many as a person looks at. */
const BUSIEST_MAX = 10;

interface OfRule {
  readonly kind: AlarmKind;
  readonly priority: Priority;
  alarms: number;
  patients: number;
  presentMs: number;
}

export function burdenSide(): BurdenSide {
  const alarms = { high: 0, medium: 0, low: 0 };
  let technical = 0;
  let inAlarmMs = 0;
  const rules = new Map<string, OfRule>();
  let busiest: BusyPatient[] = [];

  function ofRule(rule: string, kind: AlarmKind, priority: Priority): OfRule {
    let known = rules.get(rule);
    if (known === undefined) {
      known = { kind, priority, alarms: 0, patients: 0, presentMs: 0 };
      rules.set(rule, known);
    }
    return known;
  }

  return {
    patient() {
      const rang = new Set<OfRule>();
      let own = 0;
      return {
        take({ kind, rule, alarmKind, priority }) {
          if (kind !== 'began') return;
          const found = ofRule(rule, alarmKind, priority);
          found.alarms++;
          rang.add(found);
          if (alarmKind === 'technical') {
            technical++;
            return;
          }
          alarms[priority]++;
          own++;
        },
        grow(measuredMs, present) {
          let isInAlarm = false;
          for (const [rule, { kind, priority }] of present) {
            ofRule(rule, kind, priority).presentMs += measuredMs;
            isInAlarm ||= kind === 'physiological';
          }
          if (isInAlarm) inAlarmMs += measuredMs;
        },
        end(who) {
          for (const each of rang) each.patients++;
          if (own === 0) return;
          busiest.push({ ...who, alarms: own });
          busiest = busiest.sort(byAlarms).slice(0, BUSIEST_MAX);
        },
      };
    },
    figures: () => ({
      alarms: { ...alarms },
      technical,
      inAlarmMs,
      rules: [...rules].map(([ruleId, found]) => ({ ruleId, ...found })).sort(byRuleAlarms),
      busiest: [...busiest],
    }),
  };
}

/** Ties by id, so that the order of the patients does not show. */
function byAlarms(a: BusyPatient, b: BusyPatient): number {
  return b.alarms - a.alarms || compare(a.patientId, b.patientId);
}

function byRuleAlarms(a: RuleFigures, b: RuleFigures): number {
  return b.alarms - a.alarms || compare(a.ruleId, b.ruleId);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
