import { describe, expect, it } from 'vitest';
import type { Alarm, ConditionTransition } from './alarm.ts';
import { assess, JUDGED_WITHIN_MS } from './assess.ts';
import { adopt, assessAgain } from './assess-again.ts';
import { type AssessRules, assessRules } from './assess-rules.ts';
import { assessSilence } from './assess-silence.ts';
import { type AssessState, copyOf, unheardPatient } from './assess-state.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId } from './ids.ts';
import { NEWS2_VALID_MS } from './news2.ts';
import type { AssignedReading, Reading } from './reading.ts';
import type { LimitRule } from './rule.ts';

const T0 = 1_800_000_000_000;
const S = 1_000;
const PATIENT = 'P1' as PatientId;
const D1 = 'D1' as DeviceId;
const D2 = 'D2' as DeviceId;
const RULES = assessRules({ own: [], spo2Scale: 1 });
const idOf = (key: string) => `a-${key.replaceAll('\n', '.')}` as AlarmId;
const HEALTHY = { respiratoryRate: 16, spo2: 97, systolic: 120, heartRate: 70, temperature: 37 };
const CONTEXT = { oxygen: false, consciousness: 'A' } as const;

interface Sent extends Partial<Pick<Reading, 'vitals' | 'context' | 'status'>> {
  readonly at: number;
  readonly received?: number;
  readonly device?: DeviceId;
  readonly id?: string;
}

/** One patient's stream: what was sent in, and every transition that came out. */
function patient(rules: AssessRules = RULES) {
  let state: AssessState = unheardPatient(PATIENT, 3);
  let offset = 0;
  const told: ConditionTransition[] = [];
  const take = (result: { readonly state: AssessState; readonly transitions: readonly ConditionTransition[] }) => {
    state = result.state;
    told.push(...result.transitions);
    return result.transitions.map(({ kind, rule }) => `${rule} ${kind}`);
  };
  return {
    told,
    state: () => state,
    set: (next: AssessState) => {
      state = next;
    },
    send: (sent: Sent) => take(assess(state, reading(sent), rules, { partition: 3, offset: offset++ }, idOf)),
    silence: (nowMs: number, listeningSinceMs = 0) =>
      take(assessSilence(state, T0 + nowMs, rules, listeningSinceMs === 0 ? 0 : T0 + listeningSinceMs, idOf)),
    again: (nowMs: number, next: AssessRules) => take(assessAgain(state, T0 + nowMs, next, idOf)),
  };
}

function reading({
  at,
  received = at,
  device = D1,
  id,
  vitals = {},
  context = {},
  status = {},
}: Sent): AssignedReading {
  return {
    id: (id ?? `r${device}${at}`) as ReadingId,
    deviceId: device,
    patientId: PATIENT,
    atMs: T0 + at,
    receivedAtMs: T0 + received,
    vitals,
    context,
    status,
  };
}

