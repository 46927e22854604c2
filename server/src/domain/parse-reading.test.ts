import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceId } from './ids.ts';
import { type ParsedReading, parseReading } from './parse-reading.ts';
import { unitsOf } from './unit.ts';
import { VITAL_NAMES, VITALS } from './vital.ts';

const NOW = Date.UTC(2026, 10, 22, 1, 2, 4);
const CONTEXT = { deviceId: 'D1' as DeviceId, nowMs: NOW, clockAheadMaxMs: 60_000 };
const GOOD = {
  id: 'r-1',
  deviceId: 'D1',
  at: '2026-11-22T01:02:03.456Z',
  vitals: {
    heartRate: 82,
    spo2: 97,
    respiratoryRate: 16,
    temperature: 36.8,
    systolic: 120,
    diastolic: 80,
    mean: 93,
  },
  context: { oxygen: false, consciousness: 'A' },
  status: { leadsOff: false, battery: 0.83 },
};

const parse = (value: unknown) => parseReading(value, CONTEXT);
const withVitals = (vitals: unknown) => parse({ ...GOOD, vitals });
const problems = (parsed: ParsedReading) => (parsed.kind === 'ok' ? parsed.refused : parsed.problems);
const faults = (parsed: ParsedReading) => problems(parsed).map((problem) => `${problem.code} ${problem.field}`);
const vitalsOf = (parsed: ParsedReading) => (parsed.kind === 'ok' ? parsed.reading.vitals : undefined);

describe('a reading in order', () => {
  it('is taken whole', () => {
    const { deviceId, at: _, ...rest } = GOOD;
    expect(parse(GOOD)).toEqual({ kind: 'ok', reading: { ...rest, deviceId, atMs: NOW - 544 }, refused: [] });
  });

  it('need not name its device, nor have a context or status', () => {
    expect(parse({ id: '1', at: GOOD.at, vitals: { heartRate: 0 } })).toMatchObject({ kind: 'ok', refused: [] });
  });

  it('may report its status alone', () => {
    expect(parse({ id: '1', at: GOOD.at, status: { leadsOff: true } })).toMatchObject({
      kind: 'ok',
      reading: { vitals: {}, status: { leadsOff: true } },
    });
  });

  it('comes in other units', () => {
    const vitals = { temperature: { value: 98.6, unit: '[degF]' }, spo2: { value: 0.97, unit: '1' } };
    expect(vitalsOf(withVitals(vitals))).toEqual({ temperature: 37, spo2: 97 });
  });

  it('takes no heartbeat and no breath as measurements', () => {
    expect(vitalsOf(withVitals({ heartRate: 0, respiratoryRate: 0 }))).toEqual({ heartRate: 0, respiratoryRate: 0 });
  });

  it('turns minus zero into zero', () => {
    expect(Object.is(vitalsOf(withVitals({ heartRate: -0 }))?.heartRate, 0)).toBe(true);
  });

  it('keeps the pressures of a flat arterial line', () => {
    expect(vitalsOf(withVitals({ systolic: 14, diastolic: 14 }))).toEqual({ systolic: 14, diastolic: 14 });
  });
});

describe('no measurement', () => {
  const empty = [-1, -100, -10000, -999, -99.9, null, ''];

  it.each(empty)('%j is no value, whatever the vital and unit, and is no error', (sentinel) => {
    for (const vital of VITAL_NAMES) {
      for (const given of [
        sentinel,
        ...[...unitsOf(vital), '', 'furlong'].map((unit) => ({ value: sentinel, unit })),
      ]) {
        const parsed = withVitals({ heartRate: 82, spo2: 97, [vital]: given });
        expect(problems(parsed)).toEqual([]);
        expect(vitalsOf(parsed)).not.toHaveProperty(vital);
      }
    }
  });

  it('keeps a reading that measured nothing: it shows that the device lives', () => {
    const parsed = parse({ id: '1', at: GOOD.at, vitals: { heartRate: -1, spo2: null } });
    expect(parsed).toMatchObject({ kind: 'ok', reading: { vitals: {} }, refused: [] });
  });

  it('no sentinel could be mistaken for a value in any unit we take', () => {
    for (const vital of VITAL_NAMES)
      for (const unit of unitsOf(vital))
        for (const near of [-1.01, -0.99, -100.1, -99.8, -9999, -998]) {
          expect(vitalsOf(withVitals({ [vital]: { value: near, unit } }))?.[vital]).toBeUndefined();
        }
  });
});

