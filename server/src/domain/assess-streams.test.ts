import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConditionTransition } from './alarm.ts';
import { judgeReading } from './assess.ts';
import { type AssessRules, assessRules } from './assess-rules.ts';
import { type PatientState, revive, unheardPatient } from './assess-state.ts';
import type { AlarmId } from './ids.ts';
import type { AssignedReading } from './reading.ts';
import type { Rule } from './rule.ts';
import { onlyRules, readingOf } from './test-patient.ts';

const SUSTAINED_MS = 5_000;
const LIMIT = { vital: 'heartRate', comparison: 'above', limit: 130, priority: 'high' } as const;
const SUSTAINED: Rule = { kind: 'limit', id: 'heartRate.above.high', version: 1, ...LIMIT, sustainedMs: SUSTAINED_MS };
const EVERY_KIND: readonly Rule[] = [
  { ...SUSTAINED, clearAt: 120 },
  { kind: 'limit', id: 'heartRate.above.low', version: 1, ...LIMIT, limit: 110, priority: 'low' },
  {
    kind: 'change',
    id: 'heartRate.rise.medium',
    version: 1,
    vital: 'heartRate',
    direction: 'rise',
    by: 30,
    windowMs: 20_000,
    priority: 'medium',
  },
  {
    kind: 'change',
    id: 'spo2.fall.low',
    version: 1,
    vital: 'spo2',
    direction: 'fall',
    by: 6,
    windowMs: 15_000,
    sustainedMs: 3_000,
    priority: 'low',
  },
  {
    kind: 'repeated',
    id: 'repeated.hr',
    version: 1,
    rule: 'heartRate.above.low',
    times: 2,
    windowMs: 30_000,
    priority: 'medium',
  },
  {
    kind: 'combination',
    id: 'combination.both',
    version: 1,
    priority: 'medium',
    sustainedMs: 2_000,
    when: {
      atLeast: 2,
      of: [
        { vital: 'heartRate', comparison: 'above', limit: 110, clearAt: 100 },
        { vital: 'spo2', comparison: 'below', limit: 92, maxAgeMs: 10_000 },
      ],
    },
  },
];
const ALL = assessRules({ own: EVERY_KIND });
const ALONE = onlyRules(SUSTAINED);

const idOf = (key: string) => key.replaceAll('\n', '.') as AlarmId;
const start = () => unheardPatient('P1' as never, 0);

function judgeAll(stream: readonly AssignedReading[], rules: AssessRules, state: PatientState = start(), first = 0) {
  const told: ConditionTransition[] = [];
  stream.forEach((reading, index) => {
    if (index >= first) judgeReading(state, reading, rules, { partition: 0, offset: index }, idOf, told);
  });
  return { state, told };
}
const inWords = (told: readonly ConditionTransition[]) =>
  told.map(({ kind, rule, readingId, priority }) => `${kind} ${rule} ${priority} ${readingId}`);

const heartRate = fc.constantFrom(90, 105, 115, 125, 131, 140, 160);
const reading = fc.record({
  device: fc.constantFrom('D1', 'D2'),
  heartRate: fc.option(heartRate, { freq: 6, nil: undefined }),
  spo2: fc.option(fc.constantFrom(85, 90, 91, 95, 98), { freq: 3, nil: undefined }),
  leadsOff: fc.option(fc.boolean(), { freq: 20, nil: undefined }),
  gap: fc.constantFrom(0.5, 1, 1, 1, 1, 2, 7),
  late: fc.constantFrom(0, 0, 0, 0, 1, 2, 4),
});
/** In the order of arrival: late ones behind those they were measured before. */
const streams = fc.array(reading, { minLength: 1, maxLength: 60 }).map((all) => {
  let at = 0;
  return all
    .map(({ device, heartRate: rate, spo2, leadsOff, gap, late }, index) => {
      at += gap;
      return readingOf({
        at,
        received: at + late + 0.001,
        device,
        id: `r${index}`,
        vitals: { ...(rate === undefined ? {} : { heartRate: rate }), ...(spo2 === undefined ? {} : { spo2 }) },
        status: leadsOff === undefined ? {} : { leadsOff },
      });
    })
    .sort((a, b) => a.receivedAtMs - b.receivedAtMs);
});
const RUNS = { numRuns: 300 };

