import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Alarm, type AlarmChange, type ConditionTransition, nextAlarm } from './alarm.ts';
import { actOn } from './alarm-act.ts';
import { ALARM_POLICY } from './alarm-policy.ts';
import { assess } from './assess.ts';
import { assessRules } from './assess-rules.ts';
import { type AssessState, unheardPatient } from './assess-state.ts';
import type { AlarmId, BedId, DeviceId, PatientId, ReadingId, WardId } from './ids.ts';
import type { AssignedReading } from './reading.ts';
import { transitionAt } from './test-alarm.ts';

const PLACE = { wardId: 'W3' as WardId, bedId: 'W3-01' as BedId };

const transition = (kind: ConditionTransition['kind'], value: number, offset: number) =>
  transitionAt(kind, offset, { value });

function acknowledge(alarm: Alarm, by: string, atMs: number): AlarmChange {
  const decision = actOn(alarm, { kind: 'acknowledge' }, { by }, atMs, ALARM_POLICY);
  return decision.kind === 'done' ? decision.change : { kind: 'unchanged', alarm: decision.alarm, atMs };
}
const began = (value: number, offset: number) => transition('began', value, offset);
const ended = (offset: number) => transition('ended', 170, offset);

function after(...steps: (ConditionTransition | 'acknowledge')[]): AlarmChange {
  let change: AlarmChange | undefined;
  for (const step of steps) {
    const open: Alarm | undefined = change?.alarm.state === 'active' ? change.alarm : undefined;
    if (step !== 'acknowledge') change = nextAlarm(open, step, PLACE) ?? change;
    else if (change !== undefined) change = acknowledge(change.alarm, 'nurse', 9_999);
  }
  if (change === undefined) throw new Error('nothing happened');
  return change;
}

describe('an alarm', () => {
  it('is raised with its place, its rule, its cause and the reading that began it', () =>
    expect(after(began(167, 1))).toMatchObject({
      kind: 'raised',
      alarm: {
        id: 'a1',
        ...PLACE,
        state: 'active',
        condition: 'present',
        readingId: 'r1',
        raisedAtMs: 1_000,
        cause: { value: 167 },
      },
    }));
  it('keeps its own id whatever else the place it is given holds', () => {
    const place = { ...PLACE, id: 'P1', limits: [] };
    expect(nextAlarm(undefined, began(167, 1), place)?.alarm).toEqual(after(began(167, 1)).alarm);
  });
  it('that came and went unseen stays open: latched', () =>
    expect(after(began(167, 1), ended(2))).toMatchObject({
      kind: 'ended',
      alarm: { state: 'active', condition: 'ended', endedAtMs: 2_000 },
    }));
  it('that ended is resolved by its acknowledgement', () =>
    expect(after(began(167, 1), ended(2), 'acknowledge')).toMatchObject({
      kind: 'resolved',
      alarm: { state: 'resolved', acknowledgedBy: 'nurse', resolvedAtMs: 9_999 },
    }));
  it('that was acknowledged stays open while its condition is present, and is resolved by its end', () => {
    expect(after(began(167, 1), 'acknowledge')).toMatchObject({ kind: 'acknowledged', alarm: { state: 'active' } });
    expect(after(began(167, 1), 'acknowledge', ended(2))).toMatchObject({
      kind: 'resolved',
      alarm: { condition: 'ended' },
    });
  });
  it('whose condition returns before anyone saw it goes on as the same alarm, not ended any more', () => {
    const change = after(began(167, 1), ended(2), began(180, 3));
    expect(change).toMatchObject({
      kind: 'returned',
      awayMs: 1_000,
      alarm: { id: 'a1', condition: 'present', worst: { value: 180 }, cause: { value: 167 } },
    });
    expect(change.alarm.endedAtMs).toBeUndefined();
  });
  it('keeps the worst it ever was', () =>
    expect(after(began(190, 1), ended(2), began(170, 3)).alarm.worst.value).toBe(190));
  it('resolved and begun anew is another alarm', () =>
    expect(after(began(167, 1), 'acknowledge', ended(2), began(170, 3))).toMatchObject({
      kind: 'raised',
      alarm: { id: 'a3' },
    }));
  it('has one owner: a second acknowledgement changes nothing', () => {
    const { alarm } = after(began(167, 1), 'acknowledge');
    expect(acknowledge(alarm, 'other', 1)).toMatchObject({ kind: 'unchanged', alarm });
    const resolved = after(began(167, 1), 'acknowledge', ended(2)).alarm;
    expect(acknowledge(resolved, 'other', 1)).toMatchObject({ kind: 'unchanged', alarm: resolved });
  });
  it('an end without a beginning is nothing', () => expect(nextAlarm(undefined, ended(1), PLACE)).toBeUndefined());
});

