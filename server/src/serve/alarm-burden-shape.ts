import type {
  AlarmBurdenComparison,
  AlarmBurdenWarning,
  AlarmBurdenPreview as Shown,
  AlarmBurden as ShownSide,
  SustainedEvents,
} from '@healthsync/contracts/alarm-burden';
import type { BurdenAnswer } from '../analytics/alarm-burden-run.ts';
import type { BurdenPreview } from '../analytics/burden-desk.ts';
import type { EventFigures } from '../domain/alarm-burden-events.ts';
import type { SideFigures } from '../domain/alarm-burden-side.ts';
import { EVENT_LASTS_MS } from '../domain/sustained-events.ts';
import { iso } from './rule-chain.ts';

/** What an answer is shown with. */
export interface ShownWith {
  /** Of the rules it was compared with. */
  readonly revision: number;
  readonly dataset?: string;
  readonly hasOverrides: boolean;
  readonly isNoChange: boolean;
}

export function showPreview(preview: BurdenPreview<ShownWith>, maySeePatients: boolean): Shown {
  const { id, state, progress, askedAtMs, answer, failed, about } = preview;
  return {
    id,
    state,
    progress: { ...progress, share: rounded(progress.share, 3) },
    askedAt: iso(askedAtMs),
    ...(answer === undefined ? {} : { comparison: showComparison(answer, about, maySeePatients) }),
    ...(failed === undefined ? {} : { problem: { code: failed.code, detail: failed.detail } }),
  };
}

export function showComparison(answer: BurdenAnswer, about: ShownWith, maySeePatients: boolean): AlarmBurdenComparison {
  const { figures, fromMs, toMs, tookMs } = answer;
  const { dataset, revision } = about;
  const days = figures.measuredMs / DAY_MS;
  return {
    basis: {
      source: dataset === undefined ? 'history' : 'dataset',
      ...(dataset === undefined ? {} : { dataset }),
      from: iso(fromMs),
      to: iso(toMs),
      revision,
      patients: figures.patients,
      patientDays: rounded(days, 3),
      readings: figures.readings,
      tookMs,
    },
    before: showSide(figures.before, days, maySeePatients),
    after: showSide(figures.after, days, maySeePatients),
    sustained: showEvents(figures.sustained, maySeePatients),
    timeline: figures.hours.slice(-TIMELINE_MAX).map((hour) => ({
      at: iso(hour.fromMs),
      patientHours: rounded(hour.measuredMs / HOUR_MS, 2),
      before: hour.before,
      after: hour.after,
    })),
    warnings: warningsOf(answer, about),
    how: howOf(answer, about),
  };
}

function showSide(side: SideFigures, days: number, maySeePatients: boolean): ShownSide {
  const { high, medium, low } = side.alarms;
  const all = high + medium + low;
  return {
    alarms: { all, high, medium, low },
    alarmsPerPatientDay: {
      all: perDay(all, days),
      high: perDay(high, days),
      medium: perDay(medium, days),
      low: perDay(low, days),
    },
    technical: { alarms: side.technical, perPatientDay: perDay(side.technical, days) },
    minutesInAlarm: minutes(side.inAlarmMs),
    minutesInAlarmPerPatientDay: perDay(side.inAlarmMs / MINUTE_MS, days),
    byRule: side.rules.slice(0, RULES_MAX).map(({ ruleId, kind, priority, alarms, patients, presentMs }) => ({
      ruleId,
      kind,
      priority,
      alarms,
      perPatientDay: perDay(alarms, days),
      patients,
      minutes: minutes(presentMs),
    })),
    busiest: maySeePatients
      ? side.busiest.map(({ patientId, bedId, alarms, measuredMs }) => ({
          patientId,
          ...(bedId === undefined ? {} : { bedId }),
          alarms,
          perDay: perDay(alarms, measuredMs / DAY_MS),
        }))
      : [],
  };
}

