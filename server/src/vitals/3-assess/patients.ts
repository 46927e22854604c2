import { type AssessState, unheardPatient } from '../../domain/assess-state.ts';
import type { PatientId } from '../../domain/ids.ts';

/** What is remembered of the patients of one log partition, and up to where in it. */
export interface Partition {
  readonly number: number;
  readonly states: Map<PatientId, AssessState>;
  /** The offset of the first reading not judged. */
  next: number;
  /** Something changed since the last checkpoint. */
  isDirty: boolean;
}

export function stateOf(partition: Partition, patientId: PatientId): AssessState {
  return partition.states.get(patientId) ?? unheardPatient(patientId, partition.number);
}

const VERSION = 1;

/**
 * A checkpoint as text, a slice of patients at a time: a partition of 10,000 patients is more than a megabyte, and writing it
 * at once would hold up every device for several milliseconds. States are never changed in place, so that the array is a
 * moment frozen whatever comes in between.
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

/** `undefined`: written by another version, so the log is replayed from its beginning instead. */
export function readStates(text: string): Map<PatientId, AssessState> | undefined {
  const { version, patients } = JSON.parse(text) as { version: number; patients: readonly AssessState[] };
  if (version !== VERSION) return undefined;
  return new Map(patients.map((state) => [state.status.patientId, state]));
}
