import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceId, ReadingId } from '../domain/ids.ts';
import { parsePatientId } from '../domain/ids.ts';
import type { AssignedReading } from '../domain/reading.ts';
import { VITALS, type VitalName } from '../domain/vital.ts';
import type { RecordedDatasets, RecordedStay } from '../ports/recorded-datasets.ts';
import { parsePhysionet, type RecordedPatient, type RecordedReading } from './physionet.ts';

/**
 * The folders in a folder, each a data set of PhysioNet records (`.psv`, `.txt`), at any depth. Without a folder there
 * are none. Files that are no patients are passed over.
 */
export function recordedDatasets(folder: string | undefined): RecordedDatasets {
  async function names(): Promise<readonly string[]> {
    if (folder === undefined) return [];
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isDirectory() && NAME.test(entry.name))
      .map(({ name }) => name)
      .sort();
  }

  return {
    names,
    async open(name) {
      // Only what is listed: a name is no path.
      if (folder === undefined || !(await names()).includes(name)) return undefined;
      const path = join(folder, name);
      const files = (await readdir(path, { recursive: true })).filter((file) => /\.(psv|txt)$/.test(file)).sort();
      return { count: files.length, patients: () => patientsOf(path, files) };
    },
  };
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

async function* patientsOf(folder: string, files: readonly string[]): AsyncGenerator<RecordedStay> {
  for (const file of files) {
    const found = parsePhysionet(file.slice(file.lastIndexOf('/') + 1), await readFile(join(folder, file), 'utf8'));
    const patientId = parsePatientId(found?.patientId);
    if (found === undefined || patientId === undefined) continue;
    yield recordedStay(found, patientId);
  }
}

/** A recorded patient as they would have been measured: without what no living patient can show. */
export function recordedStay({ readings }: RecordedPatient, patientId: RecordedStay['patientId']): RecordedStay {
  return { patientId, readings: readings.map((reading) => toReading(reading, patientId)) };
}

function toReading(
  { minute, vitals, context }: RecordedReading,
  patientId: RecordedStay['patientId'],
): AssignedReading {
  const atMs = minute * 60_000;
  const plausible = Object.entries(vitals).filter(([name, value]) => {
    const { min, max } = VITALS[name as VitalName].plausible;
    return typeof value === 'number' && value >= min && value <= max;
  });
  return {
    id: `m${minute}` as ReadingId,
    deviceId: RECORD,
    patientId,
    atMs,
    receivedAtMs: atMs,
    vitals: Object.fromEntries(plausible),
    context,
    status: {},
  };
}

const RECORD = 'record' as DeviceId;
