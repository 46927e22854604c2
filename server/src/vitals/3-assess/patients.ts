import { type AssessState, type PatientState, revive, unheardPatient } from '../../domain/assess-state.ts';
import type { PatientId } from '../../domain/ids.ts';
import { fromVersion1 } from './checkpoint-version-1.ts';

/** What is remembered of the patients of one log partition, and up to where in it. */
export interface Partition {
  readonly number: number;
  readonly states: Map<PatientId, PatientState>;
  /** The offset of the first reading not judged. */
  next: number;
  /** Something changed since the last checkpoint. */
  isDirty: boolean;
}

export function stateOf({ states, number }: Partition, patientId: PatientId): PatientState {
  const known = states.get(patientId);
  if (known !== undefined) return known;
  const state = unheardPatient(patientId, number);
  states.set(patientId, state);
  return state;
}

const VERSION = 2;

/**
 * A checkpoint as text, a slice of patients at a time: a partition of 10,000 patients is more than a megabyte, and
 * writing it at once would hold up every device for several milliseconds. So a later slice may already know of readings
 * after the checkpoint's position: each patient says itself up to where it has been judged, and a replay leaves out what
 * lies before that.
 */
export async function writeStates(states: readonly AssessState[], breathe: () => Promise<void>): Promise<string> {
  const parts: string[] = [];
  for (let from = 0; from < states.length; from += SLICE) {
    parts.push(JSON.stringify(states.slice(from, from + SLICE)).slice(1, -1));
    await breathe();
  }
  return `{"version":${VERSION},"patients":[${parts.join(',')}]}`;
}

/** About 2 kB each: half a millisecond of JSON. */
const SLICE = 25;

/** `undefined`: written by a version we do not know, so the log is replayed from its beginning instead. */
export function readStates(text: string): Map<PatientId, PatientState> | undefined {
  try {
    const { version, patients } = JSON.parse(text) as { version: number; patients: readonly PatientState[] };
    if (version !== VERSION && version !== 1) return undefined;
    const states = version === 1 ? patients.map(fromVersion1) : patients;
    return new Map(states.map((state) => [state.status.patientId, revive(state)]));
  } catch {
    // Not what its version promises: as good as none.
    return undefined;
  }
}
