/** Scripted deteriorations: how a patient leaves the baseline, holds, and comes back. */

export type ScenarioKind = 'sepsis' | 'hypoxia' | 'arrhythmia' | 'bleeding';

export interface Scenario {
  readonly kind: ScenarioKind;
  /** From the start of the simulation. */
  readonly startMs: number;
  /** How long until it is at its worst, how long it stays there, and how long recovery takes. */
  readonly riseMs: number;
  readonly holdMs: number;
  readonly fallMs: number;
  /** With it the whole script repeats; without, it happens once. */
  readonly everyMs?: number;
}

/** What is added to the baseline, in each vital's own unit. */
export interface Effect {
  readonly heartRate: number;
  readonly spo2: number;
  readonly respiratoryRate: number;
  readonly temperature: number;
  readonly systolic: number;
  readonly pulsePressure: number;
  /** Standard deviation added from beat to beat. */
  readonly irregularity: number;
}

const NOTHING: Effect = {
  heartRate: 0,
  spo2: 0,
  respiratoryRate: 0,
  temperature: 0,
  systolic: 0,
  pulsePressure: 0,
  irregularity: 0,
};

/** At its worst; couplings in `physiology.ts` add to it (fever and low pressure raise the heart rate further). */
const WORST: Readonly<Record<ScenarioKind, Effect>> = {
  sepsis: {
    ...NOTHING,
    heartRate: 22,
    spo2: -5,
    respiratoryRate: 8,
    temperature: 2.4,
    systolic: -38,
    pulsePressure: -8,
  },
  hypoxia: { ...NOTHING, heartRate: 12, spo2: -17, respiratoryRate: 7 },
  arrhythmia: { ...NOTHING, heartRate: 104, systolic: -16, pulsePressure: -10, irregularity: 4 },
  bleeding: {
    ...NOTHING,
    heartRate: 18,
    spo2: -2,
    respiratoryRate: 6,
    temperature: -0.4,
    systolic: -60,
    pulsePressure: -14,
  },
};

export function effectOf(scenarios: readonly Scenario[], elapsedMs: number): Effect {
  return scenarios.reduce((sum, scenario) => add(sum, WORST[scenario.kind], severityAt(scenario, elapsedMs)), NOTHING);
}

/** 0 to 1: a smooth rise, a plateau, a smooth fall. */
export function severityAt(scenario: Scenario, elapsedMs: number): number {
  const since = elapsedMs - scenario.startMs;
  if (since < 0) return 0;
  const t = scenario.everyMs === undefined ? since : since % scenario.everyMs;
  if (t < scenario.riseMs) return smooth(t / scenario.riseMs);
  if (t < scenario.riseMs + scenario.holdMs) return 1;
  return smooth(Math.max(0, 1 - (t - scenario.riseMs - scenario.holdMs) / scenario.fallMs));
}

function smooth(x: number): number {
  return x * x * (3 - 2 * x);
}

function add(sum: Effect, worst: Effect, severity: number): Effect {
  if (severity === 0) return sum;
  return {
    heartRate: sum.heartRate + worst.heartRate * severity,
    spo2: sum.spo2 + worst.spo2 * severity,
    respiratoryRate: sum.respiratoryRate + worst.respiratoryRate * severity,
    temperature: sum.temperature + worst.temperature * severity,
    systolic: sum.systolic + worst.systolic * severity,
    pulsePressure: sum.pulsePressure + worst.pulsePressure * severity,
    irregularity: sum.irregularity + worst.irregularity * severity,
  };
}