describe('a limit', () => {
  it('begins when the value goes beyond it, names its reading, and ends when a newer value is within', () => {
    const p = patient();
    expect(p.send({ at: 0, vitals: { heartRate: 160 } })).toEqual([]);
    expect(p.send({ at: S, vitals: { heartRate: 161 } })).toEqual(['heartRate.above.high began']);
    expect(p.told[0]).toMatchObject({
      alarmKind: 'physiological',
      priority: 'high',
      readingId: 'rD11000',
      deviceId: 'D1',
      atMs: T0 + S,
      cause: { vital: 'heartRate', value: 161, comparison: 'above', limit: 160, text: 'HR 161 > 160' },
      position: { partition: 3, offset: 1, step: 0 },
    });
    expect(p.send({ at: 2 * S, vitals: { heartRate: 170 } })).toEqual([]);
    expect(p.send({ at: 20 * S, vitals: { heartRate: 160 } })).toEqual([
      'heartRate.above.high worsened',
      'heartRate.above.high ended',
    ]);
  });

  it('a late value neither begins nor ends it', () => {
    const p = patient();
    p.send({ at: 10 * S, vitals: { heartRate: 80 } });
    expect(p.send({ at: 5 * S, received: 11 * S, vitals: { heartRate: 200 } })).toEqual([]);
    p.send({ at: 12 * S, vitals: { heartRate: 200 } });
    expect(p.send({ at: 11 * S, received: 13 * S, vitals: { heartRate: 80 } })).toEqual([]);
    expect(p.state().status.values.heartRate?.value).toBe(200);
  });

  it('a duplicate changes nothing', () => {
    const p = patient();
    p.send({ at: 0, vitals: { heartRate: 200 } });
    p.send({ at: S, vitals: { heartRate: 80 } });
    expect(p.send({ at: 0, received: 2 * S, vitals: { heartRate: 200 } })).toEqual([]);
  });

  it('of two readings of the newest moment the later one counts, and no second copy of either', () => {
    const p = patient();
    p.send({ at: S, id: 'first', vitals: { heartRate: 80 } });
    expect(p.send({ at: S, id: 'second', vitals: { heartRate: 200 } })).toEqual(['heartRate.above.high began']);
    expect(p.send({ at: S, id: 'first', vitals: { heartRate: 80 } })).toEqual([]);
    expect(p.send({ at: S, id: 'third', vitals: { heartRate: 80 } })).toEqual(['heartRate.above.high ended']);
    expect(p.send({ at: S, id: 'second', vitals: { heartRate: 200 } })).toEqual([]);
  });

  it('an absent vital does not end it', () => {
    const p = patient();
    p.send({ at: 0, vitals: { heartRate: 200 } });
    expect(p.send({ at: S, vitals: { spo2: 97 } })).toEqual([]);
    expect(p.send({ at: 2 * S })).toEqual([]);
  });

  it('values measured more than an hour before they reached us are not judged and not shown', () => {
    const p = patient();
    expect(p.send({ at: 0, received: JUDGED_WITHIN_MS + 1, vitals: { heartRate: 200 } })).toEqual([]);
    expect(p.state().status.values.heartRate).toBeUndefined();
    expect(p.send({ at: S, received: JUDGED_WITHIN_MS + S, vitals: { heartRate: 200 } })).toHaveLength(1);
  });

  it('two devices on one patient: each vital follows its newest value, whoever sent it', () => {
    const p = patient();
    p.send({ at: 0, device: D1, vitals: { heartRate: 80 } });
    expect(p.send({ at: 500, device: D2, vitals: { heartRate: 170, systolic: 120 } })).toHaveLength(1);
    expect(p.send({ at: 400, received: 600, device: D1, vitals: { heartRate: 81 } })).toEqual([]);
    expect(p.send({ at: S, device: D1, vitals: { heartRate: 82 } })).toEqual(['heartRate.above.high ended']);
  });

  it('a clock that ran ahead and was put right does not blind us until time catches up', () => {
    const p = patient();
    p.send({ at: 60 * S, received: 0, vitals: { heartRate: 80 } });
    expect(p.send({ at: S, received: S, vitals: { heartRate: 200 } })).toEqual(['heartRate.above.high began']);
    expect(p.send({ at: 2 * S, received: 2 * S, vitals: { heartRate: 80 } })).toEqual(['heartRate.above.high ended']);
  });

  it('tells that it grew worse at most every 10 s, by what a chart would show, and never loses the peak', () => {
    const p = patient();
    p.send({ at: 0, vitals: { heartRate: 165 } });
    expect(p.send({ at: 5 * S, vitals: { heartRate: 190 } })).toEqual([]);
    expect(p.send({ at: 9 * S, vitals: { heartRate: 170 } })).toEqual([]);
    expect(p.send({ at: 10 * S, vitals: { heartRate: 171 } })).toEqual(['heartRate.above.high worsened']);
    expect(p.told.at(-1)).toMatchObject({ cause: { value: 190 }, readingId: 'rD15000', alarmId: p.told[0]?.alarmId });
    expect(p.send({ at: 30 * S, vitals: { heartRate: 190.3 } })).toEqual([]);
    const positions = p.told.map(({ position }) => [position.offset, position.step]);
    expect(new Set(positions.map(String)).size).toBe(positions.length);
  });
});

