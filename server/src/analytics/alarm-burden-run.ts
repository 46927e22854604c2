import { type AlarmBurden, alarmBurden, type BurdenFigures } from '../domain/alarm-burden.ts';

import { type AssessRules, assessRules, compileRules } from '../domain/assess-rules.ts';
import type { RuleInForce } from '../domain/rule.ts';
import type { ReadingArchive } from '../ports/reading-archive.ts';
import type { RecordedDatasets } from '../ports/recorded-datasets.ts';
import type { BurdenJob, JobPatient, OnDataset, OnHistory } from './alarm-burden-job.ts';
import { receivedOrder } from './received-order.ts';

export interface BurdenBounds {
  /**
   * Each judged by two sets of rules. Forty patients for a day, measured every second (3,456,000 readings), took 141 s on
   * two cores that others kept busy: so two such days fit into five minutes, and a person waits no longer.
   */
  readonly readingsMax: number;
  /** On a machine that is busy with better things: then what was done until then is the answer, and says so. */
  readonly timeMaxMs: number;
}
export const BURDEN_BOUNDS: BurdenBounds = { readingsMax: 7_000_000, timeMaxMs: 360_000 };

export interface BurdenAnswer {
  readonly figures: BurdenFigures;
  readonly fromMs: number;
  readonly toMs: number;
  /** Patients there were to look at, and how many of them were looked at to the end. */
  readonly patients: number;
  readonly patientsDone: number;
  /** Not all of the time that was asked for. */
  readonly isCut: boolean;
  readonly tookMs: number;
}

export interface BurdenProgress {
  /** 0 to 1. */
  readonly share: number;
  readonly patients: number;
  readonly patientsDone: number;
  readonly readings: number;
}

