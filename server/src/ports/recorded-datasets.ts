import type { AssignedReading } from '../domain/reading.ts';

/** Recorded patients that this installation was given, each set by its name. */
export interface RecordedDatasets {
  names(): Promise<readonly string[]>;
  /** Undefined: there is none of that name. */
  open(name: string): Promise<RecordedDataset | undefined>;
}

export interface RecordedDataset {
  /** Files, most of them patients. */
  readonly count: number;
  /** Each in the order of their names; times are since the record began, as if that had been 1970. */
  patients(): AsyncIterable<RecordedStay>;
}

export interface RecordedStay {
  readonly patientId: AssignedReading['patientId'];
  readonly readings: readonly AssignedReading[];
}