describe('NEWS2', () => {
  it('7 rings high, 5 rings medium, and one deterioration does not ring twice at once', () => {
    const p = patient();
    p.send({ at: 0, vitals: HEALTHY, context: CONTEXT });
    expect(p.state().status.news2).toMatchObject({ score: 0, missing: [] });
    // RR 25 → 3, SpO2 93 → 2, HR 115 → 2: 7.
    expect(p.send({ at: S, vitals: { respiratoryRate: 25, spo2: 93, heartRate: 115 } })).toEqual(['news2.score began']);
    expect(p.told[0]?.cause).toMatchObject({
      vital: 'news2',
      value: 7,
      comparison: 'at-least',
      limit: 7,
      text: 'NEWS2 7 ≥ 7',
    });
    // 6, 7 and well again: one alarm, which ends when five minutes have shown it.
    expect(p.send({ at: 2 * S, vitals: { heartRate: 100 } })).toEqual([]);
    expect(p.send({ at: 3 * S, vitals: { heartRate: 115 } })).toEqual([]);
    expect(p.send({ at: 4 * S, vitals: HEALTHY })).toEqual([]);
    expect(p.send({ at: 303 * S, vitals: HEALTHY })).toEqual([]);
    expect(p.send({ at: 304 * S, vitals: HEALTHY })).toEqual(['news2.score ended']);
  });

  it('a single parameter of 3 is shown, and rings once it has lasted for a minute', () => {
    const p = patient();
    expect(p.send({ at: 0, vitals: { ...HEALTHY, respiratoryRate: 26 }, context: CONTEXT })).toEqual([]);
    expect(p.state().status.news2).toMatchObject({ score: 3, single3: true });
    expect(p.send({ at: 60 * S, vitals: { ...HEALTHY, respiratoryRate: 26 } })).toEqual(['news2.score began']);
    expect(p.told.at(-1)).toMatchObject({ priority: 'medium', cause: { text: 'NEWS2 3, RR scores 3' } });
  });

  it('a partial score rings as the lower bound it is, and says so', () => {
    const p = patient();
    expect(p.send({ at: 0, vitals: { respiratoryRate: 30, spo2: 90 } })).toEqual(['news2.score began']);
    expect(p.told[0]?.cause.text).toBe('NEWS2 6 ≥ 5 partial');
  });

  it('does not end because a parameter grew too old', () => {
    const p = patient();
    p.send({ at: 0, vitals: { ...HEALTHY, systolic: 85, respiratoryRate: 25, spo2: 95 }, context: CONTEXT });
    expect(p.told.map((t) => t.rule)).toEqual(['news2.score']);
    const later = NEWS2_VALID_MS.systolic + S;
    expect(p.send({ at: later, vitals: { respiratoryRate: 25, spo2: 95, heartRate: 70 } })).toEqual([]);
    expect(p.state().status.news2).toMatchObject({ score: 4 });
    expect(p.state().status.news2?.missing.map((m) => m.parameter)).toEqual(['systolic', 'temperature']);
    expect(p.send({ at: later + S, vitals: { ...HEALTHY, systolic: 120 } })).toEqual([]);
    expect(p.send({ at: later + 301 * S, vitals: HEALTHY })).toEqual(['news2.score ended']);
  });

  it('a parameter that was too old counts again when measured again, even with the same value', () => {
    const p = patient();
    p.send({ at: 0, vitals: HEALTHY, context: CONTEXT });
    p.send({ at: 10 * 60 * S, vitals: { heartRate: 70 } });
    expect(p.state().status.news2?.missing.map((m) => m.parameter)).toEqual(['respiratoryRate', 'spo2']);
    p.send({ at: 10 * 60 * S + S, vitals: { heartRate: 70, respiratoryRate: 16, spo2: 97 } });
    expect(p.state().status.news2?.missing).toEqual([]);
  });

  it('grows partial in silence, by the clock', () => {
    const p = patient();
    p.send({ at: 0, vitals: HEALTHY, context: CONTEXT });
    p.silence(NEWS2_VALID_MS.heartRate);
    expect(p.state().status.news2?.missing).toEqual([]);
    p.silence(NEWS2_VALID_MS.heartRate + 1);
    expect(p.state().status.news2?.missing.map((m) => m.parameter)).toEqual(['respiratoryRate', 'spo2', 'heartRate']);
  });

  it('scale 2 is used where it is prescribed', () => {
    const scale2 = patient(assessRules({ own: [], spo2Scale: 2 }));
    scale2.send({ at: 0, vitals: { ...HEALTHY, spo2: 89 }, context: CONTEXT });
    expect(scale2.state().status.news2?.points.spo2).toBe(0);
  });
});

