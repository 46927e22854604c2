import type { PatientId } from '../../server/src/domain/ids.ts';
import type { AssignedReading } from '../../server/src/domain/reading.ts';
import { seededRandom } from '../../server/src/simulation/random.ts';
import { metBy, type SustainedEvent } from './events.ts';
import { judge, readingsBeyond } from './judged.ts';
import { callsFor } from './people.ts';
import type { RuleSet } from './rule-sets.ts';

/** One patient under one rule set. */
export interface PatientCounts {
  readonly alarms: number;
  readonly pages: number;
  readonly again: number;
  /** Pages with a sustained event under way, or beginning within two hours. */
  readonly pagesAtEvents: number;
  readonly missed: number;
  readonly unpaged: number;
  readonly delaysMs: readonly number[];
}

/** All that is known of one patient: what is resampled. */
export interface PatientRow {
  readonly days: number;
  readonly events: number;
  /** By rule set. */
  readonly of: readonly PatientCounts[];
}

const SOON_MS = 7_200_000;
const DAY_MS = 86_400_000;

/** `days`: from the first reading to the last, and as long again as two readings lie apart. */
export function patientDays(readings: readonly AssignedReading[], everyMs: number): number {
  const first = readings[0]?.atMs ?? 0;
  return ((readings.at(-1)?.atMs ?? first) - first + everyMs) / DAY_MS;
}

export function countPatient(
  set: RuleSet,
  patient: {
    readonly patientId: PatientId;
    readonly readings: readonly AssignedReading[];
    readonly events: readonly SustainedEvent[];
    readonly untilMs: number;
  },
): PatientCounts {
  const { patientId, readings, events, untilMs } = patient;
  const judged = judge(set, patientId, readings);
  const met = events.map((event) => metBy(event, judged.spans));
  const isAtEvent = ({ atMs }: { readonly atMs: number }) =>
    events.some(({ fromMs, untilMs: overMs }) => fromMs <= atMs + SOON_MS && atMs <= overMs);
  const { alarms, news, again } = set.isEachReading === true ? each(set, readings) : lived();

  function lived() {
    const { news, again } = callsFor(judged.transitions, untilMs);
    return { alarms: judged.transitions.filter(({ kind }) => kind === 'began').length, news, again };
  }

  return {
    alarms,
    pages: news.length,
    again,
    pagesAtEvents: news.filter(isAtEvent).length,
    missed: met.filter(({ alarmDelayMs }) => alarmDelayMs === undefined).length,
    unpaged: met.filter(({ pageDelayMs }) => pageDelayMs === undefined).length,
    delaysMs: met.flatMap(({ pageDelayMs }) => pageDelayMs ?? []),
  };
}

/** Nothing is remembered from one reading to the next: what is beyond a limit rings, and its reading is one message. */
function each(set: RuleSet, readings: readonly AssignedReading[]) {
  const beyond = readingsBeyond(set, readings);
  return { alarms: beyond.values, news: beyond.readings, again: 0 };
}

