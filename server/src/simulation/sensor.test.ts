import { describe, expect, it } from 'vitest';
import { seededRandom } from './random.ts';
import { CALM_SENSOR, freshSensor, measure, type SensorHabits } from './sensor.ts';

const TRUTH = {
  heartRate: 80,
  spo2: 97,
  respiratoryRate: 16,
  temperature: 36.8,
  systolic: 120,
  diastolic: 80,
  mean: 93,
};

describe('a simulated sensor', () => {
  it('inflates the cuff only when it is due, and at the very first measurement', () => {
    const cuffs = run({ ...CALM_SENSOR, cuffEveryMs: 60_000, leadsOffPerHour: 0, gapsPerHour: 0 }, 300)
      .map((measured, second) => (measured?.vitals.systolic === undefined ? -1 : second + 1))
      .filter((second) => second > 0);
    expect(cuffs).toEqual([1, 60, 120, 180, 240, 300]);
  });

  it('with its leads off says so and measures neither heart, breath nor saturation', () => {
    const off = run({ ...CALM_SENSOR, leadsOffPerHour: 3600 }, 20).filter((measured) => measured?.status?.leadsOff);
    expect(off.length).toBeGreaterThan(0);
    for (const measured of off) expect(measured?.vitals).not.toHaveProperty('heartRate');
  });

  it('in a gap sends nothing', () => {
    expect(run({ ...CALM_SENSOR, gapsPerHour: 3600 }, 20)).toContain(undefined);
  });
});

function run(habits: SensorHabits, seconds: number) {
  const random = seededRandom(1);
  let sensor = freshSensor(0.9);
  return Array.from({ length: seconds }, (_, index) => {
    const step = measure(sensor, habits, TRUTH, { elapsedMs: (index + 1) * 1000, dtMs: 1000 }, random);
    sensor = step.sensor;
    return step.measured;
  });
}
