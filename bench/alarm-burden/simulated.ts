import type { DeviceId, PatientId, ReadingId } from '../../server/src/domain/ids.ts';
import type { AssignedReading } from '../../server/src/domain/reading.ts';
import { simulatedPatient, stepPatient } from '../../server/src/simulation/physiology.ts';
import { type Random, seededRandom } from '../../server/src/simulation/random.ts';
import type { Scenario, ScenarioKind } from '../../server/src/simulation/scenario.ts';
import { CALM_SENSOR, freshSensor, measure } from '../../server/src/simulation/sensor.ts';

/**
 * Simulated patients, measured every second: what charts cannot show. Four in ten deteriorate once (sepsis, hypoxia,
 * arrhythmia, bleeding); all of them move, cough and loosen their sensors. The artefacts are ours, not measured ones:
 * they are there so that delays and hysteresis have something to work on.
 */
export function simulatedReadings(patient: number, hours: number): readonly AssignedReading[] {
  const random = seededRandom(7_919 * (patient + 1));
  const scenario = scenarioOf(patient, hours, random);
  let truth = simulatedPatient(random, scenario);
  let sensor = freshSensor(0.9);
  const artefacts = artefactsOf(random);
  const patientId = `sim-${patient}` as PatientId;
  const readings: AssignedReading[] = [];
  for (let second = 1; second <= hours * 3_600; second++) {
    const step = { elapsedMs: second * 1_000, dtMs: 1_000 };
    const next = stepPatient(truth, { ...step, atMs: START_MS + step.elapsedMs }, random);
    truth = next.patient;
    const sensed = measure(sensor, HABITS, next.vitals, step, random);
    sensor = sensed.sensor;
    if (sensed.measured === undefined) continue;
    const { vitals, context, status } = sensed.measured;
    const atMs = START_MS + step.elapsedMs;
    readings.push({
      id: `s${second}` as ReadingId,
      deviceId: DEVICE,
      patientId,
      atMs,
      receivedAtMs: atMs,
      vitals: artefacts(onlyValues(vitals), second),
      context: context as AssignedReading['context'],
      status: status as AssignedReading['status'],
    });
  }
  return readings;
}

const START_MS = Date.UTC(2026, 0, 5, 6);
const DEVICE = 'sim' as DeviceId;
/** A cuff that inflates every fifteen minutes, as on wards. */
const HABITS = { ...CALM_SENSOR, cuffEveryMs: 900_000 };
const KINDS: readonly ScenarioKind[] = ['sepsis', 'hypoxia', 'arrhythmia', 'bleeding'];

function scenarioOf(patient: number, hours: number, random: Random): readonly Scenario[] {
  const kind = patient % 10 < 4 ? KINDS[(patient % 10) % KINDS.length] : undefined;
  if (kind === undefined) return [];
  const startMs = (0.2 + 0.3 * random.next()) * hours * 3_600_000;
  return [{ kind, startMs, riseMs: 1_800_000, holdMs: 2_700_000, fallMs: 1_800_000 }];
}

/**
 * Per hour, how long, and to what: a hand that moves lowers the oximeter's value, an electrode that slips doubles or
 * halves the counted rate, talking and coughing raise the breathing rate.
 */
const ARTEFACTS = [
  { perHour: 4, fromSeconds: 2, toSeconds: 25, vital: 'spo2', of: (value: number) => Math.max(60, value - 14) },
  { perHour: 2, fromSeconds: 1, toSeconds: 12, vital: 'heartRate', of: (value: number) => Math.min(240, 2 * value) },
  { perHour: 1, fromSeconds: 1, toSeconds: 10, vital: 'heartRate', of: (value: number) => Math.round(value / 2) },
  { perHour: 3, fromSeconds: 5, toSeconds: 30, vital: 'respiratoryRate', of: (value: number) => value + 18 },
] as const;

function artefactsOf(random: Random) {
  const until = ARTEFACTS.map(() => 0);
  return (vitals: AssignedReading['vitals'], second: number): AssignedReading['vitals'] => {
    const shown = { ...vitals };
    ARTEFACTS.forEach(({ perHour, fromSeconds, toSeconds, vital, of }, index) => {
      if (random.next() < perHour / 3_600)
        until[index] = second + fromSeconds + Math.floor((toSeconds - fromSeconds) * random.next());
      const value = shown[vital];
      if (second < (until[index] ?? 0) && value !== undefined) shown[vital] = of(value);
    });
    return shown;
  };
}

/** −1 is a sentinel: nothing was measured. */
function onlyValues(vitals: Readonly<Record<string, unknown>>): AssignedReading['vitals'] {
  return Object.fromEntries(
    Object.entries(vitals).filter(([, value]) => typeof value === 'number' && value >= 0),
  ) as AssignedReading['vitals'];
}