describe('an entry that cannot be used', () => {
  it('does not hide the others: a probe that shows 255 leaves a heart rate of 170', () => {
    const parsed = withVitals({ heartRate: 170, spo2: 255 });
    expect(vitalsOf(parsed)).toEqual({ heartRate: 170 });
    expect(problems(parsed)).toEqual([
      { code: 'implausible-value', field: 'vitals.spo2', detail: 'expected 0 to 100 %' },
    ]);
  });

  it('rejects the reading if nothing else is left', () => {
    const parsed = parse({ id: 'x', at: GOOD.at, vitals: { spo2: 255 } });
    expect(parsed).toMatchObject({ kind: 'rejected', readingId: 'x', problems: [{ code: 'implausible-value' }] });
  });

  it.each(VITAL_NAMES)('%s is taken up to the bounds of what a patient can show, and not beyond', (vital) => {
    const { min, max } = VITALS[vital].plausible;
    for (const value of [min, max]) expect(vitalsOf(withVitals({ [vital]: value }))).toEqual({ [vital]: value });
    for (const value of [min - 0.001, max + 0.001, JSON.parse('1e400'), JSON.parse('-1e400')])
      expect(faults(withVitals({ [vital]: value })), String(value)).toEqual([`implausible-value vitals.${vital}`]);
  });

  it.each([
    [{ heartRate: '82' }, 'invalid-shape vitals.heartRate'],
    [{ heartRate: true }, 'invalid-shape vitals.heartRate'],
    [{ heartRate: [82] }, 'invalid-shape vitals.heartRate'],
    [{ heartRate: {} }, 'invalid-shape vitals.heartRate.value'],
    [{ heartRate: { value: '82', unit: '/min' } }, 'invalid-shape vitals.heartRate.value'],
    [{ heartRate: { value: 82 } }, 'unknown-unit vitals.heartRate.unit'],
    [{ heartRate: { value: 82, unit: 'bpm' } }, 'unknown-unit vitals.heartRate.unit'],
    [{ heartRate: { value: 82, unit: '/min', at: 1 } }, 'invalid-shape vitals.heartRate.at'],
    [{ temperature: { value: 98.2, unit: 'Cel' } }, 'implausible-value vitals.temperature'],
    [{ temperature: 98.2 }, 'implausible-value vitals.temperature'],
    [{ heartrate: 82 }, 'invalid-shape vitals.heartrate'],
    [JSON.parse('{"__proto__":{"heartRate":82}}'), 'invalid-shape vitals.?'],
    [{ constructor: 1 }, 'invalid-shape vitals.constructor'],
    [{ 'Ann Smith, 82': 1 }, 'invalid-shape vitals.?'],
  ])('%j is refused as %s, and the status is kept', (vitals, fault) => {
    const parsed = withVitals(vitals);
    expect(faults(parsed)).toEqual([fault]);
    expect(parsed).toMatchObject({ kind: 'ok', reading: { vitals: {}, status: { battery: 0.83 } } });
  });

  it('refuses both pressures where the diastolic is above the systolic, and keeps the rest', () => {
    const parsed = withVitals({ systolic: 80, diastolic: 120, mean: 93, heartRate: 82 });
    expect(faults(parsed)).toEqual(['inconsistent-values vitals.diastolic', 'inconsistent-values vitals.systolic']);
    expect(vitalsOf(parsed)).toEqual({ mean: 93, heartRate: 82 });
  });

  it('compares pressures in one unit', () => {
    expect(problems(withVitals({ systolic: { value: 16, unit: 'kPa' }, diastolic: 80 }))).toEqual([]);
  });

  it.each([
    [{ context: { oxygen: 'yes' } }, 'invalid-shape context.oxygen'],
    [{ context: { consciousness: 'alert' } }, 'invalid-shape context.consciousness'],
    [{ context: { mood: 1 } }, 'invalid-shape context.mood'],
    [{ status: { battery: 83 } }, 'invalid-shape status.battery'],
    [{ status: { battery: -1 } }, 'invalid-shape status.battery'],
    [{ status: { leadsOff: 0 } }, 'invalid-shape status.leadsOff'],
  ])('%j is refused as %s, and the vitals are kept', (part, fault) => {
    const parsed = parse({ ...GOOD, ...part });
    expect(faults(parsed)).toEqual([fault]);
    expect(vitalsOf(parsed)).toEqual(GOOD.vitals);
  });
});

