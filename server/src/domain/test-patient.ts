import type { ConditionTransition } from './alarm.ts';
import { type Assessed, assess } from './assess.ts';
import { assessAgain } from './assess-again.ts';
import { type AssessRules, assessRules, compileRules } from './assess-rules.ts';
import { assessSilence } from './assess-silence.ts';
import { type AssessState, unheardPatient } from './assess-state.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId } from './ids.ts';
import type { AssignedReading, Reading } from './reading.ts';
import type { Rule } from './rule.ts';

/** When the tests' streams begin; times in tests are seconds after it. */
export const T0 = 1_800_000_000_000;

/** These rules and no others, not even the defaults. */
export function onlyRules(...own: readonly Rule[]): AssessRules {
  return assessRules({ compiled: compileRules(own.map((rule) => ({ rule, scope: 'patient' as const }))) });
}

/** `at` and `received` in seconds. */
export interface Sent extends Partial<Pick<Reading, 'vitals' | 'context' | 'status'>> {
  readonly at: number;
  readonly received?: number;
  readonly device?: string;
  readonly id?: string;
}

/** One patient under these rules: what is sent in, and every transition that comes out. */
export function testPatient(rules: AssessRules = assessRules({})) {
  let state: AssessState = unheardPatient('P1' as PatientId, 0);
  let offset = 0;
  let inForce = rules;
  const told: ConditionTransition[] = [];
  const take = (result: Assessed) => {
    state = result.state;
    told.push(...result.transitions);
    return result.transitions.map(({ kind, rule }) => `${rule} ${kind}`);
  };
  return {
    told,
    state: () => state,
    send: (sent: Sent) => take(assess(state, readingOf(sent), inForce, { partition: 0, offset: offset++ }, idOf)),
    silence: (at: number) => take(assessSilence(state, T0 + at * 1_000, inForce, 0, idOf)),
    /** From now on it is judged by these rules. */
    again: (at: number, next: AssessRules) => {
      inForce = next;
      return take(assessAgain(state, T0 + at * 1_000, next, idOf));
    },
  };
}

export function readingOf({
  at,
  received = at,
  device = 'D1',
  id,
  vitals = {},
  context = {},
  status = {},
}: Sent): AssignedReading {
  return {
    id: (id ?? `r${device}-${at}`) as ReadingId,
    deviceId: device as DeviceId,
    patientId: 'P1' as PatientId,
    atMs: T0 + Math.round(at * 1_000),
    receivedAtMs: T0 + Math.round(received * 1_000),
    vitals,
    context,
    status,
  };
}

const idOf = (key: string) => key.replaceAll('\n', '.') as AlarmId;