// Streams as networks make them: late, duplicated, reordered, replayed after a crash, acknowledged at any time. --------

interface Sent {
  readonly device: number;
  readonly at: number;
  readonly heartRate: number | undefined;
  readonly spo2: number | undefined;
  readonly rr: number | undefined;
}

const PATIENT = 'P1' as PatientId;
const RULES = assessRules({ own: [], spo2Scale: 1 });
const idOf = (key: string) => key as AlarmId;
const vital = (min: number, max: number) => fc.option(fc.integer({ min, max }), { nil: undefined });
const sent: fc.Arbitrary<Sent> = fc.record({
  device: fc.integer({ min: 1, max: 2 }),
  at: fc.integer({ min: 0, max: 120 }),
  heartRate: vital(150, 170),
  spo2: vital(80, 90),
  rr: vital(8, 30),
});

function readingOf({ device, at, heartRate, spo2, rr }: Sent, offset: number): AssignedReading {
  return {
    id: `r${device}-${at}-${heartRate}-${spo2}-${rr}` as ReadingId,
    deviceId: `D${device}` as DeviceId,
    patientId: PATIENT,
    atMs: 1_000_000 + at * 1_000,
    receivedAtMs: 1_120_000 + offset,
    vitals: {
      ...(heartRate === undefined ? {} : { heartRate }),
      ...(spo2 === undefined ? {} : { spo2 }),
      ...(rr === undefined ? {} : { respiratoryRate: rr }),
    },
    context: {},
    status: {},
  };
}

/** What an alarm store does, in ten lines. */
function store() {
  const alarms = new Map<string, Alarm>();
  const applied = new Map<string, string>();
  const rank = ({ offset, step }: ConditionTransition['position']) => `${offset}`.padStart(9, '0') + step;
  const openOf = (rule: string) =>
    [...alarms.values()].filter((alarm) => alarm.rule === rule && alarm.state === 'active');
  return {
    alarms,
    openOf,
    apply(each: ConditionTransition) {
      if (rank(each.position) <= (applied.get(each.rule) ?? '')) return;
      applied.set(each.rule, rank(each.position));
      const change = nextAlarm(openOf(each.rule)[0], each, PLACE);
      if (change?.kind === 'raised') expect(alarms.has(change.alarm.id)).toBe(false);
      if (change !== undefined) alarms.set(change.alarm.id, change.alarm);
      expect(openOf(each.rule).length).toBeLessThanOrEqual(1);
    },
    acknowledge() {
      for (const alarm of alarms.values()) {
        const { alarm: next } = acknowledge(alarm, 'nurse', 2_000_000);
        alarms.set(next.id, next);
      }
    },
  };
}

function judgeAll(stream: readonly AssignedReading[], from: AssessState, first: number) {
  let state = from;
  const transitions: ConditionTransition[] = [];
  const states: AssessState[] = [];
  stream.forEach((reading, index) => {
    if (index < first) return;
    const assessed = assess(state, reading, RULES, { partition: 0, offset: index }, idOf);
    state = assessed.state;
    states.push(state);
    transitions.push(...assessed.transitions);
  });
  return { state, states, transitions };
}

