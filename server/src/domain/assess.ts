import type { ConditionTransition } from './alarm.ts';
import { type AlarmIdOf, findAbsent, findPresent, type Judgement } from './assess-condition.ts';
import { judgeNews2, news2Inputs } from './assess-news2.ts';
import type { AssessRules } from './assess-rules.ts';
import {
  type AssessState,
  type JudgedStatus,
  type JudgedValue,
  NEVER_MS,
  type ReadingSource,
  type WornDevice,
} from './assess-state.ts';
import { hear, isNewer, judgeDevices, lostAtMs } from './assess-technical.ts';
import { assumedIntervalMs, learnInterval } from './freshness.ts';
import { news2ValidUntilMs, roundToChart, scoreNews2 } from './news2.ts';
import type { News2Score } from './patient-status.ts';
import type { AssignedReading } from './reading.ts';
import { isBeyond, type LimitRule, limitCause } from './threshold.ts';
import type { VitalName } from './vital.ts';

/**
 * What one reading means for its patient: the state after it, and which conditions began, worsened or ended. A pure
 * function of the readings in log order, so a replay comes to the same.
 *
 * Time is event time. Of each vital only a value newer than the known one becomes current and is judged (of two of the
 * newest moment, the one that came later); a late one belongs to history, and a duplicate changes nothing: neither
 * begins or ends anything. A vital
 * that is absent says nothing about its conditions.
 */
export function assess(
  state: AssessState,
  reading: AssignedReading,
  rules: AssessRules,
  position: { readonly partition: number; readonly offset: number },
  alarmIdOf: AlarmIdOf,
): Assessed {
  if (position.offset <= state.position.offset) return { state, transitions: NONE };
  const at = { partition: position.partition, offset: position.offset, step: 0 };
  const { patientId } = state.status;
  const judgement: Judgement = { patientId, at, alarmIdOf, conditions: state.conditions, transitions: [] };
  const source: ReadingSource = { readingId: reading.id, deviceId: reading.deviceId, atMs: reading.atMs };

  const devices = hear(state.devices, reading, rules.devices);
  if (isTechnicalTouched(state, devices)) judgeDevices(judgement, devices, source);

  // What came too late to be judged is taken as if it had held nothing.
  const isTimely = reading.receivedAtMs - reading.atMs <= JUDGED_WITHIN_MS;
  const momentIds = isTimely ? momentAfter(state, reading) : state.momentIds;
  const taken = isTimely
    ? takeReading(state.status, reading, source, momentIds.length > 1 && momentIds !== state.momentIds)
    : state.status;
  judgeLimits(judgement, state.status.values, taken.values, rules, source);

  const eventMs = isTimely ? Math.max(state.eventMs, reading.atMs) : state.eventMs;
  let { news2UntilMs } = state;
  let { news2 } = state.status;
  if (eventMs > news2UntilMs || changesNews2(state.status, taken)) {
    const inputs = news2Inputs(taken);
    news2 = scoreNews2(inputs, rules.spo2Scale, eventMs);
    news2UntilMs = Math.min(NEVER_MS, news2ValidUntilMs(inputs, news2));
    judgeNews2(judgement, news2, inputs, rules.spo2Scale, source);
  }

  const next: AssessState = {
    status: statusAfter(taken, reading, devices, news2),
    devices,
    conditions: judgement.conditions,
    position: at,
    eventMs,
    momentIds,
    news2UntilMs,
    dueMs: dueMs(devices, news2UntilMs),
  };
  return { state: next, transitions: judgement.transitions };
}

export interface Assessed {
  readonly state: AssessState;
  readonly transitions: readonly ConditionTransition[];
}

/**
 * What was measured longer ago than this when it reached us (a device that was out of reach and now sends what it
 * stored) goes to history without being judged: an alarm about an hour ago helps nobody now.
 */
export const JUDGED_WITHIN_MS = 3_600_000;

const NONE: readonly ConditionTransition[] = [];

/** The earliest moment at which silence alone changes something. */
export function dueMs(devices: readonly WornDevice[], news2UntilMs: number): number {
  let due = news2UntilMs === NEVER_MS ? NEVER_MS : news2UntilMs + 1;
  for (const device of devices) if (!device.lost) due = Math.min(due, lostAtMs(device, 0));
  return due;
}

/** The limits of one vital against one value. */
export function judgeLimit(judgement: Judgement, rule: LimitRule, value: number, source: ReadingSource): void {
  if (isBeyond(rule, value)) findPresent(judgement, limitFacts(rule), limitCause(rule, value), source);
  else findAbsent(judgement, rule.id, source);
}

function limitFacts({ id, version, priority }: LimitRule) {
  return { id, version, kind: 'physiological', priority } as const;
}

type Values = JudgedStatus['values'];
type Taken = Pick<JudgedStatus, 'values' | 'oxygen' | 'consciousness'>;

function judgeLimits(
  judgement: Judgement,
  before: Values,
  after: Values,
  rules: AssessRules,
  source: ReadingSource,
): void {
  if (before === after) return;
  for (const vital in rules.limits) {
    const value = after[vital as VitalName];
    if (value === undefined || value === before[vital as VitalName]) continue;
    for (const rule of rules.limits[vital as VitalName] ?? []) judgeLimit(judgement, rule, value.value, source);
  }
}