export interface BurdenParts {
  readonly archive: ReadingArchive;
  readonly datasets: RecordedDatasets;
  readonly bounds?: Partial<BurdenBounds>;
  readonly monotonicMs: () => number;
  readonly onProgress?: (progress: BurdenProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Goes through the readings of a job, an hour of one patient after another, so that never more than that is held.
 * Undefined: there is no such data set. Rejects with the signal's reason when it is taken back.
 */
export async function runAlarmBurden(job: BurdenJob, parts: BurdenParts): Promise<BurdenAnswer | undefined> {
  const bounds = { ...BURDEN_BOUNDS, ...parts.bounds };
  const { monotonicMs, signal } = parts;
  const startedMs = monotonicMs();
  const rules = compiledLists(job.ruleLists, job.on.source === 'dataset');
  const run: Run = {
    rulesOf: (patient) => ({ before: rules(patient.before, patient), after: rules(patient.after, patient) }),
    bounds,
    readings: 0,
    isOver: () => {
      signal?.throwIfAborted();
      return monotonicMs() - startedMs > bounds.timeMaxMs;
    },
    tell: (progress) => parts.onProgress?.(progress),
  };
  const answer =
    job.on.source === 'history'
      ? await onHistory(job.on, run, parts.archive)
      : await onDataset(job.on, run, parts.datasets);
  return answer && { ...answer, tookMs: Math.round(monotonicMs() - startedMs) };
}

interface Run {
  rulesOf(patient: Omit<JobPatient, 'patientId'>): { readonly before: AssessRules; readonly after: AssessRules };
  readonly bounds: BurdenBounds;
  readings: number;
  /** The time is over. Throws when it was taken back. */
  isOver(): boolean;
  tell(progress: BurdenProgress): void;
}

async function onHistory(
  { fromMs: askedMs, toMs, patients }: OnHistory,
  run: Run,
  archive: ReadingArchive,
): Promise<Omit<BurdenAnswer, 'tookMs'>> {
  const burden = alarmBurden();
  const fromMs = await newestThatFits(archive, { patients, fromMs: askedMs, toMs }, run);
  let patientsDone = 0;
  for (const patient of patients) {
    const share = (untilMs: number) => (patientsDone + (untilMs - fromMs) / (toMs - fromMs)) / patients.length;
    const isWhole = await countPatient(burden, patient, { fromMs, toMs }, run, archive, (untilMs) =>
      run.tell({ share: share(untilMs), patients: patients.length, patientsDone, readings: run.readings }),
    );
    if (!isWhole) break;
    patientsDone++;
  }
  const figures = burden.figures();
  return { figures, fromMs, toMs, patients: patients.length, patientsDone, isCut: fromMs > askedMs };
}

/** False: the time was over before the patient's. */
async function countPatient(
  burden: AlarmBurden,
  patient: JobPatient,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  run: Run,
  archive: ReadingArchive,
  onHour: (untilMs: number) => void,
): Promise<boolean> {
  const { patientId, bedId } = patient;
  const counted = burden.patient({ patientId, ...(bedId === undefined ? {} : { bedId }), ...run.rulesOf(patient) });
  const order = receivedOrder((reading) => counted.take(reading));
  for (let hourMs = fromMs; hourMs < toMs; hourMs += HOUR_MS) {
    if (run.isOver()) {
      order.end();
      counted.end();
      return false;
    }
    const untilMs = Math.min(hourMs + HOUR_MS, toMs);
    const readings = await archive.read({ patientId, fromMs: hourMs, toMs: untilMs });
    run.readings += readings.length;
    order.add(readings, untilMs);
    onHour(untilMs);
  }
  order.end();
  counted.end(toMs);
  return true;
}

/** The beginning of the newest part of the time whose readings are not too many: whole days, or whole hours of the last. */
async function newestThatFits(
  archive: ReadingArchive,
  { patients, fromMs, toMs }: OnHistory | Omit<OnHistory, 'source'>,
  run: Run,
): Promise<number> {
  const patientIds = patients.map(({ patientId }) => patientId);
  let left = run.bounds.readingsMax;
  for (let untilMs = toMs; untilMs > fromMs; ) {
    run.isOver();
    const dayMs = Math.max(fromMs, untilMs - DAY_MS);
    const count = await archive.count({ patientIds, fromMs: dayMs, toMs: untilMs });
    if (count > left) {
      if (untilMs < toMs) return untilMs;
      const hours = Math.max(1, Math.floor(((left / count) * (untilMs - dayMs)) / HOUR_MS));
      return Math.max(fromMs, toMs - hours * HOUR_MS);
    }
    left -= count;
    untilMs = dayMs;
  }
  return fromMs;
}

async function onDataset(
  { dataset, days, as }: OnDataset,
  run: Run,
  datasets: RecordedDatasets,
): Promise<Omit<BurdenAnswer, 'tookMs'> | undefined> {
  const set = await datasets.open(dataset);
  if (set === undefined) return undefined;
  const burden = alarmBurden({ intervalMs: RECORDED_EVERY_MS });
  const toMs = days * DAY_MS;
  let patientsDone = 0;
  for await (const { patientId, readings } of set.patients()) {
    if (run.readings >= run.bounds.readingsMax || run.isOver()) break;
    const counted = burden.patient({ patientId, ...run.rulesOf(as) });
    for (const reading of readings) if (reading.atMs < toMs) counted.take(reading);
    counted.end();
    run.readings += readings.length;
    patientsDone++;
    run.tell({ share: patientsDone / set.count, patients: set.count, patientsDone, readings: run.readings });
  }
  const isCut = false;
  return { figures: burden.figures(), fromMs: 0, toMs, patients: set.count, patientsDone, isCut };
}

/** Charts of intensive care are hourly. */
const RECORDED_EVERY_MS = 3_600_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

function compiledLists(lists: readonly (readonly RuleInForce[])[], isRecorded: boolean) {
  const compiled = lists.map((list) =>
    // A record has no device that could be lost.
    compileRules(isRecorded ? list.filter(({ rule }) => rule.kind !== 'technical') : list),
  );
  return (index: number, { spo2Scale, news2NotApplicable }: Omit<JobPatient, 'patientId'>): AssessRules => {
    const rules = compiled[index];
    if (rules === undefined) throw new RangeError('a list of rules that is not in the job');
    return assessRules({ compiled: rules, spo2Scale, news2NotApplicable });
  };
}
