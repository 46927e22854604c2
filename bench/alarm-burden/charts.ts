import { parsePatientId } from '../../server/src/domain/ids.ts';
import type { RecordedStay } from '../../server/src/ports/recorded-datasets.ts';
import { recordedStay } from '../../server/src/simulation/recorded-datasets.ts';
import { readRecordedPatients } from '../../server/src/simulation/recorded-files.ts';

/** Recorded patients of one set, as they are replayed. */
export interface ChartSet {
  readonly name: string;
  readonly file: string;
  /** How often there is a row, as the set describes it. */
  readonly everyMs: number;
}

export const CHART_SETS: readonly ChartSet[] = [
  {
    name: 'PhysioNet/CinC 2019, hospital B (hourly)',
    file: 'physionet-2019-sepsis.tar.gz',
    everyMs: 3_600_000,
  },
  { name: 'PhysioNet/CinC 2012, set A (irregular, 48 h)', file: 'physionet-2012-icu.tar.gz', everyMs: 3_600_000 },
];

export function readCharts(path: string, limit: number): readonly RecordedStay[] {
  return readRecordedPatients(path, limit).flatMap((recorded) => {
    const patientId = parsePatientId(recorded.patientId);
    return patientId === undefined ? [] : recordedStay(recorded, patientId);
  });
}

/**
 * Design choices were made on three patients of ten, the report is about the others. Which is which is decided by the
 * patient's id (FNV-1a), so it is the same on every machine and whatever else is read.
 */
export function isForDesign(patientId: string): boolean {
  let hash = 0x811c9dc5;
  for (const character of patientId) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash % 10 < 3;
}
