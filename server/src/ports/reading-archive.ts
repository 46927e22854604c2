import type { PatientId } from '../domain/ids.ts';
import type { AssignedReading } from '../domain/reading.ts';

/**
 * The history of readings for whoever goes through much of it: read in bulk and apart from those who write and draw.
 * Rejects with `Failure` `database-unavailable`.
 */
export interface ReadingArchive {
  /** How many readings of all of them have `fromMs <= at < toMs`. */
  count(query: {
    readonly patientIds: readonly PatientId[];
    readonly fromMs: number;
    readonly toMs: number;
  }): Promise<number>;
  /** All readings of one patient with `fromMs <= at < toMs`, oldest first. Whoever asks chooses a span that fits memory. */
  read(query: {
    readonly patientId: PatientId;
    readonly fromMs: number;
    readonly toMs: number;
  }): Promise<readonly AssignedReading[]>;
}
