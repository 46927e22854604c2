import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alarmBurden } from './alarm-burden.ts';
import type { PatientId } from './ids.ts';
import type { AssignedReading } from './reading.ts';
import type { LimitRule } from './rule.ts';
import { onlyRules, readingOf, T0 } from './test-patient.ts';

const RAW: LimitRule = {
  kind: 'limit',
  id: 'heartRate.above.high',
  version: 1,
  vital: 'heartRate',
  comparison: 'above',
  limit: 160,
  priority: 'high',
};
const WAITING: LimitRule = { ...RAW, sustainedMs: 15_000 };

type Stream = readonly AssignedReading[];

/** Heart rates of consecutive seconds; undefined: none was measured. */
function rates(values: readonly (number | undefined)[], patient = 'P1', from = 0): Stream {
  return values.flatMap((heartRate, at) =>
    heartRate === undefined
      ? []
      : [{ ...readingOf({ at: from + at, vitals: { heartRate } }), patientId: patient as PatientId }],
  );
}
const seconds = (count: number, heartRate: number) => Array.from({ length: count }, () => heartRate);

function compare(before: readonly LimitRule[], after: readonly LimitRule[], ...patients: readonly Stream[]) {
  const burden = alarmBurden();
  const rules = { before: onlyRules(...before), after: onlyRules(...after) };
  for (const stream of patients) {
    const counted = burden.patient({ patientId: stream[0]?.patientId ?? ('P0' as PatientId), ...rules });
    for (const reading of stream) counted.take(reading);
    counted.end();
  }
  return burden.figures();
}

describe('what a change of rules would have meant', () => {
  it('a rule that waits rings less for what comes and goes, and later for what lasts', () => {
    const stream = rates([80, 170, 80, 170, 170, 80, ...seconds(100, 170), 80]);
    const { before, after, sustained } = compare([RAW], [WAITING], stream);
    expect([before.alarms.high, after.alarms.high]).toEqual([3, 1]);
    expect(before.rules).toEqual([
      expect.objectContaining({ ruleId: RAW.id, kind: 'physiological', alarms: 3, patients: 1, presentMs: 103_000 }),
    ]);
    expect(sustained).toMatchObject({
      events: 1,
      before: { caught: 1, missed: 0, delayMs: { p50: 0, max: 0 } },
      after: { caught: 1, missed: 0, delayMs: { p50: 15_000, max: 15_000 } },
      newlyMissed: 0,
      delayed: 1,
      delayedByMs: { p50: 15_000, max: 15_000 },
    });
  });

  it('says what is missed when a rule is switched off, although no rule is left that knows the limit', () => {
    const stream = rates([80, ...seconds(70, 170), 80]);
    const { sustained } = compare([RAW], [{ ...RAW, off: true }], stream);
    expect(sustained).toMatchObject({ events: 1, newlyMissed: 1, after: { caught: 0, missed: 1 } });
    expect(sustained.worst).toEqual([
      {
        patientId: 'P1',
        limit: { vital: 'heartRate', comparison: 'above', limit: 160 },
        fromMs: T0 + 1_000,
        lastedMs: 69_000,
        delayBeforeMs: 0,
        delayAfterMs: undefined,
      },
    ]);
    const back = compare([{ ...RAW, off: true }], [RAW], stream).sustained;
    expect(back).toMatchObject({ newlyMissed: 0, newlyCaught: 1, worst: [] });
  });

  it('an alarm of another vital catches nothing, one of less urgency is told apart', () => {
    const stream = rates([80, ...seconds(70, 170), 80]);
    const other: LimitRule = { ...RAW, id: 'spo2.below.high', vital: 'spo2', comparison: 'below', limit: 101 };
    const withSpo2 = stream.map((each) => ({ ...each, vitals: { ...each.vitals, spo2: 97 } }));
    expect(compare([RAW], [other], withSpo2).sustained.newlyMissed).toBe(1);
    const quiet: LimitRule = { ...RAW, id: 'heartRate.above.low', priority: 'low' };
    expect(compare([RAW], [quiet], stream).sustained).toMatchObject({ newlyMissed: 0, lessUrgent: 1, delayed: 0 });
  });

  it('what lasts less than a minute, or is two breaches with silence between them, is no sustained event', () => {
    expect(compare([RAW], [], rates([80, ...seconds(59, 170), 80])).sustained.events).toBe(0);
    const silence = Array.from({ length: 60 }, () => undefined);
    expect(compare([RAW], [], rates([...seconds(40, 170), ...silence, ...seconds(40, 170)])).sustained.events).toBe(0);
  });

  it('patient-days are counted only while somebody is measured', () => {
    const halfHours = rates([
      ...seconds(1_801, 80),
      ...Array.from({ length: 7_200 }, () => undefined),
      ...seconds(1_801, 80),
    ]);
    const { measuredMs, hours } = compare([RAW], [RAW], halfHours);
    // Two half hours, and one usual interval of the silence between them.
    expect(measuredMs).toBe(3_601_000);
    expect(hours.reduce((sum, hour) => sum + hour.measuredMs, 0)).toBe(measuredMs);
    const off = halfHours.map((each) => ({ ...each, status: { leadsOff: true } }));
    expect(compare([RAW], [RAW], off)).toMatchObject({ measuredMs: 0, patients: 1 });
  });

  it('alarms of the measurement are not counted among those of the patient', () => {
    const burden = alarmBurden();
    const rules = onlyRules(RAW, {
      kind: 'technical',
      id: 'technical.lost',
      version: 1,
      condition: 'lost',
      priority: 'medium',
    });
    const counted = burden.patient({ patientId: 'P1' as PatientId, before: rules, after: onlyRules(RAW) });
    for (const reading of rates(seconds(10, 80))) counted.take(reading);
    counted.end(T0 + 600_000);
    const { before, after } = burden.figures();
    expect(before).toMatchObject({ alarms: { high: 0, medium: 0, low: 0 }, technical: 1, inAlarmMs: 0, busiest: [] });
    expect(after.technical).toBe(0);
  });

  it('what came later than an hour is left out, as it is live', () => {
    const late = rates([80, 170, 80]).map((each) => ({ ...each, receivedAtMs: each.atMs + 3_600_001 }));
    expect(compare([RAW], [RAW], late)).toMatchObject({ patients: 0, readings: 0, late: 3, measuredMs: 0 });
  });
});

