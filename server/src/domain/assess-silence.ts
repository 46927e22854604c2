import type { ConditionTransition } from './alarm.ts';
import { type Assessed, dueMs } from './assess.ts';
import type { AlarmIdOf, Judgement } from './assess-condition.ts';
import { news2Inputs } from './assess-news2-score.ts';
import type { AssessRules } from './assess-rules.ts';
import { type AssessState, copyOf, NEVER_MS, type PatientState, type WornDevice } from './assess-state.ts';
import { judgeTechnical, lostAtMs, TECHNICAL_IDS } from './assess-technical.ts';
import { news2ValidUntilMs, scoreNews2 } from './news2.ts';

/**
 * What it means that nothing came: a device that should have spoken is lost, and parameters grow too old for the NEWS2
 * that is shown. `listeningSinceMs` is when we began to hear: what was silent before that may have spoken unheard.
 */
export function assessSilence(
  state: AssessState,
  nowMs: number,
  rules: AssessRules,
  listeningSinceMs: number,
  alarmIdOf: AlarmIdOf,
): Assessed {
  const own = copyOf(state);
  const transitions: ConditionTransition[] = [];
  judgeSilence(own, nowMs, rules, listeningSinceMs, alarmIdOf, transitions);
  return { state: own, transitions };
}

/** The same in place, for who owns the state; adds to `told` what happened. */
export function judgeSilence(
  patient: PatientState,
  nowMs: number,
  rules: AssessRules,
  listeningSinceMs: number,
  alarmIdOf: AlarmIdOf,
  told: ConditionTransition[],
): void {
  if (nowMs < patient.dueMs) return;
  const lost = loseDevices(patient, nowMs, rules, listeningSinceMs);
  if (lost !== undefined && patient.conditions[TECHNICAL_IDS.lost] === undefined) {
    // The alarm is named after the last reading before the silence, so that it is the same whoever notices it.
    const at = { ...patient.position, step: 0 };
    const source = { readingId: lost.readingId, deviceId: lost.deviceId, atMs: nowMs };
    const found: ConditionTransition[] = [];
    const judgement: Judgement = { patient, rules, at, source, alarmIdOf, told: found };
    const step = stepWithoutReading(patient, nowMs);
    judgeTechnical(judgement, rules.compiled.lost, 'lost', lost);
    for (const each of found) told.push({ ...each, position: { ...each.position, step } });
    if (found.length > 0) patient.position.step = step;
  }
  ageNews2(patient, nowMs, rules);
  patient.dueMs = dueMs(patient);
}

/**
 * Where a transition without a reading stands: after the last reading, and after every earlier one of its kind, also
 * from before a restart: so it is the moment, in seconds since 2020, which fits 31 bits until 2088.
 */
export function stepWithoutReading({ position }: AssessState, nowMs: number): number {
  return Math.max(position.step + 1, Math.floor((nowMs - YEAR_2020_MS) / 1_000));
}

const YEAR_2020_MS = 1_577_836_800_000;

/** Marks who has fallen silent; answers the first of them. */
function loseDevices(
  { devices }: PatientState,
  nowMs: number,
  rules: AssessRules,
  listeningSinceMs: number,
): WornDevice | undefined {
  let first: WornDevice | undefined;
  for (const device of devices) {
    const isWorn = rules.devices === undefined || rules.devices.includes(device.deviceId);
    if (device.lost || !isWorn || nowMs < lostAtMs(device, listeningSinceMs)) continue;
    device.lost = true;
    first ??= device;
  }
  return first;
}

/** Only what is shown: parameters that are missing end no condition (see `judgeNews2`), and begin none. */
function ageNews2(patient: PatientState, nowMs: number, rules: AssessRules): void {
  if (nowMs <= patient.news2UntilMs) return;
  const inputs = news2Inputs(patient.status);
  const score = scoreNews2(inputs, rules.spo2Scale, nowMs);
  patient.status.news2 = score;
  patient.news2UntilMs = Math.min(NEVER_MS, news2ValidUntilMs(inputs, score));
}
