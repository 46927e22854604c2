import type { WireReading } from '@healthsync/contracts/reading';
import type { Vitals } from '../domain/reading.ts';
import type { Random } from './random.ts';

/**
 * What a device makes of a patient: intermittent cuff pressures and temperatures, artefacts, leads that come off,
 * gaps, a battery that runs down. A real ward's stream is never as clean as its patients.
 */
export interface Sensor {
  readonly battery: number;
  /** Until when (elapsed ms) the leads are off, or nothing is sent at all. */
  readonly leadsOffUntilMs: number;
  readonly silentUntilMs: number;
}

export interface SensorHabits {
  /** How often the cuff inflates; temperature goes with it. */
  readonly cuffEveryMs: number;
  /** Mean number per hour. */
  readonly artefactsPerHour: number;
  readonly leadsOffPerHour: number;
  readonly gapsPerHour: number;
  /** Hours from full to empty. */
  readonly batteryHours: number;
  readonly onOxygen: boolean;
}

export const CALM_SENSOR: SensorHabits = {
  cuffEveryMs: 60_000,
  artefactsPerHour: 2,
  leadsOffPerHour: 0.2,
  gapsPerHour: 0.2,
  batteryHours: 60,
  onOxygen: false,
};

export const freshSensor = (battery: number): Sensor => ({ battery, leadsOffUntilMs: 0, silentUntilMs: 0 });

type Measured = Pick<WireReading, 'vitals' | 'context' | 'status'>;

/** One measurement; `undefined` while the device is in a gap. */
export function measure(
  sensor: Sensor,
  habits: SensorHabits,
  truth: Vitals,
  step: { readonly elapsedMs: number; readonly dtMs: number },
  random: Random,
): { readonly sensor: Sensor; readonly measured: Measured | undefined } {
  const happens = (perHour: number): boolean => random.next() < (perHour * step.dtMs) / 3_600_000;
  const { elapsedMs } = step;
  const next: Sensor = {
    battery: Math.max(0.02, sensor.battery - step.dtMs / (habits.batteryHours * 3_600_000)),
    leadsOffUntilMs: happens(habits.leadsOffPerHour)
      ? elapsedMs + 10_000 + 40_000 * random.next()
      : sensor.leadsOffUntilMs,
    silentUntilMs: happens(habits.gapsPerHour) ? elapsedMs + 8_000 + 60_000 * random.next() : sensor.silentUntilMs,
  };
  if (elapsedMs < next.silentUntilMs) return { sensor: next, measured: undefined };

  const leadsOff = elapsedMs < next.leadsOffUntilMs;
  const cuff = Math.floor(elapsedMs / habits.cuffEveryMs) !== Math.floor((elapsedMs - step.dtMs) / habits.cuffEveryMs);
  const vitals: WireReading['vitals'] = {};
  if (!leadsOff) {
    vitals.heartRate = truth.heartRate ?? -1;
    vitals.respiratoryRate = truth.respiratoryRate ?? -1;
    // Movement makes an oximeter lose its signal: real ones then send a sentinel, not a value.
    vitals.spo2 = happens(habits.artefactsPerHour) ? -1 : (truth.spo2 ?? -1);
    if (happens(habits.artefactsPerHour)) vitals.heartRate = Math.min(240, Math.round((truth.heartRate ?? 80) * 1.12));
  }
  if (cuff || elapsedMs <= step.dtMs) {
    vitals.temperature = truth.temperature ?? -1;
    vitals.systolic = truth.systolic ?? -1;
    vitals.diastolic = truth.diastolic ?? -1;
    vitals.mean = truth.mean ?? -1;
  }
  return {
    sensor: next,
    measured: {
      vitals,
      context: { oxygen: habits.onOxygen, consciousness: 'A' },
      status: { leadsOff, battery: Math.round(next.battery * 100) / 100 },
    },
  };
}
