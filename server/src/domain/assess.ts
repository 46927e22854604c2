import type { ConditionTransition } from './alarm.ts';
import { type AlarmIdOf, findAbsent, findPresent, type Judgement } from './assess-condition.ts';
import { judgeNews2, news2Inputs } from './assess-news2.ts';
import type { AssessRules } from './assess-rules.ts';
import { type AssessState, NEVER_MS, type ReadingSource, type WornDevice } from './assess-state.ts';
import { hear, isNewer, judgeDevices, lostAtMs } from './assess-technical.ts';
import { assumedIntervalMs, learnInterval } from './freshness.ts';
import { NEWS2_PARAMETERS, news2ValidUntilMs, roundToChart, scoreNews2 } from './news2.ts';
import type { CurrentValue, News2Parameter, News2Score, PatientStatus } from './patient-status.ts';
import type { AssignedReading } from './reading.ts';
import { isBeyond, type LimitRule, limitCause } from './threshold.ts';
import type { VitalName } from './vital.ts';

/**
 * What one reading means for its patient: the state after it, and which conditions began, worsened or ended. A pure
 * function of the readings in log order, so a replay comes to the same.
 *
 * Time is event time. Of each vital only a value newer than the known one becomes current and is judged; a late one
 * belongs to history, and a duplicate (same device and time) changes nothing: neither begins or ends anything. A vital
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

  const isTimely = reading.receivedAtMs - reading.atMs <= JUDGED_WITHIN_MS;
  const taken = isTimely ? takeValues(state, reading, source) : { ...state, news2Changed: false };
  if (isTimely) judgeLimits(judgement, state.status, taken.status, rules, source);

  const eventMs = isTimely ? Math.max(state.eventMs, reading.atMs) : state.eventMs;
  let { news2UntilMs } = state;
  let { news2 } = state.status;
  if (isTimely && (taken.news2Changed || eventMs > news2UntilMs)) {
    news2 = scoreNews2(news2Inputs(taken.status), rules.spo2Scale, eventMs);
    news2UntilMs = Math.min(NEVER_MS, news2ValidUntilMs(news2Inputs(taken.status), news2));
    judgeNews2(judgement, news2, taken.status, rules.spo2Scale, source);
  }

  const next: AssessState = {
    status: statusAfter(taken.status, reading, devices, news2),
    sources: taken.sources,
    devices,
    conditions: judgement.conditions,
    position: at,
    eventMs,
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

function judgeLimits(
  judgement: Judgement,
  before: PatientStatus,
  after: PatientStatus,
  rules: AssessRules,
  source: ReadingSource,
): void {
  if (before.values === after.values) return;
  for (const vital in after.values) {
    const value = after.values[vital as VitalName];
    const limits = rules.limits[vital as VitalName];
    if (limits === undefined || value === undefined || value === before.values[vital as VitalName]) continue;
    for (const rule of limits) judgeLimit(judgement, rule, value.value, source);
  }
}

/** The values of the reading that are newer than the known ones; none while its leads are off. */
function takeValues(state: AssessState, reading: AssignedReading, source: ReadingSource) {
  let values: { [Name in VitalName]?: CurrentValue } | undefined;
  let sources: { [Name in VitalName]?: ReadingSource } | undefined;
  let news2Changed = false;
  if (reading.status.leadsOff !== true)
    for (const name in reading.vitals) {
      const vital = name as VitalName;
      const value = reading.vitals[vital];
      const known = state.status.values[vital];
      if (value === undefined || (known !== undefined && !isNewer(reading, known))) continue;
      values ??= { ...state.status.values };
      sources ??= { ...state.sources };
      values[vital] = currentValue(vital, value, known, reading);
      sources[vital] = source;
      news2Changed ||= isNews2Vital(vital) && (changesChart(vital, value, known) || !isScored(state.status, vital));
    }
  const context = takeContext(state.status, reading);
  news2Changed ||= context !== undefined && changesContext(state.status, context);
  const status: PatientStatus =
    values === undefined && context === undefined
      ? state.status
      : { ...state.status, ...context, values: values ?? state.status.values };
  return { status, sources: sources ?? state.sources, news2Changed };
}

/** Oxygen and consciousness are observed by people, leads or no leads. */
function takeContext(status: PatientStatus, { context, atMs }: AssignedReading): Partial<PatientStatus> | undefined {
  const oxygen = context.oxygen !== undefined && atMs > (status.oxygen?.atMs ?? -1);
  const consciousness = context.consciousness !== undefined && atMs > (status.consciousness?.atMs ?? -1);
  if (!oxygen && !consciousness) return undefined;
  return {
    ...(oxygen && context.oxygen !== undefined ? { oxygen: { value: context.oxygen, atMs } } : {}),
    ...(consciousness && context.consciousness !== undefined
      ? { consciousness: { value: context.consciousness, atMs } }
      : {}),
  };
}

function currentValue(
  vital: VitalName,
  value: number,
  known: CurrentValue | undefined,
  { atMs, receivedAtMs }: AssignedReading,
): CurrentValue {
  const intervalMs =
    known === undefined ? assumedIntervalMs(vital) : learnInterval(known.intervalMs, atMs - known.atMs);
  return { value, atMs, receivedAtMs, intervalMs };
}

/** Diastolic and mean pressure are no part of the score. */
function isNews2Vital(vital: VitalName): boolean {
  return (NEWS2_PARAMETERS as readonly string[]).includes(vital);
}

/** Would the chart show another value, or one where it showed none? */
function changesChart(vital: VitalName, value: number, known: CurrentValue | undefined): boolean {
  return known === undefined || roundToChart(vital, value) !== roundToChart(vital, known.value);
}

/** Most devices repeat oxygen and consciousness with every reading. */
function changesContext(status: PatientStatus, context: Partial<PatientStatus>): boolean {
  const { oxygen, consciousness } = context;
  return (
    (oxygen !== undefined && (oxygen.value !== status.oxygen?.value || !isScored(status, 'oxygen'))) ||
    (consciousness !== undefined &&
      (consciousness.value !== status.consciousness?.value || !isScored(status, 'consciousness')))
  );
}

/** False for a parameter that had grown too old: the same value again makes it count again. */
function isScored(status: PatientStatus, parameter: VitalName | News2Parameter): boolean {
  return status.news2?.points[parameter as News2Parameter] !== undefined;
}

function isTechnicalTouched(state: AssessState, devices: readonly WornDevice[]): boolean {
  for (const rule in state.conditions) if (rule.startsWith('technical.')) return true;
  return devices.some((device) => device.leadsOff || device.batteryLow);
}

function statusAfter(
  status: PatientStatus,
  reading: AssignedReading,
  devices: readonly WornDevice[],
  news2: News2Score | undefined,
): PatientStatus {
  const { id: readingId, deviceId, atMs, receivedAtMs } = reading;
  const { patientId, values, oxygen, consciousness } = status;
  const battery = lowestBattery(devices);
  return {
    patientId,
    values,
    ...(oxygen === undefined ? {} : { oxygen }),
    ...(consciousness === undefined ? {} : { consciousness }),
    leadsOff: devices.some((device) => device.leadsOff),
    ...(battery === undefined ? {} : { battery }),
    last: { readingId, deviceId, atMs, receivedAtMs },
    ...(news2 === undefined ? {} : { news2 }),
  };
}

export function lowestBattery(devices: readonly WornDevice[]): number | undefined {
  let lowest: number | undefined;
  for (const { battery } of devices)
    if (battery !== undefined && (lowest === undefined || battery < lowest)) lowest = battery;
  return lowest;
}
