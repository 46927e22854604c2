import { type Assessed, dueMs } from './assess.ts';
import { type AlarmIdOf, findPresent, type Judgement } from './assess-condition.ts';
import { news2Inputs } from './assess-news2.ts';
import type { AssessRules } from './assess-rules.ts';
import { type AssessState, NEVER_MS, type Position } from './assess-state.ts';
import { LOST, lostAtMs } from './assess-technical.ts';
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
  if (nowMs < state.dueMs) return { state, transitions: [] };
  const devices = state.devices.map((device) =>
    !device.lost && nowMs >= lostAtMs(device, listeningSinceMs) && isWorn(rules, device.deviceId)
      ? { ...device, lost: true }
      : device,
  );
  // The alarm is named after the last reading before the silence, so that it is the same whoever notices it.
  const at: Position = { ...state.position, step: 0 };
  const judgement: Judgement = {
    patientId: state.status.patientId,
    at,
    alarmIdOf,
    conditions: state.conditions,
    transitions: [],
  };
  const lost = devices.find((device, index) => device.lost && state.devices[index]?.lost === false);
  if (lost !== undefined && state.conditions[LOST.id] === undefined) {
    const source = { readingId: lost.readingId, deviceId: lost.deviceId, atMs: nowMs };
    findPresent(judgement, LOST, { text: 'NO DATA' }, source);
  }
  const step = stepWithoutReading(state, nowMs);
  const transitions = judgement.transitions.map((each) => ({ ...each, position: { ...each.position, step } }));
  const position = transitions.length > 0 ? { ...state.position, step } : state.position;
  const aged = ageNews2(state, nowMs, rules);
  const next = { ...aged, devices, position, conditions: judgement.conditions };
  return { state: { ...next, dueMs: dueMs(devices, next.news2UntilMs) }, transitions };
}

/**
 * Where a transition without a reading stands: after the last reading, and after every earlier one of its kind, also
 * from before a restart: so it is the moment, in seconds since 2020, which fits 31 bits until 2088.
 */
export function stepWithoutReading(state: AssessState, nowMs: number): number {
  return Math.max(state.position.step + 1, Math.floor((nowMs - YEAR_2020_MS) / 1_000));
}

const YEAR_2020_MS = 1_577_836_800_000;

function isWorn(rules: AssessRules, deviceId: AssessState['devices'][number]['deviceId']): boolean {
  return rules.devices === undefined || rules.devices.includes(deviceId);
}

/** Only what is shown: parameters that are missing end no condition (see `judgeNews2`), and begin none. */
function ageNews2(state: AssessState, nowMs: number, rules: AssessRules): AssessState {
  if (nowMs <= state.news2UntilMs) return state;
  const inputs = news2Inputs(state.status);
  const news2 = scoreNews2(inputs, rules.spo2Scale, nowMs);
  const news2UntilMs = Math.min(NEVER_MS, news2ValidUntilMs(inputs, news2));
  return { ...state, status: { ...state.status, news2 }, news2UntilMs };
}
