import type { News2Parameter, News2Score } from './patient-status.ts';
import type { Consciousness } from './reading.ts';
import { VITALS, type VitalName } from './vital.ts';

/**
 * National Early Warning Score 2 (Royal College of Physicians 2017, charts 1 and 4). Not for under-16s or pregnancy.
 * A parameter that is absent or too old is named in `missing` and never counted as 0 in silence: the score is then a
 * lower bound of the true one.
 */
export function scoreNews2(inputs: News2Inputs, scale: SpO2Scale, nowMs: number): News2Score {
  const points: { [Parameter in News2Parameter]?: number } = {};
  const missing: { readonly parameter: News2Parameter; readonly sinceMs?: number }[] = [];
  let score = 0;
  let single3 = false;
  const onOxygen = valid('oxygen', inputs.oxygen, nowMs) ? inputs.oxygen?.value : undefined;
  for (const parameter of NEWS2_PARAMETERS) {
    const input = inputs[parameter];
    const scored =
      input !== undefined && valid(parameter, input, nowMs)
        ? news2Points(parameter, input.value, scale, onOxygen)
        : undefined;
    if (scored === undefined) {
      missing.push(input === undefined ? { parameter } : { parameter, sinceMs: input.atMs });
      continue;
    }
    points[parameter] = scored;
    score += scored;
    if (scored === 3) single3 = true;
  }
  return { score, single3, points, missing };
}

/** 1 for everyone but those for whom a clinician has prescribed the 88–92 % target (hypercapnic failure). */
export type SpO2Scale = 1 | 2;

export interface News2Inputs {
  readonly respiratoryRate?: Measured<number> | undefined;
  readonly spo2?: Measured<number> | undefined;
  readonly oxygen?: Measured<boolean> | undefined;
  readonly systolic?: Measured<number> | undefined;
  readonly heartRate?: Measured<number> | undefined;
  readonly consciousness?: Measured<Consciousness> | undefined;
  readonly temperature?: Measured<number> | undefined;
}

interface Measured<T> {
  readonly value: T;
  readonly atMs: number;
}

export const NEWS2_PARAMETERS: readonly News2Parameter[] = [
  'respiratoryRate',
  'spo2',
  'oxygen',
  'systolic',
  'heartRate',
  'consciousness',
  'temperature',
];

const MINUTE_MS = 60_000;

/**
 * How long a measurement may stand in a score, by its event time. Our own choice, as the RCP gives none: continuously
 * monitored vitals change within minutes; cuff pressure and temperature are usually taken hourly in those who worry us;
 * consciousness and oxygen are observed on a nurse's round, at the latest every 6 hours for a score of 1–4 (chart 4).
 */
export const NEWS2_VALID_MS: Readonly<Record<News2Parameter, number>> = {
  respiratoryRate: 5 * MINUTE_MS,
  spo2: 5 * MINUTE_MS,
  heartRate: 5 * MINUTE_MS,
  systolic: 60 * MINUTE_MS,
  temperature: 60 * MINUTE_MS,
  oxygen: 360 * MINUTE_MS,
  consciousness: 360 * MINUTE_MS,
};

/**
 * A value at the precision the chart is written in (whole numbers; 0.1 °C), halves up, as one rounds on paper: 36.05 is
 * 36.1. The tiny addend is for decimals that binary fractions miss (36.05 × 10 = 360.49999999999994); it is far below
 * any sensor's resolution.
 */
export function roundToChart(vital: VitalName, value: number): number {
  return VITALS[vital].decimals === 0 ? Math.floor(value + 0.5 + 1e-9) : Math.floor(value * 10 + 0.5 + 1e-9) / 10;
}

/** What the RCP asks for at a score (chart 4). */
export type News2Response =
  | 'twelve-hourly'
  | 'four-to-six-hourly'
  | 'hourly'
  | 'hourly-urgent'
  | 'continuous-emergency';

