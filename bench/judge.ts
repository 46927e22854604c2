import type { ConditionTransition } from '../server/src/domain/alarm.ts';
import { judgeReading } from '../server/src/domain/assess.ts';
import { assessRules } from '../server/src/domain/assess-rules.ts';
import { judgeSilence } from '../server/src/domain/assess-silence.ts';
import { type PatientState, unheardPatient } from '../server/src/domain/assess-state.ts';
import type { DeviceId, PatientId, ReadingId } from '../server/src/domain/ids.ts';
import type { AssignedReading } from '../server/src/domain/reading.ts';
import { alarmIdOf } from '../server/src/vitals/3-assess/alarm-id.ts';

/**
 * What judging costs: 10,000 patients, a reading of seven vitals each second. `calm`: values drift and nothing rings.
 * `wild`: every value changes every second and one reading in seven begins or ends something. CPU time, so that other
 * load counts less; the best round is the code, the mean includes collecting garbage. Prints JSON.
 */
const PATIENTS = 10_000;
const ROUNDS = 60;
const T0 = 1_800_000_000_000;
const RULES = assessRules({});

const calm = (p: number, r: number) => ({
  heartRate: 65 + ((p * 7 + r * 13) % 20),
  spo2: 96 + ((p + r) % 4),
  respiratoryRate: 14 + ((p + (r >> 2)) % 4),
  temperature: 36.8,
  systolic: 120 + (r >> 4),
});
const wild = (p: number, r: number) => ({
  heartRate: 60 + ((p * 7 + r * 13) % 50),
  spo2: 90 + ((p + r) % 10),
  respiratoryRate: 12 + ((p + r * 3) % 10),
  temperature: 36 + ((p + r) % 30) / 10,
  systolic: 100 + ((p + r * 5) % 60),
});

function run(vitals: typeof calm) {
  const states = Array.from({ length: PATIENTS }, (_, p) => unheardPatient(`P${p}` as PatientId, p % 16));
  const rounds: number[] = [];
  const told: ConditionTransition[] = [];
  let transitions = 0;
  for (let r = 0; r < ROUNDS; r++) {
    const readings = states.map((_, p): AssignedReading => reading(p, r, vitals(p, r)));
    const before = process.cpuUsage();
    for (const [p, each] of readings.entries()) {
      judgeReading(states[p] as PatientState, each, RULES, { partition: p % 16, offset: r }, alarmIdOf, told);
      transitions += told.length;
      told.length = 0;
    }
    const { user, system } = process.cpuUsage(before);
    rounds.push((user + system) / PATIENTS);
  }
  const mean = rounds.reduce((a, b) => a + b) / ROUNDS;
  const perReading = { bestUs: round(Math.min(...rounds)), meanUs: round(mean) };
  return { perReading, transitions, ...silence(states), checkpointBytes: JSON.stringify(states).length / PATIENTS };
}

function silence(states: readonly PatientState[]) {
  const started = performance.now();
  let due = 0;
  for (let i = 0; i < 100; i++) for (const state of states) if (T0 + ROUNDS * 1_000 >= state.dueMs) due++;
  const tickMs = round((performance.now() - started) / 100);
  const before = performance.now();
  for (const state of states) judgeSilence(state, T0 + 3_600_000, RULES, 0, alarmIdOf, []);
  return { tickMs, due, allLostMs: round(performance.now() - before) };
}

function reading(p: number, r: number, vitals: AssignedReading['vitals']): AssignedReading {
  const atMs = T0 + r * 1_000;
  return {
    id: `r${r}` as ReadingId,
    deviceId: `D${p}` as DeviceId,
    patientId: `P${p}` as PatientId,
    atMs,
    receivedAtMs: atMs + 3,
    vitals: { ...vitals, diastolic: 70, mean: 85 },
    context: { oxygen: false, consciousness: 'A' },
    status: { leadsOff: false, battery: 0.8 },
  };
}

const round = (value: number) => Math.round(value * 100) / 100;

process.stdout.write(`${JSON.stringify({ patients: PATIENTS, calm: run(calm), wild: run(wild) }, undefined, 2)}\n`);
