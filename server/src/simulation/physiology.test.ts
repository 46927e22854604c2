import { describe, expect, it } from 'vitest';
import type { Vitals } from '../domain/reading.ts';
import { VITAL_NAMES, VITALS } from '../domain/vital.ts';
import { simulatedPatient, stepPatient } from './physiology.ts';
import { seededRandom } from './random.ts';
import type { Scenario, ScenarioKind } from './scenario.ts';

describe('a simulated patient', () => {
  it('tells the same story for the same seed, and another for another', () => {
    expect(live(7)).toEqual(live(7));
    expect(live(7)).not.toEqual(live(8));
  });

  it('shows only what a living patient can show, whatever happens to them', () => {
    const everything = (['sepsis', 'hypoxia', 'arrhythmia', 'bleeding'] as const).map((kind) => scenario(kind));
    const impossible = seeds(50).flatMap((seed) =>
      live(seed, everything).filter(
        (vitals) =>
          (vitals.diastolic ?? 0) >= (vitals.systolic ?? 0) ||
          VITAL_NAMES.some((name) => {
            const { min, max } = VITALS[name].plausible;
            return !((vitals[name] ?? Number.NaN) >= min && (vitals[name] ?? Number.NaN) <= max);
          }),
      ),
    );
    expect(impossible).toEqual([]);
  });

  it.each([
    ['arrhythmia', 'heartRate', (worst: Vitals) => (worst.heartRate ?? 0) > 160],
    ['hypoxia', 'spo2', (worst: Vitals) => (worst.spo2 ?? 100) < 85],
    ['sepsis', 'temperature', (worst: Vitals) => (worst.temperature ?? 0) > 38.5 && (worst.systolic ?? 200) < 105],
    ['bleeding', 'systolic', (worst: Vitals) => (worst.systolic ?? 200) < 95 && (worst.heartRate ?? 0) > 90],
  ] as const)('in %s crosses its limit on %s for every one of 40 seeds', (kind, _vital, isCrossed) => {
    for (let seed = 0; seed < 40; seed++)
      expect(live(seed, [scenario(kind)]).some(isCrossed), `seed ${seed}`).toBe(true);
  });

  it('stays within the critical limits for an hour when nothing happens', () => {
    const alarming = seeds(40).flatMap((seed) =>
      live(seed, [], 3600).filter(({ heartRate = 0, spo2 = 0 }) => heartRate > 160 || spo2 < 85),
    );
    expect(alarming).toEqual([]);
  });

  it('breathes and beats faster in fever', () => {
    const mean = (rows: readonly Vitals[], name: 'heartRate' | 'respiratoryRate') =>
      rows.reduce((sum, row) => sum + (row[name] ?? 0), 0) / rows.length;
    const calm = live(3).slice(-60);
    const feverish = live(3, [scenario('sepsis')]).slice(150, 210);
    expect(mean(feverish, 'heartRate')).toBeGreaterThan(mean(calm, 'heartRate') + 15);
    expect(mean(feverish, 'respiratoryRate')).toBeGreaterThan(mean(calm, 'respiratoryRate') + 4);
  });
});

function live(seed: number, scenarios: readonly Scenario[] = [], seconds = 300): readonly Vitals[] {
  const random = seededRandom(seed);
  let patient = simulatedPatient(random, scenarios);
  return Array.from({ length: seconds }, (_, second) => {
    const step = stepPatient(patient, { atMs: second * 1000, elapsedMs: second * 1000, dtMs: 1000 }, random);
    patient = step.patient;
    return step.vitals;
  });
}

function scenario(kind: ScenarioKind): Scenario {
  return { kind, startMs: 30_000, riseMs: 60_000, holdMs: 120_000, fallMs: 30_000 };
}

function seeds(count: number): readonly number[] {
  return Array.from({ length: count }, (_, seed) => seed);
}
