import type { Alarm } from './alarm.ts';
import { type Assessed, dueMs, judgeLimit, lowestBattery } from './assess.ts';
import { type AlarmIdOf, findAbsent, type Judgement } from './assess-condition.ts';
import { judgeNews2, news2Inputs } from './assess-news2.ts';
import type { AssessRules } from './assess-rules.ts';
import { stepWithoutReading } from './assess-silence.ts';
import { type AssessState, NEVER_MS, type ReadingSource } from './assess-state.ts';
import { judgeDevices, LOST } from './assess-technical.ts';
import { freshnessOf, INTERVAL_MIN_MS } from './freshness.ts';
import { news2ValidUntilMs, scoreNews2 } from './news2.ts';
import type { LimitRule } from './threshold.ts';
import type { VitalName } from './vital.ts';

/**
 * Judges what is already known by other rules: a limit was changed, a device taken off, or we have just started.
 *
 * Rule changes are not in the log. A replay judges old readings by today's rules, and may so leave out a beginning or an
 * end that was told before; what stands in the alarm store wins (it ignores positions it has passed), and after every
 * replay `adopt` and this function bring the two together again.
 */
export function assessAgain(state: AssessState, nowMs: number, rules: AssessRules, alarmIdOf: AlarmIdOf): Assessed {
  const step = stepWithoutReading(state, nowMs);
  const judgement: Judgement = {
    patientId: state.status.patientId,
    at: { ...state.position, step },
    alarmIdOf,
    conditions: state.conditions,
    transitions: [],
  };
  const source = lastSource(state, nowMs);
  const devices = state.devices.filter(
    (device) => rules.devices === undefined || rules.devices.includes(device.deviceId),
  );
  if (source !== undefined) judgeDevices(judgement, devices, source);
  endRulesNotInForce(judgement, rules, source);
  judgeCurrentValues(judgement, state, nowMs, rules);
  const scored = scoreAgain(judgement, state, nowMs, rules, source);
  const position = judgement.transitions.length > 0 ? { ...state.position, step: step + 1 } : state.position;
  const battery = lowestBattery(devices);
  const { battery: _, ...status } = scored.status;
  return {
    state: {
      ...scored,
      status: {
        ...status,
        leadsOff: devices.some((device) => device.leadsOff),
        ...(battery === undefined ? {} : { battery }),
      },
      devices,
      conditions: judgement.conditions,
      position,
      dueMs: dueMs(devices, scored.news2UntilMs),
    },
    transitions: judgement.transitions,
  };
}

/** Takes over an alarm that the store holds as present and this state does not know of: noticed before a crash. */
export function adopt(state: AssessState, alarm: Alarm): AssessState {
  if (alarm.condition !== 'present' || state.conditions[alarm.rule] !== undefined) return state;
  const { deviceId, readingId } = alarm;
  const condition = {
    alarmId: alarm.id,
    ruleVersion: alarm.ruleVersion,
    kind: alarm.kind,
    priority: alarm.priority,
    worst: alarm.worst,
    worstSource: { readingId, deviceId, atMs: alarm.raisedAtMs },
    told: alarm.worst,
    toldAtMs: alarm.raisedAtMs,
  };
  const adopted = { ...state, conditions: { ...state.conditions, [alarm.rule]: condition } };
  return alarm.rule === LOST.id ? withLost(adopted, alarm) : adopted;
}

/** Still lost, unless it has spoken since. */
function withLost(state: AssessState, { deviceId, readingId, raisedAtMs }: Alarm): AssessState {
  if (state.devices.some((device) => device.deviceId === deviceId))
    return {
      ...state,
      devices: state.devices.map((device) =>
        device.deviceId === deviceId && device.receivedAtMs <= raisedAtMs ? { ...device, lost: true } : device,
      ),
    };
  const device = { deviceId, readingId, atMs: 0, receivedAtMs: raisedAtMs, intervalMs: INTERVAL_MIN_MS };
  return { ...state, devices: [...state.devices, { ...device, leadsOff: false, batteryLow: false, lost: true }] };
}

/** What happens without a reading happens now, but is told with the reading it stands on. */
function lastSource(state: AssessState, nowMs: number): ReadingSource | undefined {
  const { last } = state.status;
  if (last !== undefined) return { readingId: last.readingId, deviceId: last.deviceId, atMs: nowMs };
  const [any] = Object.values(state.conditions);
  return any === undefined ? undefined : { ...any.worstSource, atMs: nowMs };
}

function endRulesNotInForce(judgement: Judgement, rules: AssessRules, source: ReadingSource | undefined): void {
  const inForce = new Set(Object.values(rules.limits).flatMap((limits) => limits.map((rule) => rule.id)));
  for (const rule of Object.keys(judgement.conditions)) {
    const isLimit = !rule.startsWith('technical.') && !rule.startsWith('news2.');
    if (isLimit && !inForce.has(rule) && source !== undefined) findAbsent(judgement, rule, source);
  }
}

function judgeCurrentValues(judgement: Judgement, state: AssessState, nowMs: number, rules: AssessRules): void {
  for (const [vital, limits] of Object.entries(rules.limits) as [VitalName, readonly LimitRule[]][]) {
    const value = state.status.values[vital];
    if (value === undefined) continue;
    // A new limit is no reason to ring about a value that is no longer shown.
    const isLost = nowMs - value.receivedAtMs >= freshnessOf(value.intervalMs).lostAfterMs;
    for (const rule of limits)
      if (!isLost || judgement.conditions[rule.id] !== undefined)
        judgeLimit(judgement, rule, value.value, { ...value.source, atMs: nowMs });
  }
}

function scoreAgain(
  judgement: Judgement,
  state: AssessState,
  nowMs: number,
  rules: AssessRules,
  source: ReadingSource | undefined,
): AssessState {
  if (state.status.news2 === undefined) return state;
  const inputs = news2Inputs(state.status);
  const news2 = scoreNews2(inputs, rules.spo2Scale, Math.max(nowMs, state.eventMs));
  if (source !== undefined) judgeNews2(judgement, news2, inputs, rules.spo2Scale, source);
  const news2UntilMs = Math.min(NEVER_MS, news2ValidUntilMs(inputs, news2));
  return { ...state, status: { ...state.status, news2 }, news2UntilMs };
}