export interface Figures {
  readonly alarmsPerDay: number;
  readonly pagesPerDay: number;
  readonly againPerDay: number;
  /** New pages, and all pages, against those of the first rule set. */
  readonly fewerNew: number;
  readonly fewerAll: number;
  readonly pagesAtEvents: number;
  readonly missed: number;
  readonly unpaged: number;
  readonly delayMs: { readonly p50: number; readonly p90: number; readonly max: number } | undefined;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface SetFigures extends Figures {
  /** 95 % of what patients drawn anew give. */
  readonly interval: Readonly<
    Record<'alarmsPerDay' | 'pagesPerDay' | 'fewerNew' | 'fewerAll' | 'pagesAtEvents', Interval>
  >;
}

/** As many draws as make the second digit of a bound stand still. */
const DRAWS = 1_000;

export function figuresOf(rows: readonly PatientRow[], sets: number): readonly SetFigures[] {
  const point = Array.from({ length: sets }, (_, set) => sumOf(rows, set));
  const drawn = bootstrap(rows, sets);
  return point.map((sum, set) => {
    const figures = ratesOf(sum, point[0] as Sum);
    const bounds = (key: keyof SetFigures['interval']): Interval => {
      const sorted = drawn.map((sums) => ratesOf(sums[set] as Sum, sums[0] as Sum)[key]).sort((a, b) => a - b);
      return { low: sorted[Math.floor(0.025 * DRAWS)] ?? 0, high: sorted[Math.ceil(0.975 * DRAWS) - 1] ?? 0 };
    };
    return {
      ...figures,
      missed: total(rows, set, 'missed'),
      unpaged: total(rows, set, 'unpaged'),
      delayMs: spread(rows.flatMap(({ of }) => of[set]?.delaysMs ?? [])),
      interval: {
        alarmsPerDay: bounds('alarmsPerDay'),
        pagesPerDay: bounds('pagesPerDay'),
        fewerNew: bounds('fewerNew'),
        fewerAll: bounds('fewerAll'),
        pagesAtEvents: bounds('pagesAtEvents'),
      },
    };
  });
}

interface Sum {
  days: number;
  alarms: number;
  pages: number;
  again: number;
  pagesAtEvents: number;
}

function sumOf(rows: readonly PatientRow[], set: number): Sum {
  const sum: Sum = { days: 0, alarms: 0, pages: 0, again: 0, pagesAtEvents: 0 };
  for (const row of rows) add(sum, row, set);
  return sum;
}

function add(sum: Sum, { days, of }: PatientRow, set: number): void {
  const counts = of[set];
  if (counts === undefined) return;
  sum.days += days;
  sum.alarms += counts.alarms;
  sum.pages += counts.pages;
  sum.again += counts.again;
  sum.pagesAtEvents += counts.pagesAtEvents;
}

function ratesOf(sum: Sum, first: Sum) {
  return {
    alarmsPerDay: sum.alarms / sum.days,
    pagesPerDay: sum.pages / sum.days,
    againPerDay: sum.again / sum.days,
    fewerNew: 1 - sum.pages / (first.pages + first.again),
    fewerAll: 1 - (sum.pages + sum.again) / (first.pages + first.again),
    pagesAtEvents: sum.pages === 0 ? 0 : sum.pagesAtEvents / sum.pages,
  };
}

/** Patients drawn with replacement: readings and alarms of one patient are not independent of each other. */
function bootstrap(rows: readonly PatientRow[], sets: number): readonly (readonly Sum[])[] {
  const random = seededRandom(20_261_122);
  // A column for each figure of each set: summed by how often each patient was drawn.
  const columns = Array.from({ length: sets }, (_, set) =>
    FIGURES.map((figure) => Float64Array.from(rows, (row) => figure(row, set))),
  );
  return Array.from({ length: DRAWS }, () => {
    const drawn = new Uint16Array(rows.length);
    for (let draw = 0; draw < rows.length; draw++) {
      const index = Math.floor(random.next() * rows.length);
      drawn[index] = (drawn[index] ?? 0) + 1;
    }
    return columns.map(([days, alarms, pages, again, pagesAtEvents]) => ({
      days: weighted(days, drawn),
      alarms: weighted(alarms, drawn),
      pages: weighted(pages, drawn),
      again: weighted(again, drawn),
      pagesAtEvents: weighted(pagesAtEvents, drawn),
    }));
  });
}

const FIGURES: readonly ((row: PatientRow, set: number) => number)[] = [
  ({ days }) => days,
  ({ of }, set) => of[set]?.alarms ?? 0,
  ({ of }, set) => of[set]?.pages ?? 0,
  ({ of }, set) => of[set]?.again ?? 0,
  ({ of }, set) => of[set]?.pagesAtEvents ?? 0,
];

function weighted(column: Float64Array = new Float64Array(), drawn: Uint16Array): number {
  let sum = 0;
  for (let index = 0; index < column.length; index++) sum += (column[index] ?? 0) * (drawn[index] ?? 0);
  return sum;
}

function total(rows: readonly PatientRow[], set: number, what: 'missed' | 'unpaged'): number {
  return rows.reduce((sum, { of }) => sum + (of[set]?.[what] ?? 0), 0);
}

function spread(values: readonly number[]): Figures['delayMs'] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  const [p50, p90, max] = [at(0.5), at(0.9), sorted.at(-1)];
  return p50 === undefined || p90 === undefined || max === undefined ? undefined : { p50, p90, max };
}
