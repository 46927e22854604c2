import type { ConditionTransition } from './alarm.ts';
import { judgeChange, rememberLate } from './assess-change.ts';
import { interruptCombination, judgeCombination } from './assess-combination.ts';
import type { AlarmIdOf, Judgement } from './assess-condition.ts';
import { judgeLimit, takeLate } from './assess-limit.ts';
import { changesScore, isNews2UnderWay, rescore } from './assess-news2.ts';
import { interruptNews2 } from './assess-news2-lasting.ts';
import type { AssessRules, CompiledCombination } from './assess-rules.ts';
import {
  type AssessState,
  copyOf,
  type JudgedValue,
  NEVER_MS,
  type Observed,
  type PatientState,
} from './assess-state.ts';
import { forgetPendingOf } from './assess-sustained.ts';
import { hear, isNewer, isTechnicalTouched, judgeDevices, lostAtMs, showDevices } from './assess-technical.ts';
import { assumedIntervalMs, learnInterval } from './freshness.ts';
import type { AssignedReading } from './reading.ts';
import type { VitalName } from './vital.ts';

/**
 * What one reading means for its patient: the state after it, and which conditions began, changed or ended. A pure
 * function of the readings in log order, so a replay comes to the same.
 *
 * Time is event time. Of each vital only a value newer than the known one becomes current and is judged (of two of the
 * newest moment, the one that came later); a late one belongs to history, and a duplicate changes nothing: neither
 * begins or ends anything. A vital that is absent says nothing about its conditions.
 */
export function assess(
  state: AssessState,
  reading: AssignedReading,
  rules: AssessRules,
  position: { readonly partition: number; readonly offset: number },
  alarmIdOf: AlarmIdOf,
): Assessed {
  const own = copyOf(state);
  const transitions: ConditionTransition[] = [];
  judgeReading(own, reading, rules, position, alarmIdOf, transitions);
  return { state: own, transitions };
}

export interface Assessed {
  readonly state: AssessState;
  readonly transitions: readonly ConditionTransition[];
}

/** The same in place, for who owns the state; adds to `told` what happened. */
export function judgeReading(
  patient: PatientState,
  reading: AssignedReading,
  rules: AssessRules,
  { partition, offset }: { readonly partition: number; readonly offset: number },
  alarmIdOf: AlarmIdOf,
  told: ConditionTransition[],
): void {
  const { position, status } = patient;
  if (offset <= position.offset) return;
  const { id: readingId, deviceId, atMs, receivedAtMs } = reading;
  // Looked into before anything is changed: a reading that cannot be judged leaves no trace.
  const isLeadsOff = reading.status.leadsOff === true;
  const { oxygen, consciousness } = reading.context;
  position.partition = partition;
  position.offset = offset;
  position.step = 0;
  const source = { readingId, deviceId, atMs };
  const judgement: Judgement = { patient, rules, at: position, source, alarmIdOf, told };

  const wentOff = hear(patient, reading, rules.devices, rules.compiled);
  if (isTechnicalTouched(patient)) judgeDevices(judgement);
  showDevices(patient);

  // What came too late to be judged is taken as if it had held nothing.
  if (receivedAtMs - atMs <= JUDGED_WITHIN_MS) {
    const isTie = takeMoment(patient, reading);
    if (wentOff) forgetPendingOf(patient, deviceId, atMs);
    const taken =
      (isLeadsOff ? NOTHING : takeValues(judgement, reading, isTie)) |
      takeObserved(status, 'oxygen', oxygen, reading, isTie) |
      takeObserved(status, 'consciousness', consciousness, reading, isTie);
    const isScoreStale =
      rules.news2NotApplicable === undefined
        ? taken === TAKEN_AND_SCORES
        : status.news2NotApplicable !== rules.news2NotApplicable;
    // A second copy takes nothing and is no later than the first: it must not be the moment at which a peak is due.
    const isNews = taken !== NOTHING || atMs > patient.eventMs;
    if (atMs > patient.eventMs) patient.eventMs = atMs;
    if (taken !== NOTHING)
      for (const combination of rules.compiled.combinations)
        if (concerns(combination, patient, readingId)) judgeCombination(judgement, combination);
    if (isScoreStale || patient.eventMs > patient.news2UntilMs || (isNews && isNews2UnderWay(judgement)))
      rescore(judgement, patient.eventMs);
  }
  showLast(patient, reading);
  patient.dueMs = dueMs(patient);
}

/**
 * What was measured longer ago than this when it reached us (a device that was out of reach and now sends what it
 * stored) goes to history without being judged: an alarm about an hour ago helps nobody now.
 */
export const JUDGED_WITHIN_MS = 3_600_000;

/** The earliest moment at which silence alone changes something. */
export function dueMs({ devices, news2UntilMs }: PatientState): number {
  let due = news2UntilMs === NEVER_MS ? NEVER_MS : news2UntilMs + 1;
  for (const device of devices) {
    if (device.lost) continue;
    const lostMs = lostAtMs(device, 0);
    if (lostMs < due) due = lostMs;
  }
  return due;
}

/** What a reading brought, as bits: anything that is current now, and anything that makes NEWS2 another. */
const NOTHING = 0;
const TAKEN = 1;
const TAKEN_AND_SCORES = 3;