describe('technical conditions', () => {
  it('leads off begins, its values are not judged, and measuring again ends it', () => {
    const p = patient();
    p.send({ at: 0, vitals: { heartRate: 80 } });
    expect(p.send({ at: S, vitals: { heartRate: 0 }, status: { leadsOff: true } })).toEqual([
      'technical.leadsOff began',
    ]);
    expect(p.state().status).toMatchObject({ leadsOff: true, values: { heartRate: { value: 80 } } });
    expect(p.send({ at: 2 * S })).toEqual([]);
    expect(p.send({ at: 3 * S, vitals: { heartRate: 82 } })).toEqual(['technical.leadsOff ended']);
  });
  it('battery begins below 15 % and ends from 20 % on', () => {
    const p = patient();
    const at = (battery: number, ms: number) => p.send({ at: ms, status: { battery } });
    expect(at(0.15, 0)).toEqual([]);
    expect(at(0.14, 1)).toEqual(['technical.battery began']);
    expect(at(0.19, 2)).toEqual([]);
    expect(at(0.2, 3)).toEqual(['technical.battery ended']);
    expect(at(0.16, 4)).toEqual([]);
  });
  it('a device heard every second is lost after 30 s of silence, once, and found by its next reading', () => {
    const p = patient();
    for (let at = 0; at < 10 * S; at += S) p.send({ at, vitals: { heartRate: 70 } });
    expect(p.silence(9 * S + 29_999)).toEqual([]);
    expect(p.silence(9 * S + 30_000)).toEqual(['technical.lost began']);
    expect(p.told[0]).toMatchObject({
      priority: 'medium',
      alarmKind: 'technical',
      readingId: 'rD19000',
      cause: { text: 'NO DATA' },
    });
    expect(p.silence(9 * S + 31_000)).toEqual([]);
    expect(p.send({ at: 60 * S, vitals: { heartRate: 70 } })).toEqual(['technical.lost ended']);
  });
  it('silence counts from when we began to listen', () => {
    const p = patient();
    p.send({ at: 0, vitals: { heartRate: 70 } });
    expect(p.silence(600 * S, 590 * S)).toEqual([]);
    expect(p.silence(621 * S, 590 * S)).toEqual(['technical.lost began']);
  });
  it('one of two devices falls silent: lost, though the other still speaks', () => {
    const p = patient();
    p.send({ at: 0, device: D1, vitals: { heartRate: 70 } });
    for (let at = 0; at <= 40 * S; at += S) p.send({ at: at + 1, device: D2, vitals: { spo2: 97 } });
    expect(p.silence(41 * S)).toEqual(['technical.lost began']);
    expect(p.send({ at: 42 * S, device: D2, vitals: { spo2: 97 } })).toEqual([]);
    expect(p.send({ at: 43 * S, device: D1, vitals: { heartRate: 70 } })).toEqual(['technical.lost ended']);
  });
  it('a device taken off the patient is no longer missed', () => {
    const p = patient();
    p.send({ at: 0, vitals: { heartRate: 70 }, status: { battery: 0.1 } });
    p.silence(31 * S);
    expect(p.again(40 * S, assessRules({ own: [], spo2Scale: 1, devices: [] }))).toEqual([
      'technical.battery ended',
      'technical.lost ended',
    ]);
    expect(p.state().status.battery).toBeUndefined();
  });
});