function showEvents(events: EventFigures, maySeePatients: boolean): SustainedEvents {
  const { before, after, delayedByMs, byLimit, worst, ...counts } = events;
  const caught = ({ caught, missed, delayMs }: EventFigures['before']) => ({
    caught,
    missed,
    ...(delayMs === undefined ? {} : { delayMs }),
  });
  return {
    lastsMs: EVENT_LASTS_MS,
    ...counts,
    before: caught(before),
    after: caught(after),
    ...(delayedByMs === undefined ? {} : { delayedByMs }),
    byLimit: byLimit.map(({ limit, ...count }) => ({ ...limit, ...count })),
    worst: maySeePatients
      ? worst.map(({ limit, fromMs, delayAfterMs, ...event }) => ({
          ...limit,
          ...event,
          at: iso(fromMs),
          ...(delayAfterMs === undefined ? {} : { delayAfterMs }),
        }))
      : [],
  };
}

function warningsOf(answer: BurdenAnswer, about: ShownWith): AlarmBurdenWarning[] {
  const { figures, fromMs, toMs, patients, patientsDone, isCut } = answer;
  const days = figures.measuredMs / DAY_MS;
  const { dataset, hasOverrides, isNoChange } = about;
  const possibleDays = (figures.patients * (toMs - fromMs)) / DAY_MS;
  const found: [boolean, AlarmBurdenWarning['code'], string][] = [
    [figures.readings === 0, 'no-data', 'Nothing was measured in this time.'],
    [figures.readings > 0 && days < 1, 'little-data', 'Less than one patient-day was measured: chance weighs much.'],
    [
      dataset === undefined && figures.readings > 0 && days < possibleDays / 2,
      'gaps',
      `Measured for ${Math.round((100 * days) / possibleDays)} % of the time; the rest is not counted.`,
    ],
    [
      isCut,
      'newest-part-only',
      `There is too much to go through: only the newest ${hoursText(toMs - fromMs)} were used.`,
    ],
    [
      patientsDone < patients && (figures.readings > 0 || dataset === undefined),
      'first-part-only',
      `It took too long or was too much: ${patientsDone} of ${patients} patients were used to the end.`,
    ],
    [
      dataset !== undefined,
      'coarse-data',
      'Recorded charts have about one reading an hour: what lasts for seconds or minutes cannot show.',
    ],
    [isNoChange, 'no-change', 'These are the rules that hold already.'],
    [hasOverrides, 'overrides', 'A time-limited rule holds now, and was taken to have held all the time.'],
  ];
  return found.filter(([is]) => is).map(([, code, detail]) => ({ code, detail }));
}

function howOf({ figures, patients }: BurdenAnswer, { dataset }: ShownWith): string[] {
  const late = figures.late > 0 ? ` ${figures.late} that came later than an hour were left out, as they are live.` : '';
  return [
    dataset === undefined
      ? `Every reading of the ${patients} patients who lie there now was judged again, by the rules of today and by those proposed.${late}`
      : 'Every recorded patient was judged by the rules that hold in this place, and by those proposed; conditions of the measurement were left out.',
    'An alarm is counted each time its condition begins, with the priority it began with; who answered it, snoozing and repeated telling do not matter here.',
    'A patient-day is a day of measurement: time in which values went stale does not count.',
    `A sustained event is a value beyond a fixed critical limit for at least ${EVENT_LASTS_MS / 1_000} s, by two readings or more without a gap. It is caught if an alarm of a rule that looks at this vital was there while it lasted; the delay is from its first reading.`,
    'The critical limits do not depend on any rule: heart rate above 160 and SpO₂ below 85, and the outer bands of NEWS2.',
  ];
}

/** As many as the contract names. */
const TIMELINE_MAX = 400;
const RULES_MAX = 200;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Without measured time there is no rate. */
function perDay(amount: number, days: number): number {
  return days > 0 ? rounded(amount / days, 2) : 0;
}

function minutes(ms: number): number {
  return rounded(ms / MINUTE_MS, 1);
}

function hoursText(ms: number): string {
  const hours = Math.round(ms / HOUR_MS);
  return hours % 24 === 0 ? `${hours / 24} days` : `${hours} hours`;
}

function rounded(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}