export function news2Response(score: Pick<News2Score, 'score' | 'single3'>): News2Response {
  switch (news2Tier(score)) {
    case 'high':
      return 'continuous-emergency';
    case 'medium':
      return 'hourly-urgent';
    case 'low-medium':
      return 'hourly';
    case 'low':
      return score.score >= 1 ? 'four-to-six-hourly' : 'twelve-hourly';
  }
}

/** Clinical risk (RCP chart 2): 0–4, any single parameter 3, 5–6, 7 and more. */
export type News2Tier = 'low' | 'low-medium' | 'medium' | 'high';

export function news2Tier({ score, single3 }: Pick<News2Score, 'score' | 'single3'>): News2Tier {
  if (score >= NEWS2_EMERGENCY) return 'high';
  if (score >= NEWS2_URGENT) return 'medium';
  return single3 ? 'low-medium' : 'low';
}

/** 5–6: hourly, urgent response (RCP chart 4). */
const NEWS2_URGENT = 5;
/** 7 and more: continuous monitoring, emergency response (RCP chart 4). */
const NEWS2_EMERGENCY = 7;

/** Until when (event time, inclusive) no parameter of this score grows too old. */
export function news2ValidUntilMs(inputs: News2Inputs, score: News2Score): number {
  let untilMs = Number.POSITIVE_INFINITY;
  for (const parameter of NEWS2_PARAMETERS) {
    const input = inputs[parameter];
    if (input !== undefined && score.points[parameter] !== undefined)
      untilMs = Math.min(untilMs, input.atMs + NEWS2_VALID_MS[parameter]);
  }
  return untilMs;
}

function valid(parameter: News2Parameter, input: { readonly atMs: number } | undefined, nowMs: number): boolean {
  return input !== undefined && nowMs - input.atMs <= NEWS2_VALID_MS[parameter];
}

/** `undefined`: cannot be scored, as scale 2 needs to know about oxygen from 93 % on. */
export function news2Points(
  parameter: News2Parameter,
  value: number | boolean | Consciousness,
  scale: SpO2Scale,
  onOxygen: boolean | undefined,
): number | undefined {
  if (parameter === 'oxygen') return value === true ? 2 : 0;
  if (parameter === 'consciousness') return value === 'A' ? 0 : 3;
  const rounded = roundToChart(parameter, value as number);
  switch (parameter) {
    case 'respiratoryRate':
      return rounded <= 8 ? 3 : rounded <= 11 ? 1 : rounded <= 20 ? 0 : rounded <= 24 ? 2 : 3;
    case 'spo2':
      return scale === 1 ? spo2Scale1(rounded) : spo2Scale2(rounded, onOxygen);
    case 'systolic':
      return rounded <= 90 ? 3 : rounded <= 100 ? 2 : rounded <= 110 ? 1 : rounded <= 219 ? 0 : 3;
    case 'heartRate':
      return rounded <= 40 ? 3 : rounded <= 50 ? 1 : rounded <= 90 ? 0 : rounded <= 110 ? 1 : rounded <= 130 ? 2 : 3;
    case 'temperature':
      return rounded <= 35.0 ? 3 : rounded <= 36.0 ? 1 : rounded <= 38.0 ? 0 : rounded <= 39.0 ? 1 : 2;
    default:
      return parameter satisfies never;
  }
}

function spo2Scale1(rounded: number): number {
  return rounded <= 91 ? 3 : rounded <= 93 ? 2 : rounded <= 95 ? 1 : 0;
}

function spo2Scale2(rounded: number, onOxygen: boolean | undefined): number | undefined {
  if (rounded <= 83) return 3;
  if (rounded <= 85) return 2;
  if (rounded <= 87) return 1;
  if (rounded <= 92) return 0;
  if (onOxygen === undefined) return undefined;
  if (!onOxygen) return 0;
  return rounded <= 94 ? 1 : rounded <= 96 ? 2 : 3;
}
