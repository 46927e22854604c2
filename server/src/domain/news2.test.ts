import { describe, expect, it } from 'vitest';
import {
  NEWS2_PARAMETERS,
  NEWS2_VALID_MS,
  type News2Inputs,
  news2Response,
  news2ValidUntilMs,
  roundToChart,
  type SpO2Scale,
  scoreNews2,
} from './news2.ts';
import type { News2Parameter } from './patient-status.ts';
import type { Consciousness } from './reading.ts';
import type { VitalName } from './vital.ts';

const NOW = 1_000_000_000;
const at = <T>(value: T, ageMs = 0) => ({ value, atMs: NOW - ageMs });

/** A healthy patient on air: 0 points with nothing missing. */
const HEALTHY: News2Inputs = {
  respiratoryRate: at(16),
  spo2: at(97),
  oxygen: at(false),
  systolic: at(120),
  heartRate: at(70),
  consciousness: at<Consciousness>('A'),
  temperature: at(37),
};

const points = (parameter: News2Parameter, value: number, scale: SpO2Scale = 1, oxygen = false) =>
  scoreNews2({ ...HEALTHY, oxygen: at(oxygen), [parameter]: at(value) }, scale, NOW).points[parameter];

describe('each parameter scores what the RCP chart says, at both sides of every boundary', () => {
  const table: readonly [VitalName & News2Parameter, readonly (readonly [number, number])[]][] = [
    [
      'respiratoryRate',
      [
        [0, 3],
        [8, 3],
        [9, 1],
        [11, 1],
        [12, 0],
        [20, 0],
        [21, 2],
        [24, 2],
        [25, 3],
        [60, 3],
      ],
    ],
    [
      'spo2',
      [
        [50, 3],
        [91, 3],
        [92, 2],
        [93, 2],
        [94, 1],
        [95, 1],
        [96, 0],
        [100, 0],
      ],
    ],
    [
      'systolic',
      [
        [40, 3],
        [90, 3],
        [91, 2],
        [100, 2],
        [101, 1],
        [110, 1],
        [111, 0],
        [219, 0],
        [220, 3],
        [300, 3],
      ],
    ],
    [
      'heartRate',
      [
        [0, 3],
        [40, 3],
        [41, 1],
        [50, 1],
        [51, 0],
        [90, 0],
        [91, 1],
        [110, 1],
        [111, 2],
        [130, 2],
        [131, 3],
        [250, 3],
      ],
    ],
    [
      'temperature',
      [
        [30, 3],
        [35.0, 3],
        [35.1, 1],
        [36.0, 1],
        [36.1, 0],
        [38.0, 0],
        [38.1, 1],
        [39.0, 1],
        [39.1, 2],
        [42, 2],
      ],
    ],
  ];
  for (const [parameter, rows] of table)
    it.each(rows)(`${parameter} %d scores %d`, (value, expected) => expect(points(parameter, value)).toBe(expected));

  it.each([
    [50, 3],
    [83, 3],
    [84, 2],
    [85, 2],
    [86, 1],
    [87, 1],
    [88, 0],
    [92, 0],
    [93, 0],
    [94, 0],
    [95, 0],
    [96, 0],
    [97, 0],
    [100, 0],
  ])('SpO2 scale 2 on air: %d scores %d', (value, expected) => expect(points('spo2', value, 2, false)).toBe(expected));
  it.each([
    [83, 3],
    [84, 2],
    [85, 2],
    [86, 1],
    [87, 1],
    [88, 0],
    [92, 0],
    [93, 1],
    [94, 1],
    [95, 2],
    [96, 2],
    [97, 3],
    [100, 3],
  ])('SpO2 scale 2 on oxygen: %d scores %d', (value, expected) =>
    expect(points('spo2', value, 2, true)).toBe(expected),
  );
  it.each([
    ['A', 0],
    ['C', 3],
    ['V', 3],
    ['P', 3],
    ['U', 3],
  ] as const)('consciousness %s scores %d', (value, expected) =>
    expect(scoreNews2({ ...HEALTHY, consciousness: at(value) }, 1, NOW).points.consciousness).toBe(expected),
  );
  it.each([
    [true, 2],
    [false, 0],
  ] as const)('oxygen %s scores %d', (value, expected) =>
    expect(scoreNews2({ ...HEALTHY, oxygen: at(value) }, 1, NOW).points.oxygen).toBe(expected),
  );
});