describe('changed rules', () => {
  const own = (limit: number, off = false): LimitRule => ({
    id: 'heartRate.above.high',
    kind: 'limit',
    version: 2,
    vital: 'heartRate',
    comparison: 'above',
    limit,
    priority: 'high',
    off,
  });
  const rules = (...limits: LimitRule[]) => assessRules({ own: limits, spo2Scale: 1 });
  it('judge the current value again, at once', () => {
    const p = patient();
    p.send({ at: 0, vitals: { heartRate: 150 } });
    expect(p.again(S, rules(own(140)))).toEqual(['heartRate.above.high began']);
    expect(p.again(2 * S, rules(own(140, true)))).toEqual(['heartRate.above.high ended']);
    expect(p.again(3 * S, rules(own(140)))).toEqual(['heartRate.above.high began']);
    const [first, , second] = p.told;
    expect(first?.alarmId).not.toBe(second?.alarmId);
    const steps = p.told.map(({ position }) => position.step);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(new Set(steps).size).toBe(steps.length);
  });
  it('do not ring about a value that is no longer shown', () => {
    const p = patient();
    p.send({ at: 0, vitals: { heartRate: 150 } });
    expect(p.again(31 * S, rules(own(140)))).toEqual([]);
  });
});

describe('after a crash', () => {
  it('what was already judged is not judged again', () => {
    const p = patient();
    p.send({ at: 0, vitals: { heartRate: 200 } });
    const before = p.state();
    const again = assess(
      before,
      reading({ at: S, vitals: { heartRate: 80 } }),
      RULES,
      { partition: 3, offset: 0 },
      idOf,
    );
    expect(again).toEqual({ state: before, transitions: [] });
  });
  it('a loss noticed before the crash and over since is ended, not left standing', () => {
    const p = patient();
    p.send({ at: 0, vitals: { heartRate: 70 } });
    const checkpoint = p.state();
    p.silence(31 * S);
    const [began] = p.told;
    if (began === undefined) throw new Error('nothing was lost');
    const lost = alarmOf(began);
    p.set(checkpoint);
    p.send({ at: 40 * S, vitals: { heartRate: 70 } });
    p.set(adopted(p.state(), lost));
    expect(p.again(41 * S, RULES)).toEqual(['technical.lost ended']);
    p.set(adopted(checkpoint, lost));
    expect(p.again(41 * S, RULES)).toEqual([]);
    expect(p.send({ at: 42 * S, vitals: { heartRate: 70 } })).toEqual(['technical.lost ended']);
  });
  it('the checkpoint is plain JSON', () => {
    const p = patient();
    p.send({
      at: 0,
      vitals: { ...HEALTHY, heartRate: 200 },
      context: CONTEXT,
      status: { battery: 0.5, leadsOff: false },
    });
    expect(JSON.parse(JSON.stringify(p.state()))).toEqual(p.state());
  });
});

function adopted(state: AssessState, alarm: Alarm): AssessState {
  const own = copyOf(state);
  adopt(own, alarm);
  return own;
}

function alarmOf(began: ConditionTransition): Alarm {
  const { alarmId, alarmKind, atMs, patientId, rule, ruleVersion, priority, cause, deviceId, readingId } = began;
  return {
    id: alarmId,
    patientId,
    rule,
    ruleVersion,
    kind: alarmKind,
    priority,
    state: 'active',
    condition: 'present',
    cause,
    worst: cause,
    deviceId,
    readingId,
    lastReadingId: readingId,
    raisedAtMs: atMs,
    highestPriority: priority,
    reminders: 0,
    notes: 0,
    revision: 0,
  };
}
