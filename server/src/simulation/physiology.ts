import type { Vitals } from '../domain/reading.ts';
import type { Random } from './random.ts';
import { effectOf, type Scenario } from './scenario.ts';

/**
 * A plausible patient, one step at a time. Not a model of medicine: a source of streams that look and correlate like a
 * ward's, so that what judges and draws them meets what it will meet. The couplings are textbook ones: fever drives
 * heart and breathing rate, falling pressure drives heart rate (baroreflex), low saturation drives breathing.
 */
export interface SimulatedPatient {
  readonly baseline: Baseline;
  /** Slow wander of each vital around its baseline, in the vital's own unit. */
  readonly wander: Readonly<Record<'heartRate' | 'spo2' | 'respiratoryRate' | 'temperature' | 'systolic', number>>;
  readonly scenarios: readonly Scenario[];
}

interface Baseline {
  readonly heartRate: number;
  readonly spo2: number;
  readonly respiratoryRate: number;
  readonly temperature: number;
  readonly systolic: number;
  /** Systolic minus diastolic. */
  readonly pulsePressure: number;
}

export function simulatedPatient(
  random: Random,
  scenarios: readonly Scenario[] = [],
  usual: { readonly spo2?: number } = {},
): SimulatedPatient {
  return {
    baseline: {
      heartRate: 74 + 9 * clampGauss(random),
      spo2: (usual.spo2 ?? 97) + 0.8 * clampGauss(random),
      respiratoryRate: 15.5 + 1.4 * clampGauss(random),
      temperature: 36.8 + 0.2 * clampGauss(random),
      systolic: 124 + 9 * clampGauss(random),
      pulsePressure: 46 + 4 * clampGauss(random),
    },
    wander: { heartRate: 0, spo2: 0, respiratoryRate: 0, temperature: 0, systolic: 0 },
    scenarios,
  };
}

/**
 * One step of `dtMs`, ending at `atMs`. `elapsedMs` counts from the start of the simulation and drives the scenarios;
 * `atMs` drives the circadian drift.
 */
export function stepPatient(
  patient: SimulatedPatient,
  step: { readonly atMs: number; readonly elapsedMs: number; readonly dtMs: number },
  random: Random,
): { readonly patient: SimulatedPatient; readonly vitals: Vitals } {
  const seconds = step.dtMs / 1000;
  const { baseline } = patient;
  // Ornstein–Uhlenbeck: pulled back over `tau` seconds, spread `sigma` in the long run.
  const drift = (value: number, sigma: number, tau: number): number =>
    value * Math.exp(-seconds / tau) + sigma * Math.sqrt(1 - Math.exp((-2 * seconds) / tau)) * random.gauss();
  const wander = {
    heartRate: drift(patient.wander.heartRate, 3, 90),
    spo2: drift(patient.wander.spo2, 0.5, 120),
    respiratoryRate: drift(patient.wander.respiratoryRate, 1, 60),
    temperature: drift(patient.wander.temperature, 0.08, 1800),
    systolic: drift(patient.wander.systolic, 4, 240),
  };
  const effect = effectOf(patient.scenarios, step.elapsedMs);
  const circadian = circadianAt(step.atMs);

  const temperature = baseline.temperature + wander.temperature + 0.25 * circadian + effect.temperature;
  const systolic = baseline.systolic + wander.systolic + 5 * circadian + effect.systolic;
  const spo2 = baseline.spo2 + wander.spo2 + effect.spo2;
  const fever = Math.max(0, temperature - 37.2);
  const pressureLost = Math.max(0, 105 - systolic);
  // Against what this patient is used to.
  const oxygenLost = Math.max(0, Math.min(93, baseline.spo2 - 1) - spo2);
  const heartRate =
    baseline.heartRate +
    wander.heartRate +
    4 * circadian +
    9 * fever +
    0.5 * pressureLost +
    0.8 * oxygenLost +
    effect.heartRate;
  const respiratoryRate =
    baseline.respiratoryRate +
    wander.respiratoryRate +
    2 * fever +
    0.6 * oxygenLost +
    0.08 * pressureLost +
    effect.respiratoryRate;
  const diastolic = systolic - Math.max(18, baseline.pulsePressure + effect.pulsePressure);

  return {
    patient: { ...patient, wander },
    vitals: {
      heartRate: Math.round(clamp(heartRate + effect.irregularity * random.gauss(), 25, 240)),
      spo2: Math.round(clamp(spo2, 55, 100)),
      respiratoryRate: Math.round(clamp(respiratoryRate, 4, 60)),
      temperature: Math.round(clamp(temperature, 33, 42.5) * 10) / 10,
      systolic: Math.round(clamp(systolic, 45, 240)),
      diastolic: Math.round(clamp(diastolic, 25, 140)),
      // Mean arterial pressure = diastolic + a third of the pulse pressure.
      mean: Math.round(clamp(diastolic + (systolic - diastolic) / 3, 30, 180)),
    },
  };
}

/** −1 at about four in the morning, +1 in the late afternoon (UTC; a simulated ward has no zone). */
function circadianAt(atMs: number): number {
  const hours = (atMs / 3_600_000) % 24;
  return Math.cos(((hours - 16) / 24) * 2 * Math.PI);
}

function clampGauss(random: Random): number {
  return clamp(random.gauss(), -2, 2);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