describe('a value between two bands lands in exactly one: rounded to the chart first, halves up', () => {
  it.each([
    ['temperature', 36.05, 36.1],
    ['temperature', 36.049, 36.0],
    ['temperature', 38.04999, 38.0],
    ['temperature', 38.05, 38.1],
    ['temperature', 35.05, 35.1],
    ['temperature', 35.04, 35.0],
    ['temperature', 39.05, 39.1],
    ['temperature', 39.049999, 39.0],
    ['spo2', 91.4, 91],
    ['spo2', 91.5, 92],
    ['spo2', 83.5, 84],
    ['heartRate', 90.5, 91],
    ['heartRate', 130.49, 130],
    ['heartRate', 40.5, 41],
    ['respiratoryRate', 8.5, 9],
    ['respiratoryRate', 24.4999, 24],
    ['systolic', 219.5, 220],
    ['systolic', 90.4, 90],
  ] as const)('%s %d is %d', (vital, value, expected) => expect(roundToChart(vital, value)).toBe(expected));

  it('every tenth from 34 to 40 °C is its own literal after rounding', () => {
    for (let tenths = 340; tenths <= 400; tenths++)
      expect(roundToChart('temperature', Number(`${tenths / 10}`))).toBe(tenths / 10);
  });
  it.each([
    [36.05, 0],
    [36.049, 1],
    [38.04999, 0],
    [38.05, 1],
    [39.05, 2],
    [35.04, 3],
    [35.05, 1],
  ])('temperature %d scores %d', (value, expected) => expect(points('temperature', value)).toBe(expected));
  it('no value of any vital falls between bands', () => {
    for (let value = 0; value <= 300; value += 0.05)
      for (const parameter of ['respiratoryRate', 'spo2', 'systolic', 'heartRate'] as const)
        expect([0, 1, 2, 3]).toContain(points(parameter, value));
  }, 20_000);
});

describe('the score', () => {
  it('adds up to 0 for a healthy patient and 20 at worst', () => {
    expect(scoreNews2(HEALTHY, 1, NOW)).toEqual({
      score: 0,
      single3: false,
      points: { respiratoryRate: 0, spo2: 0, oxygen: 0, systolic: 0, heartRate: 0, consciousness: 0, temperature: 0 },
      missing: [],
    });
    const worst: News2Inputs = {
      respiratoryRate: at(30),
      spo2: at(80),
      oxygen: at(true),
      systolic: at(70),
      heartRate: at(150),
      consciousness: at<Consciousness>('U'),
      temperature: at(34),
    };
    expect(scoreNews2(worst, 1, NOW)).toMatchObject({ score: 20, single3: true, missing: [] });
  });
  it('names what was never measured, without a time', () => {
    const { consciousness: _, ...rest } = HEALTHY;
    expect(scoreNews2(rest, 1, NOW).missing).toEqual([{ parameter: 'consciousness' }]);
    expect(scoreNews2({}, 1, NOW).missing.map((m) => m.parameter)).toEqual(NEWS2_PARAMETERS);
  });
  it.each(NEWS2_PARAMETERS)(
    'counts %s until its validity ends, and names it from then on with the time it was measured',
    (parameter) => {
      const validMs = NEWS2_VALID_MS[parameter];
      const aged = (ageMs: number): News2Inputs => ({
        ...HEALTHY,
        [parameter]: { ...HEALTHY[parameter], atMs: NOW - ageMs },
      });
      expect(scoreNews2(aged(validMs), 1, NOW).missing).toEqual([]);
      const late = scoreNews2(aged(validMs + 1), 1, NOW);
      expect(late.missing).toEqual([{ parameter, sinceMs: NOW - validMs - 1 }]);
      expect(late.points[parameter]).toBeUndefined();
      expect(news2ValidUntilMs(aged(1_000), scoreNews2(aged(1_000), 1, NOW))).toBeLessThanOrEqual(
        NOW - 1_000 + validMs,
      );
    },
  );
  it('does not guess SpO2 on scale 2 from 93 % on while oxygen is unknown', () => {
    const { oxygen: _, ...rest } = HEALTHY;
    expect(scoreNews2({ ...rest, spo2: at(97) }, 2, NOW).missing.map((m) => m.parameter)).toEqual(['spo2', 'oxygen']);
    expect(scoreNews2({ ...rest, spo2: at(84) }, 2, NOW).points.spo2).toBe(2);
    expect(scoreNews2({ ...rest, spo2: at(97) }, 1, NOW).points.spo2).toBe(0);
  });
  it.each([
    [0, false, 'twelve-hourly'],
    [1, false, 'four-to-six-hourly'],
    [4, false, 'four-to-six-hourly'],
    [3, true, 'hourly'],
    [5, false, 'hourly-urgent'],
    [6, true, 'hourly-urgent'],
    [7, false, 'continuous-emergency'],
    [20, true, 'continuous-emergency'],
  ] as const)('%d (a single 3: %s) asks for %s', (score, single3, response) =>
    expect(news2Response({ score, single3 })).toBe(response),
  );
});