describe('an envelope that is wrong costs the reading', () => {
  it.each([
    [{ id: undefined }, 'invalid-id id'],
    [{ id: 7 }, 'invalid-id id'],
    [{ id: '' }, 'invalid-id id'],
    [{ id: 'a b' }, 'invalid-id id'],
    [{ id: 'x'.repeat(65) }, 'invalid-id id'],
    [{ id: '\ud800' }, 'invalid-id id'],
    [{ at: undefined }, 'invalid-time at'],
    [{ at: NOW }, 'invalid-time at'],
    [{ at: '2026-11-22T01:02:03' }, 'invalid-time at'],
    [{ at: '1999-12-31T23:59:59.999Z' }, 'too-old at'],
    [{ at: '2026-11-22T01:03:04.001Z' }, 'clock-ahead at'],
    [{ deviceId: 'D2' }, 'foreign-device deviceId'],
    [{ deviceId: null }, 'foreign-device deviceId'],
    [{ vitals: [] }, 'invalid-shape vitals'],
    [{ vitals: null }, 'invalid-shape vitals'],
    [{ context: 'A' }, 'invalid-shape context'],
    [{ status: 1 }, 'invalid-shape status'],
    [{ patientId: 'P1' }, 'invalid-shape patientId'],
    [{ vitals: {}, context: {}, status: {} }, 'no-values '],
    [{ vitals: undefined, context: { oxygen: null }, status: undefined }, 'no-values '],
  ])('%j: %s', (part, fault) => {
    const parsed = parse({ ...GOOD, ...part });
    expect(parsed.kind).toBe('rejected');
    expect(faults(parsed)).toEqual([fault]);
  });

  it.each(['2000-01-01T00:00:00Z', '2026-11-22T01:03:04.000Z'])('takes %s, which is just within', (at) => {
    expect(parse({ ...GOOD, at }).kind).toBe('ok');
  });

  it.each([undefined, null, 1, 'reading', true, [], [GOOD]])('%j is no reading', (value) => {
    expect(faults(parse(value))).toEqual(['invalid-shape ']);
  });

  it('is not bent by keys that objects inherit', () => {
    const sly = JSON.parse('{"id":"1","at":"2026-11-22T01:02:03Z","__proto__":{"vitals":{"heartRate":82}}}');
    expect(faults(parse(sly))).toEqual(['invalid-shape ?']);
  });

  it('names every problem at once', () => {
    const parsed = parse({ id: '', at: 'x', deviceId: 'D2', extra: 1, vitals: { spo2: 255, x: 1 }, status: 5 });
    expect(faults(parsed)).toEqual([
      'invalid-shape extra',
      'invalid-id id',
      'invalid-time at',
      'foreign-device deviceId',
      'invalid-shape status',
      'implausible-value vitals.spo2',
      'invalid-shape vitals.x',
    ]);
  });

  it('names no more than 32 problems, however many there are', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`x${i}`, i]));
    expect(problems(parse({ ...GOOD, ...many }))).toHaveLength(32);
    expect(problems(withVitals(many)).length).toBeLessThanOrEqual(32);
  });
});

describe('any value', () => {
  const nearly = fc.record(
    {
      id: fc.oneof(fc.constant('1'), fc.jsonValue()),
      at: fc.oneof(fc.constant(GOOD.at), fc.jsonValue()),
      deviceId: fc.oneof(fc.constant('D1'), fc.jsonValue()),
      vitals: fc.oneof(
        fc.dictionary(fc.constantFrom(...VITAL_NAMES, '__proto__', 'x'), fc.oneof(fc.double(), fc.jsonValue())),
        fc.jsonValue(),
      ),
      context: fc.jsonValue(),
      status: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );

  it('is either a reading whose every value a patient can show, or named problems', () => {
    fc.assert(
      fc.property(fc.oneof(nearly, fc.jsonValue(), fc.anything()), (value) => {
        const parsed = parse(value);
        if (parsed.kind === 'rejected') expect(parsed.problems.length).toBeGreaterThan(0);
        else
          for (const [name, number] of Object.entries(parsed.reading.vitals)) {
            const { min, max } = VITALS[name as (typeof VITAL_NAMES)[number]].plausible;
            expect(number >= min && number <= max).toBe(true);
          }
      }),
      { numRuns: 2000 },
    );
  });

  it('never finds its way into a problem: a value may be a patient’s', () => {
    const canary = 'CANARY-7731';
    const sick = { id: `${canary} x`, at: canary, deviceId: canary, vitals: { heartRate: canary, spo2: 7731 } };
    expect(JSON.stringify(problems(parse({ ...sick, status: { battery: 7731 } })))).not.toMatch(/7731/);
  });
});