describe('whatever a network does to the stream', () => {
  const start = unheardPatient(PATIENT, 0);
  const streams = fc.array(sent, { minLength: 1, maxLength: 60 }).map((all) => all.map(readingOf));

  it('what stands at the end is what the newest value of each vital says', () => {
    fc.assert(
      fc.property(streams, (stream) => {
        const { state } = judgeAll(stream, start, 0);
        for (const [name, rule, beyond] of [
          ['heartRate', 'heartRate.above.high', (value: number) => value > 160],
          ['spo2', 'spo2.below.high', (value: number) => value < 85],
        ] as const) {
          let newest: AssignedReading | undefined;
          let latestMs = 0;
          for (const reading of stream) {
            // Of one moment, and that the newest, the later arrival counts.
            const isAfter = newest === undefined || reading.atMs > newest.atMs;
            const isTie = reading.atMs === newest?.atMs && reading.atMs === latestMs;
            if (reading.vitals[name] !== undefined && (isAfter || isTie)) newest = reading;
            latestMs = Math.max(latestMs, reading.atMs);
          }
          const value = newest?.vitals[name];
          expect(state.status.values[name]?.value).toBe(value);
          expect(state.conditions[rule] !== undefined).toBe(value !== undefined && beyond(value));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a second copy is not the moment at which a peak is due to be told', () => {
    const stream = [
      { device: 1, at: 10 },
      { device: 1, at: 0, heartRate: 150, spo2: 80, rr: 21 },
      { device: 1, at: 1, rr: 8 },
    ].map((each, offset) => readingOf({ heartRate: undefined, spo2: undefined, rr: undefined, ...each }, offset));
    const told = (all: readonly AssignedReading[]) => judgeAll(all, start, 0).transitions.map(({ kind }) => kind);
    expect(told(stream)).toEqual(['began', 'began']);
    expect(told([...stream, ...stream.slice(0, 1)])).toEqual(['began', 'began']);
    // A new one of the same moment is.
    const later = readingOf({ device: 1, at: 11, heartRate: undefined, spo2: undefined, rr: undefined }, 3);
    expect(told([...stream, later])).toEqual(['began', 'began', 'worsened']);
  });

  it('duplicates, at any later place, tell nothing', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.tuple(fc.nat(59), fc.nat(59)), { maxLength: 20 }), (stream, copies) => {
        const doubled = [...stream];
        for (const [which, later] of copies) {
          const original = stream[which % stream.length];
          if (original !== undefined)
            doubled.splice(doubled.indexOf(original) + 1 + (later % stream.length), 0, original);
        }
        const told = (all: readonly AssignedReading[]) =>
          judgeAll(all, start, 0).transitions.map(({ kind, rule, readingId }) => `${kind} ${rule} ${readingId}`);
        expect(told(doubled)).toEqual(told(stream));
      }),
      { numRuns: 300 },
    );
  });

  it('begins and ends alternate for each rule, and every position is told once', () => {
    fc.assert(
      fc.property(streams, (stream) => {
        const { transitions } = judgeAll(stream, start, 0);
        const present = new Set<string>();
        const positions = new Set<string>();
        for (const { kind, rule, position } of transitions) {
          expect(present.has(rule)).toBe(kind !== 'began');
          if (kind === 'began') present.add(rule);
          if (kind === 'ended') present.delete(rule);
          const key = `${rule} ${position.offset} ${position.step}`;
          expect(positions.has(key)).toBe(false);
          positions.add(key);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a crash anywhere, and a replay from any checkpoint before it, leave the same alarms: none lost, none twice', () => {
    fc.assert(
      fc.property(streams, fc.nat(), fc.nat(), fc.nat(), (stream, crashSeed, checkpointSeed, acknowledgeSeed) => {
        const crash = crashSeed % (stream.length + 1);
        const checkpoint = checkpointSeed % (crash + 1);
        const whole = judgeAll(stream, start, 0);
        const acknowledgeAt = acknowledgeSeed % (stream.length + 1);
        const play = (
          transitions: readonly ConditionTransition[],
          alarms: ReturnType<typeof store>,
          acked: { done: boolean },
        ) => {
          for (const each of transitions) {
            if (!acked.done && each.position.offset >= acknowledgeAt) {
              alarms.acknowledge();
              acked.done = true;
            }
            alarms.apply(each);
          }
        };
        const undisturbed = store();
        play(whole.transitions, undisturbed, { done: false });

        const crashed = store();
        const acked = { done: false };
        play(judgeAll(stream.slice(0, crash), start, 0).transitions, crashed, acked);
        const saved = JSON.parse(JSON.stringify(whole.states[checkpoint - 1] ?? start)) as AssessState;
        const replayed = judgeAll(stream, saved, checkpoint);
        expect(replayed.state).toEqual(whole.state);
        play(replayed.transitions, crashed, acked);
        expect([...crashed.alarms.values()]).toEqual([...undisturbed.alarms.values()]);
        for (const rule of Object.keys(replayed.state.conditions)) expect(crashed.openOf(rule)).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
    // Seconds of work where other work runs beside it.
  }, 60_000);
});
