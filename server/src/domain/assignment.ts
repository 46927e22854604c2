import type { DeviceId, PatientId } from './ids.ts';

/** Which patient wore a device, and when: `fromMs <= at < toMs`, open-ended without `toMs`. */
export interface Assignment {
  readonly deviceId: DeviceId;
  readonly patientId: PatientId;
  readonly fromMs: number;
  readonly toMs?: number;
}

/**
 * Who wore the device at that moment: a late reading belongs to the patient who wore it then, not to the one who wears
 * it now. `assignments` are those of one device, sorted by `sortAssignments`. Where two overlap (storage forbids it) the
 * later one stands: handing a device over ends what came before.
 */
export function patientAt(assignments: readonly Assignment[], atMs: number): PatientId | undefined {
  let low = 0;
  let high = assignments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((assignments[middle] as Assignment).fromMs <= atMs) low = middle + 1;
    else high = middle;
  }
  const latest = assignments[low - 1];
  if (latest === undefined) return undefined;
  return latest.toMs === undefined || atMs < latest.toMs ? latest.patientId : undefined;
}

/** By when they begin. An assignment that ends before it begins covers nothing and is left out. */
export function sortAssignments(assignments: readonly Assignment[]): readonly Assignment[] {
  return assignments
    .filter((assignment) => assignment.toMs === undefined || assignment.toMs > assignment.fromMs)
    .toSorted((a, b) => a.fromMs - b.fromMs);
}