describe('every kind of rule, whatever a network does to the stream', { timeout: 60_000 }, () => {
  it('a replay from any checkpoint tells the same', () => {
    fc.assert(
      fc.property(streams, fc.nat(), (stream, cut) => {
        const at = cut % (stream.length + 1);
        const before = judgeAll(stream.slice(0, at), ALL);
        const checkpoint = JSON.stringify(before.state);
        const whole = judgeAll(stream, ALL);
        const resumed = judgeAll(stream, ALL, revive(JSON.parse(checkpoint)), at);
        expect(inWords([...before.told, ...resumed.told])).toEqual(inWords(whole.told));
        expect(JSON.stringify(resumed.state)).toBe(JSON.stringify(whole.state));
        // From before the checkpoint: what it has passed is left out.
        const overlapping = judgeAll(stream, ALL, revive(JSON.parse(checkpoint)), Math.max(0, at - 5));
        expect(inWords(overlapping.told)).toEqual(inWords(resumed.told));
      }),
      RUNS,
    );
  });

  it('second copies, at any later place, tell nothing and change nothing that is told later', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 20 }), (stream, copies) => {
        const doubled = [...stream];
        for (const [which, later] of copies) {
          const original = stream[which % stream.length];
          if (original !== undefined)
            doubled.splice(doubled.indexOf(original) + 1 + (later % stream.length), 0, original);
        }
        expect(inWords(judgeAll(doubled, ALL).told)).toEqual(inWords(judgeAll(stream, ALL).told));
      }),
      RUNS,
    );
  });

  it('begins and ends alternate for each rule, and only the newest value begins or ends anything', () => {
    fc.assert(
      fc.property(streams, (stream) => {
        const state = start();
        const present = new Set<string>();
        let newestMs = 0;
        stream.forEach((each, offset) => {
          const told: ConditionTransition[] = [];
          judgeReading(state, each, ALL, { partition: 0, offset }, idOf, told);
          for (const { kind, rule, alarmKind } of told) {
            if (alarmKind === 'physiological' && each.status.leadsOff !== true) {
              const ofVital = stream.slice(0, offset).filter((other) => newerOfSame(other, each, rule));
              expect(ofVital).toEqual([]);
            }
            expect(present.has(rule)).toBe(kind !== 'began');
            if (kind === 'began') present.add(rule);
            if (kind === 'ended') present.delete(rule);
          }
          newestMs = Math.max(newestMs, each.atMs);
          expect(state.eventMs).toBe(newestMs);
        });
        expect(Object.keys(state.conditions).sort()).toEqual([...present].sort());
      }),
      RUNS,
    );
  });

  it('readings without the vital, between any others, begin and end nothing about it', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(), { maxLength: 20 }), (stream, places) => {
        const filled = stream.filter(({ status }) => status.leadsOff === undefined);
        const padded = [...filled];
        places.forEach((place, index) => {
          const after = filled[place % Math.max(1, filled.length)];
          if (after === undefined) return;
          const { atMs, receivedAtMs, deviceId } = after;
          // A sentinel was dropped at the door: nothing is left of the reading but its time.
          const empty = {
            ...readingOf({ at: 0, id: `empty${index}` }),
            atMs: atMs + 1,
            receivedAtMs: receivedAtMs + 1,
            deviceId,
          };
          padded.splice(padded.indexOf(after) + 1, 0, empty);
        });
        expect(inWords(judgeAll(padded, ALONE).told)).toEqual(inWords(judgeAll(filled, ALONE).told));
      }),
      RUNS,
    );
  });

  it('a clock that is off by a constant changes nothing', () => {
    fc.assert(
      fc.property(streams, fc.integer({ min: -600, max: 60 }), (stream, offBy) => {
        const inOrder = stream
          .toSorted((a, b) => a.atMs - b.atMs)
          .map((each) => ({ ...each, receivedAtMs: each.atMs }));
        const skewed = inOrder.map((each) => ({ ...each, atMs: each.atMs + offBy * 1_000 }));
        const rules = onlyRules(...EVERY_KIND.filter(({ kind }) => kind !== 'change'));
        expect(inWords(judgeAll(skewed, rules).told)).toEqual(inWords(judgeAll(inOrder, rules).told));
      }),
      RUNS,
    );
  });
});

