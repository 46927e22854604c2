import type { Alarm, ConditionTransition } from './alarm.ts';
import { type Assessed, dueMs } from './assess.ts';
import { judgeCombination } from './assess-combination.ts';
import { type AlarmIdOf, findAbsent, type Judgement } from './assess-condition.ts';
import { judgeLimit } from './assess-limit.ts';
import { rescore } from './assess-news2.ts';
import type { AssessRules } from './assess-rules.ts';
import { stepWithoutReading } from './assess-silence.ts';
import { type AssessState, copyOf, type PatientState, type ReadingSource } from './assess-state.ts';
import { forgetPending } from './assess-sustained.ts';
import { isBatteryLow, judgeDevices, showDevices, TECHNICAL_IDS } from './assess-technical.ts';
import { freshnessOf, INTERVAL_MIN_MS } from './freshness.ts';
import { NEWS2_ALARM } from './rule.ts';
import { VITAL_NAMES, type VitalName } from './vital.ts';

/**
 * Judges what is already known by other rules: a limit was changed, an override ended, a device taken off, or we have
 * just started.
 *
 * Rule changes are not in the log. A replay judges old readings by today's rules, and may so leave out a beginning or an
 * end that was told before; what stands in the alarm store wins (it ignores positions it has passed), and after every
 * replay `adopt` and this function bring the two together again.
 */
export function assessAgain(state: AssessState, nowMs: number, rules: AssessRules, alarmIdOf: AlarmIdOf): Assessed {
  const own = copyOf(state);
  const transitions: ConditionTransition[] = [];
  judgeAgain(own, nowMs, rules, alarmIdOf, transitions);
  return { state: own, transitions };
}

/** The same in place, for who owns the state; adds to `told` what happened. */
export function judgeAgain(
  patient: PatientState,
  nowMs: number,
  rules: AssessRules,
  alarmIdOf: AlarmIdOf,
  told: ConditionTransition[],
): void {
  patient.devices = patient.devices.filter(
    (device) => rules.devices === undefined || rules.devices.includes(device.deviceId),
  );
  for (const device of patient.devices) device.batteryLow = isBatteryLow(device, rules.compiled);
  showDevices(patient);
  forgetOtherRules(patient, rules);
  const source = lastSource(patient, nowMs);
  if (source !== undefined) {
    const step = stepWithoutReading(patient, nowMs);
    const at = { ...patient.position, step };
    const before = told.length;
    const judgement: Judgement = { patient, rules, at, source, alarmIdOf, told };
    judgeDevices(judgement);
    endRulesNotInForce(judgement);
    judgeCurrentValues(judgement, nowMs);
    const { news2, news2NotApplicable } = patient.status;
    if (news2 !== undefined || news2NotApplicable !== rules.news2NotApplicable)
      rescore(judgement, Math.max(nowMs, patient.eventMs));
    if (told.length > before) patient.position.step = step + 1;
  }
  patient.dueMs = dueMs(patient);
}

/** Takes over an alarm that the store holds as present and this state does not know of: noticed before a crash. */
export function adopt(patient: PatientState, alarm: Alarm): void {
  if (alarm.condition !== 'present' || patient.conditions[alarm.rule] !== undefined) return;
  const { deviceId, readingId } = alarm;
  const condition = {
    alarmId: alarm.id,
    ruleVersion: alarm.ruleVersion,
    scope: alarm.worst.reasons?.scope ?? 'default',
    kind: alarm.kind,
    priority: alarm.priority,
    ...(alarm.worst.reasons?.repeated === undefined ? undefined : { repeated: alarm.worst.reasons.repeated }),
    worst: alarm.worst,
    worstSource: { readingId, deviceId, atMs: alarm.raisedAtMs },
    told: alarm.worst,
    toldAtMs: alarm.raisedAtMs,
  };
  patient.conditions = { ...patient.conditions, [alarm.rule]: condition };
  if (alarm.rule === TECHNICAL_IDS.lost) adoptLost(patient, alarm);
}

/** Still lost, unless it has spoken since. */
function adoptLost({ devices }: PatientState, { deviceId, readingId, raisedAtMs }: Alarm): void {
  const known = devices.find((device) => device.deviceId === deviceId);
  if (known === undefined)
    devices.push({
      deviceId,
      readingId,
      atMs: 0,
      receivedAtMs: raisedAtMs,
      intervalMs: INTERVAL_MIN_MS,
      leadsOff: false,
      leadsOffAtMs: 0,
      battery: undefined,
      batteryLow: false,
      lost: true,
    });
  else if (known.receivedAtMs <= raisedAtMs) known.lost = true;
}

/** What happens without a reading happens now, but is told with the reading it stands on. */
function lastSource({ status, conditions }: PatientState, nowMs: number): ReadingSource | undefined {
  const { last } = status;
  if (last !== undefined) return { readingId: last.readingId, deviceId: last.deviceId, atMs: nowMs };
  const [any] = Object.values(conditions);
  return any === undefined ? undefined : { ...any.worstSource, atMs: nowMs };
}

function endRulesNotInForce(judgement: Judgement): void {
  const { ids, news2 } = judgement.rules.compiled;
  for (const name of Object.keys(judgement.patient.conditions))
    if (name === NEWS2_ALARM ? news2.length === 0 : !ids.has(name)) findAbsent(judgement, name);
}

/** Evidence for a rule that is not in force any more, or of another version, is none. */
function forgetOtherRules(patient: PatientState, { compiled }: AssessRules): void {
  const counted = new Set([...compiled.ids, ...compiled.news2.map(({ ending }) => ending.rule.id)]);
  for (const id of Object.keys(patient.pending ?? {})) if (!counted.has(id)) forgetPending(patient, id);
  patient.windows = kept(patient.windows, (id) => compiled.ids.has(id));
  patient.beginnings = kept(patient.beginnings, (id) => compiled.repeated.has(id));
}

function kept<T>(record: { [id: string]: T } | undefined, isKept: (id: string) => boolean) {
  const entries = Object.entries(record ?? {}).filter(([id]) => isKept(id));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/**
 * A value that is not shown any more (lost) is no reason to ring by a new limit. What must be sustained begins to be
 * counted with the limit's value that is there; combinations that must be, and changes, wait for the next reading.
 */
function judgeCurrentValues(judgement: Judgement, nowMs: number): void {
  const { patient, rules } = judgement;
  for (const vital of VITAL_NAMES) {
    const value = patient.status.values[vital];
    if (value === undefined) continue;
    const { readingId, deviceId } = value;
    const ofValue = { ...judgement, source: { readingId, deviceId, atMs: nowMs } };
    for (const rule of rules.compiled.limits[vital] ?? []) {
      const isPresent = patient.conditions[rule.rule.id] !== undefined;
      if (isPresent || !isLost(patient, vital, nowMs)) judgeLimit(ofValue, rule, value, value.intervalMs);
    }
  }
  for (const combination of rules.compiled.combinations) {
    const isPresent = patient.conditions[combination.rule.id] !== undefined;
    const mayBegin =
      (combination.rule.sustainedMs ?? 0) === 0 && !combination.vitals.some((vital) => isLost(patient, vital, nowMs));
    if (isPresent || mayBegin) judgeCombination(judgement, combination);
  }
}

function isLost({ status }: PatientState, vital: VitalName, nowMs: number): boolean {
  const value = status.values[vital];
  return value !== undefined && nowMs - value.receivedAtMs >= freshnessOf(value.intervalMs).lostAfterMs;
}
