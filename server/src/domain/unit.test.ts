import library from '@lhncbc/ucum-lhc';
import { describe, expect, it } from 'vitest';
import { conversion, toCanonical, unitsOf } from './unit.ts';
import { VITAL_NAMES, VITALS } from './vital.ts';

const ucum = library.UcumLhcUtils.getInstance();
const every = VITAL_NAMES.flatMap((vital) => unitsOf(vital).map((unit) => ({ vital, unit })));

const convert = (vital: (typeof VITAL_NAMES)[number], unit: string, value: number) => {
  const way = conversion(vital, unit);
  return way && toCanonical(value, way);
};

describe('units', () => {
  it.each(every)(
    '$unit of $vital is a UCUM unit that converts as the standard’s library converts it',
    ({ vital, unit }) => {
      for (const value of [0, 1, 0.5, 36.6, 97, 120, 310.15, -40]) {
        const answer = ucum.convertUnitTo(unit, value, VITALS[vital].unit);
        expect(answer.status, answer.msg.join(' ')).toBe('succeeded');
        expect(answer.msg).toEqual([]);
        expect(convert(vital, unit, value)).toBeCloseTo(answer.toVal as number, 5);
      }
    },
  );

  it.each(VITAL_NAMES)('takes the canonical unit of %s, unchanged', (vital) => {
    expect(convert(vital, VITALS[vital].unit, 12.345678901)).toBe(12.345678901);
  });

  it.each([
    ['temperature', '[degF]', 98.6, 37],
    ['temperature', '[degF]', 98.2, 36.777778],
    ['temperature', 'K', 310.15, 37],
    ['heartRate', 'Hz', 2.5, 150],
    ['spo2', '1', 0.57, 57],
    ['spo2', '1', 0.85, 85],
    ['systolic', 'kPa', 16, 120.010201],
  ] as const)('%s of %s: %d is exactly %d', (vital, unit, value, canonical) => {
    expect(convert(vital, unit, value)).toBe(canonical);
  });

  it.each([
    ['heartRate', 'bpm'],
    ['heartRate', '{breaths}/min'],
    ['heartRate', 'mm[Hg]'],
    ['respiratoryRate', '{beats}/min'],
    ['temperature', '°C'],
    ['temperature', 'cel'],
    ['systolic', 'mmHg'],
    ['spo2', '/min'],
    ['spo2', ''],
    ['spo2', '__proto__'],
    ['spo2', 'constructor'],
  ] as const)('%s does not come in %s', (vital, unit) => {
    expect(conversion(vital, unit)).toBeUndefined();
  });
});