/** Takes what is newer than the known, and judges each value by its limits. */
function takeValues(judgement: Judgement, reading: AssignedReading, isTie: boolean): number {
  const { patient, rules } = judgement;
  const { status } = patient;
  let taken = NOTHING;
  for (const name in reading.vitals) {
    const vital = name as VitalName;
    const value = reading.vitals[vital];
    if (value === undefined) continue;
    const known = status.values[vital];
    const isTied = isTie && known?.atMs === reading.atMs;
    if (known !== undefined && !isTied && !isNewer(reading, known)) {
      takeLateValue(judgement, vital, value);
      continue;
    }
    if (taken !== TAKEN_AND_SCORES)
      taken = changesScore(status, vital, value, rules.spo2Scale) ? TAKEN_AND_SCORES : TAKEN;
    const usualMs = known === undefined ? assumedIntervalMs(vital) : known.intervalMs;
    const current = known === undefined ? firstValue(status, vital, value, reading) : takeValue(known, value, reading);
    const limits = rules.compiled.limits[vital];
    if (limits !== undefined) for (const rule of limits) judgeLimit(judgement, rule, current, usualMs);
    const changes = rules.compiled.changes[vital];
    if (changes !== undefined) for (const rule of changes) judgeChange(judgement, rule, current, usualMs);
  }
  return taken;
}

function firstValue(
  status: PatientState['status'],
  vital: VitalName,
  value: number,
  reading: AssignedReading,
): JudgedValue {
  const { atMs, receivedAtMs, id: readingId, deviceId } = reading;
  const current = { value, atMs, receivedAtMs, intervalMs: assumedIntervalMs(vital), readingId, deviceId };
  status.values[vital] = current;
  return current;
}

function takeValue(
  known: JudgedValue,
  value: number,
  { atMs, receivedAtMs, id, deviceId }: AssignedReading,
): JudgedValue {
  // Two readings of one moment tell nothing of how often there is one.
  const gapMs = atMs - known.atMs;
  if (gapMs !== 0 && gapMs !== known.intervalMs) known.intervalMs = learnInterval(known.intervalMs, gapMs);
  known.value = value;
  known.atMs = atMs;
  known.receivedAtMs = receivedAtMs;
  known.readingId = id;
  known.deviceId = deviceId;
  return known;
}

/** Belongs to history: begins and ends nothing, but may show that a breach was interrupted, or where a change began. */
function takeLateValue(judgement: Judgement, vital: VitalName, value: number): void {
  const { patient, rules, source } = judgement;
  const { limits, changes, combinations } = rules.compiled;
  if (patient.pending !== undefined) {
    takeLate(patient, limits[vital] ?? [], value, source.atMs);
    for (const combination of combinations) interruptCombination(patient, combination, vital, value, source.atMs);
    interruptNews2(judgement, vital, value, source.atMs);
  }
  const ofVital = changes[vital];
  if (ofVital !== undefined) rememberLate(patient, ofVital, { value, ...source });
}

/** Oxygen and consciousness, which people observe. */
function takeObserved<Name extends 'oxygen' | 'consciousness'>(
  status: PatientState['status'],
  name: Name,
  value: AssignedReading['context'][Name],
  { atMs, id: readingId, deviceId }: AssignedReading,
  isTie: boolean,
): number {
  if (value === undefined) return NOTHING;
  const known: Observed<unknown> | undefined = status[name];
  if (known === undefined) {
    status[name] = { value, atMs, readingId, deviceId } as PatientState['status'][Name];
    return TAKEN_AND_SCORES;
  }
  if (!(atMs > known.atMs || (isTie && atMs === known.atMs))) return NOTHING;
  const isOther = known.value !== value || status.news2?.points[name] === undefined;
  known.value = value;
  known.atMs = atMs;
  known.readingId = readingId;
  known.deviceId = deviceId;
  return isOther ? TAKEN_AND_SCORES : TAKEN;
}

function concerns(combination: CompiledCombination, { status }: PatientState, readingId: string): boolean {
  if (combination.usesContext)
    if (status.oxygen?.readingId === readingId || status.consciousness?.readingId === readingId) return true;
  return combination.vitals.some((vital) => status.values[vital]?.readingId === readingId);
}

/**
 * Many devices tell the time in whole seconds: of two different readings of the newest moment the one that came later
 * counts. The ids of that moment tell it from a second copy of the first.
 */
function takeMoment({ eventMs, moment }: PatientState, { deviceId, id, atMs }: AssignedReading): boolean {
  if (atMs < eventMs) return false;
  if (atMs > eventMs || moment.readingId === undefined) {
    moment.deviceId = deviceId;
    moment.readingId = id;
    moment.others = undefined;
    return false;
  }
  if (moment.readingId === id && moment.deviceId === deviceId) return false;
  moment.others ??= [];
  const name = `${deviceId}/${id}`;
  if (moment.others.includes(name) || moment.others.length >= MOMENT_MAX) return false;
  moment.others.push(name);
  return true;
}

/** More readings of one patient in one moment than any device sends in a second; further ones are history only. */
const MOMENT_MAX = 64;

function showLast({ status }: PatientState, { id: readingId, deviceId, atMs, receivedAtMs }: AssignedReading): void {
  const { last } = status;
  if (last === undefined) {
    status.last = { readingId, deviceId, atMs, receivedAtMs };
    return;
  }
  last.readingId = readingId;
  last.deviceId = deviceId;
  last.atMs = atMs;
  last.receivedAtMs = receivedAtMs;
}