describe('a sustained breach', { timeout: 60_000 }, () => {
  it('never rings falsely: whatever had arrived by then shows no moment within the limit', () => {
    fc.assert(
      fc.property(streams, (stream) => {
        const state = start();
        stream.forEach((each, offset) => {
          const told: ConditionTransition[] = [];
          judgeReading(state, each, ALONE, { partition: 0, offset }, idOf, told);
          for (const began of told.filter(({ kind, rule }) => kind === 'began' && rule === SUSTAINED.id)) {
            const sinceMs = began.cause.reasons?.readings[0]?.atMs ?? Number.POSITIVE_INFINITY;
            expect(began.atMs - sinceMs).toBeGreaterThanOrEqual(SUSTAINED_MS);
            const measured = stream
              .slice(0, offset + 1)
              .filter(({ vitals, status }) => vitals.heartRate !== undefined && status.leadsOff !== true)
              .filter(({ atMs }) => atMs > sinceMs && atMs < began.atMs);
            expect(measured.filter(({ vitals }) => (vitals.heartRate ?? 0) <= LIMIT.limit)).toEqual([]);
            expect(began.cause.reasons?.sustained?.readings).toBeGreaterThanOrEqual(2);
          }
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it('in order and every second it rings exactly when it has lasted that long', () => {
    fc.assert(
      fc.property(fc.array(heartRate, { maxLength: 80 }), (rates) => {
        const stream = rates.map((rate, at) => readingOf({ at, vitals: { heartRate: rate } }));
        const began = judgeAll(stream, ALONE).told.filter(({ kind }) => kind === 'began');
        const expected: string[] = [];
        let run = 0;
        rates.forEach((rate, at) => {
          run = rate > LIMIT.limit ? run + 1 : 0;
          // Six readings a second apart cover five seconds.
          if (run === SUSTAINED_MS / 1_000 + 1) expected.push(`rD1-${at}`);
        });
        expect(began.map(({ readingId }) => readingId)).toEqual(expected);
      }),
      RUNS,
    );
  });

  it('out of order it is not missed, and rings at most as much later as readings were late', () => {
    const latest = 3;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: latest }), { minLength: 40, maxLength: 40 }), (delays) => {
        const stream = delays
          .map((late, at) =>
            readingOf({ at, received: at + late + 0.001 * at, vitals: { heartRate: at < 10 || at > 30 ? 80 : 140 } }),
          )
          .sort((a, b) => a.receivedAtMs - b.receivedAtMs);
        const began = judgeAll(stream, ALONE).told.filter(({ kind }) => kind === 'began');
        expect(began).toHaveLength(1);
        const atS = Number(String(began[0]?.readingId).slice(4));
        expect(atS).toBeGreaterThanOrEqual(15);
        expect(atS).toBeLessThanOrEqual(15 + 2 * latest);
      }),
      RUNS,
    );
  });
});

/** Did a newer value of the vital that this rule is about arrive before? */
function newerOfSame(other: AssignedReading, each: AssignedReading, rule: string): boolean {
  if (other.status.leadsOff === true || other.atMs <= each.atMs) return false;
  const has = (vital: 'heartRate' | 'spo2') => other.vitals[vital] !== undefined && each.vitals[vital] !== undefined;
  if (rule.startsWith('heartRate')) return has('heartRate');
  return rule.startsWith('spo2') ? has('spo2') : false;
}
