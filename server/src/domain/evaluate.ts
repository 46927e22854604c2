import type { ConditionTransition } from './alarm.ts';
import { judgeReading } from './assess.ts';
import type { AlarmIdOf } from './assess-condition.ts';
import type { AssessRules } from './assess-rules.ts';
import { judgeSilence } from './assess-silence.ts';
import { unheardPatient } from './assess-state.ts';
import type { AlarmId, PatientId } from './ids.ts';
import type { AssignedReading } from './reading.ts';

/**
 * What these readings would have rung under these rules: the very judging of the live path, with the time of receipt as
 * its clock. Readings come in the order in which they were received; silence between them is judged too. `tell` hears
 * each transition as it happens.
 */
export function evaluate(
  readings: Iterable<AssignedReading>,
  rulesOf: (patientId: PatientId) => AssessRules,
  tell: (transition: ConditionTransition) => void,
  options: { readonly untilMs?: number; readonly alarmIdOf?: AlarmIdOf } = {},
): void {
  const { untilMs, alarmIdOf } = options;
  const patients = new Map<PatientId, Evaluation>();
  for (const reading of readings) {
    const { patientId } = reading;
    let patient = patients.get(patientId);
    if (patient === undefined) {
      patient = evaluation(patientId, rulesOf(patientId), tell, alarmIdOf);
      patients.set(patientId, patient);
    }
    patient.take(reading);
  }
  if (untilMs !== undefined) for (const patient of patients.values()) patient.beSilent(untilMs);
}

/** The same for one patient, whose readings come one by one: nothing but the patient's state is held. */
export interface Evaluation {
  take(reading: AssignedReading): void;
  /** Until then nothing was received. */
  beSilent(untilMs: number): void;
}

export function evaluation(
  patientId: PatientId,
  rules: AssessRules,
  tell: (transition: ConditionTransition) => void,
  alarmIdOf: AlarmIdOf = (key) => key as AlarmId,
): Evaluation {
  const state = unheardPatient(patientId, 0);
  const told: ConditionTransition[] = [];
  let offset = 0;

  /** Silence is noticed when it is due, not when it ends. */
  function judgeSilenceUntil(untilMs: number): void {
    for (let dueMs = -1; state.dueMs <= untilMs && state.dueMs > dueMs; ) {
      dueMs = state.dueMs;
      judgeSilence(state, dueMs, rules, 0, alarmIdOf, told);
    }
  }

  function flush(): void {
    if (told.length === 0) return;
    for (const transition of told) tell(transition);
    told.length = 0;
  }

  return {
    take(reading) {
      judgeSilenceUntil(reading.receivedAtMs);
      judgeReading(state, reading, rules, { partition: 0, offset: offset++ }, alarmIdOf, told);
      flush();
    },
    beSilent(untilMs) {
      judgeSilenceUntil(untilMs);
      flush();
    },
  };
}