describe('properties of the comparison', () => {
  const value = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(80, 120, 150, 155, 161, 165, 170, 190) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
  /** Runs of one value, so that something lasts. */
  const stream = fc
    .array(fc.tuple(value, fc.integer({ min: 1, max: 90 })), { minLength: 1, maxLength: 12 })
    .map((runs) => runs.flatMap(([each, times]) => Array.from({ length: times }, () => each)));
  const ward = fc
    .array(stream, { minLength: 1, maxLength: 5 })
    .map((streams) => streams.map((each, index) => rates(each, `P${index}`)).filter((each) => each.length > 0));
  const rule = fc.record({
    limit: fc.constantFrom(110, 140, 152, 160, 168),
    sustainedMs: fc.constantFrom(0, 5_000, 19_000, 120_000),
  });

  it('the same rules on both sides come to the same, and nothing is missed or delayed', () => {
    fc.assert(
      fc.property(ward, rule, (patients, given) => {
        const { before, after, sustained } = compare([{ ...RAW, ...given }], [{ ...RAW, ...given }], ...patients);
        expect(after).toEqual(before);
        expect(sustained).toMatchObject({ newlyMissed: 0, newlyCaught: 0, delayed: 0, earlier: 0, lessUrgent: 0 });
        expect(sustained.after).toEqual(sustained.before);
      }),
      { numRuns: 60 },
    );
  });

  it('a stricter limit is never breached for a shorter time, and misses nothing that the other catches', () => {
    fc.assert(
      fc.property(ward, fc.constantFrom(110, 140, 152, 160, 168), fc.constantFrom(1, 9, 40), (patients, limit, by) => {
        const { before, after, sustained } = compare([{ ...RAW, limit }], [{ ...RAW, limit: limit - by }], ...patients);
        expect(after.inAlarmMs).toBeGreaterThanOrEqual(before.inAlarmMs);
        expect(sustained).toMatchObject({ newlyMissed: 0, delayed: 0 });
      }),
      { numRuns: 60 },
    );
  });

  it('in which order the patients come makes no difference', () => {
    fc.assert(
      fc.property(ward, rule, fc.infiniteStream(fc.nat()), (patients, given, random) => {
        const shuffled = [...patients].sort(() => ((random.next().value as number) % 2 === 0 ? 1 : -1));
        expect(compare([RAW], [{ ...RAW, ...given }], ...shuffled)).toEqual(
          compare([RAW], [{ ...RAW, ...given }], ...patients),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('nobody is measured for longer than from their first reading to their last', () => {
    fc.assert(
      fc.property(stream, (values) => {
        const readings = rates(values);
        const spanMs = (readings.at(-1)?.atMs ?? 0) - (readings[0]?.atMs ?? 0);
        expect(compare([RAW], [RAW], readings).measuredMs).toBeLessThanOrEqual(spanMs);
      }),
    );
  });
});
