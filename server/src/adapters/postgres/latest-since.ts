import type { LoggedReading } from '../../ports/reading-log.ts';
import type { BinaryCopyWriter } from './binary-copy.ts';
import { VITALS_BY_COLUMN } from './vitals-columns.ts';

/**
 * Since when to look for the newest value of each vital: a lower bound, ten minutes coarse, so that a patient measured
 * every second is written every ten minutes. Remembers what is committed, to leave out what would change nothing.
 */
export class LatestSince {
  readonly #committed = new Map<string, readonly (number | undefined)[]>();

  /** Notes in `moved` which bounds this reading moves forward. */
  note(reading: LoggedReading['reading'], moved: MovedBounds): void {
    const since = Math.floor(reading.atMs / COARSE_MS) * COARSE_MS;
    let bounds = moved.get(reading.patientId) ?? this.#committed.get(reading.patientId) ?? NONE;
    for (let i = 0; i < VITALS.length; i++) {
      const vital = VITALS[i];
      if (vital === undefined || reading.vitals[vital] === undefined || since <= (bounds[i] ?? -1)) continue;
      let own = moved.get(reading.patientId);
      if (own === undefined) {
        own = [...bounds];
        moved.set(reading.patientId, own);
      }
      own[i] = since;
      bounds = own;
    }
  }

  /** Call it once they are stored. */
  commit(moved: MovedBounds): void {
    // Forgetting costs one more write per patient.
    if (this.#committed.size > PATIENTS_MAX) this.#committed.clear();
    for (const [patientId, bounds] of moved) this.#committed.set(patientId, bounds);
  }
}

/** By patient. */
export type MovedBounds = Map<string, (number | undefined)[]>;

/** In the order of `encodeLatestSince`. */
export const LATEST_COLUMNS = ['patient_id', ...VITALS_BY_COLUMN.map(([, column]) => column)] as const;

export function encodeLatestSince(moved: MovedBounds, writer: BinaryCopyWriter): Buffer {
  writer.begin();
  for (const [patientId, bounds] of moved) {
    writer.row(LATEST_COLUMNS.length);
    writer.ascii(patientId);
    for (const bound of bounds) writer.timeOrNull(bound);
  }
  return writer.end();
}

const COARSE_MS = 600_000;
const VITALS = VITALS_BY_COLUMN.map(([name]) => name);
const NONE: readonly undefined[] = VITALS.map(() => undefined);
/** About 200 bytes each. */
const PATIENTS_MAX = 100_000;