/** What is newer than the known: vitals unless the leads are off; oxygen and consciousness, which people observe. */
function takeReading(known: JudgedStatus, reading: AssignedReading, source: ReadingSource, isTie: boolean): Taken {
  const { context, atMs } = reading;
  const values = reading.status.leadsOff === true ? known.values : takeValues(known.values, reading, source, isTie);
  let { oxygen, consciousness } = known;
  const isAfter = (knownAtMs = -1) => atMs > knownAtMs || (isTie && atMs === knownAtMs);
  if (context.oxygen !== undefined && isAfter(oxygen?.atMs)) oxygen = { value: context.oxygen, atMs };
  if (context.consciousness !== undefined && isAfter(consciousness?.atMs))
    consciousness = { value: context.consciousness, atMs };
  return {
    values,
    ...(oxygen === undefined ? undefined : { oxygen }),
    ...(consciousness === undefined ? undefined : { consciousness }),
  };
}

function takeValues(known: Values, reading: AssignedReading, source: ReadingSource, isTie: boolean): Values {
  let values: { [Name in VitalName]?: JudgedValue } | undefined;
  const { atMs, receivedAtMs } = reading;
  for (const name in reading.vitals) {
    const vital = name as VitalName;
    const value = reading.vitals[vital];
    const before = known[vital];
    if (value === undefined) continue;
    const isTied = isTie && before?.atMs === atMs;
    if (before !== undefined && !isTied && !isNewer(reading, before)) continue;
    const intervalMs = intervalAfter(vital, before, atMs);
    values ??= { ...known };
    values[vital] = { value, atMs, receivedAtMs, intervalMs, source };
  }
  return values ?? known;
}

function intervalAfter(vital: VitalName, before: JudgedValue | undefined, atMs: number): number {
  if (before === undefined) return assumedIntervalMs(vital);
  // Two readings of one moment tell nothing of how often there is one.
  return before.atMs === atMs ? before.intervalMs : learnInterval(before.intervalMs, atMs - before.atMs);
}

/**
 * Many devices tell the time in whole seconds: of two different readings of the newest moment the one that came later
 * counts. The ids of that moment tell it from a second copy of the first.
 */
function momentAfter(state: AssessState, { deviceId, id, atMs }: AssignedReading): readonly string[] {
  if (atMs < state.eventMs) return state.momentIds;
  const name = `${deviceId}/${id}`;
  if (atMs > state.eventMs) return [name];
  const { momentIds } = state;
  return momentIds.includes(name) || momentIds.length >= MOMENT_MAX ? momentIds : [...momentIds, name];
}

/** More readings of one patient in one moment than any device sends in a second; further ones are history only. */
const MOMENT_MAX = 64;

/**
 * Would the score be another: the chart shows another value, or a parameter counts that did not (a value that had grown
 * too old counts again when measured again, even as the same)? Most readings change nothing.
 */
function changesNews2(before: JudgedStatus, after: Taken): boolean {
  const points = before.news2?.points ?? NO_POINTS;
  if (before.values !== after.values)
    for (const vital of NEWS2_VITALS) {
      const [was, is] = [before.values[vital], after.values[vital]];
      if (is === was || is === undefined) continue;
      if (was === undefined || points[vital] === undefined) return true;
      if (is.value !== was.value && roundToChart(vital, is.value) !== roundToChart(vital, was.value)) return true;
    }
  return (
    changesContext(before.oxygen, after.oxygen, points.oxygen) ||
    changesContext(before.consciousness, after.consciousness, points.consciousness)
  );
}

/** Most devices repeat oxygen and consciousness with every reading. */
function changesContext(
  was: { readonly value: unknown } | undefined,
  is: { readonly value: unknown } | undefined,
  points: number | undefined,
): boolean {
  return is !== was && (is?.value !== was?.value || points === undefined);
}

const NO_POINTS: News2Score['points'] = {};
/** Diastolic and mean pressure are no part of the score. */
const NEWS2_VITALS = ['respiratoryRate', 'spo2', 'systolic', 'heartRate', 'temperature'] as const;

function isTechnicalTouched(state: AssessState, devices: readonly WornDevice[]): boolean {
  for (const rule in state.conditions) if (rule.startsWith('technical.')) return true;
  return devices.some((device) => device.leadsOff || device.batteryLow);
}

function statusAfter(
  { values, oxygen, consciousness }: Taken,
  reading: AssignedReading,
  devices: readonly WornDevice[],
  news2: News2Score | undefined,
): JudgedStatus {
  const { id: readingId, deviceId, patientId, atMs, receivedAtMs } = reading;
  const battery = lowestBattery(devices);
  return {
    patientId,
    values,
    ...(oxygen === undefined ? undefined : { oxygen }),
    ...(consciousness === undefined ? undefined : { consciousness }),
    leadsOff: devices.some((device) => device.leadsOff),
    ...(battery === undefined ? undefined : { battery }),
    last: { readingId, deviceId, atMs, receivedAtMs },
    ...(news2 === undefined ? undefined : { news2 }),
  };
}

export function lowestBattery(devices: readonly WornDevice[]): number | undefined {
  let lowest: number | undefined;
  for (const { battery } of devices)
    if (battery !== undefined && (lowest === undefined || battery < lowest)) lowest = battery;
  return lowest;
}
