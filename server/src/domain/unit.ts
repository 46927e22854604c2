import type { VitalName } from './vital.ts';

/**
 * The UCUM units a vital may come in, each with the sum that leads to the vital's canonical unit. Closed: a unit that is
 * not here is refused, never guessed, because a misread unit is a wrong value that looks right. UCUM is case-sensitive,
 * so `cel`, `bpm` and `mmHg` are not units. `unit.test.ts` checks every sum against the standard's own library.
 */
export interface Conversion {
  /** canonical = (value + before) × factor */
  readonly before: number;
  readonly factor: number;
}

/** The way from `unit` to the canonical unit of `vital`; absent where it is not a unit of that vital. */
export function conversion(vital: VitalName, unit: string): Conversion | undefined {
  return UNITS[vital].get(unit);
}

export function unitsOf(vital: VitalName): readonly string[] {
  return [...UNITS[vital].keys()];
}

/**
 * Rounded to a millionth, far below what any sensor resolves, so that binary fractions leave no dust: 98.6 °F is 37 °C
 * and not 36.99999999999999, and a value at a limit is at the limit.
 */
export function toCanonical(value: number, { before, factor }: Conversion): number {
  return factor === 1 && before === 0 ? value : Math.round((value + before) * factor * 1e6) / 1e6;
}

const SAME: Conversion = { before: 0, factor: 1 };
const times = (factor: number): Conversion => ({ before: 0, factor });

/** Per second × 60 s/min. An annotation in braces names what is counted; it must fit the vital. */
const rate = (...counted: readonly string[]): ReadonlyMap<string, Conversion> =>
  new Map<string, Conversion>([
    ['/min', SAME],
    ['1/min', SAME],
    ['min-1', SAME],
    ...counted.map((what): [string, Conversion] => [`{${what}}/min`, SAME]),
    ['/s', times(60)],
    ['1/s', times(60)],
    ['s-1', times(60)],
    ['Hz', times(60)],
  ]);

/** 1 mm[Hg] = 133.322 Pa (UCUM: m[Hg] = 133.322 kPa). */
const PASCAL_PER_MMHG = 133.322;

const PRESSURE: ReadonlyMap<string, Conversion> = new Map([
  ['mm[Hg]', SAME],
  ['kPa', times(1000 / PASCAL_PER_MMHG)],
  ['hPa', times(100 / PASCAL_PER_MMHG)],
  ['mbar', times(100 / PASCAL_PER_MMHG)], // 1 mbar = 100 Pa
  ['cm[H2O]', times(98.0665 / PASCAL_PER_MMHG)], // UCUM: m[H2O] = 9.80665 kPa
]);

const UNITS: Readonly<Record<VitalName, ReadonlyMap<string, Conversion>>> = {
  heartRate: rate('beats', 'beat', 'pulse'),
  spo2: new Map([
    ['%', SAME],
    ['1', times(100)], // a ratio: 1 = 100 %
  ]),
  respiratoryRate: rate('breaths', 'breath'),
  temperature: new Map([
    ['Cel', SAME],
    ['[degF]', { before: -32, factor: 5 / 9 }], // °C = (°F − 32) × 5/9
    ['K', { before: -273.15, factor: 1 }], // °C = K − 273.15
  ]),
  systolic: PRESSURE,
  diastolic: PRESSURE,
  mean: PRESSURE,
};
