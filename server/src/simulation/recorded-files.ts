import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parsePhysionet, type RecordedPatient } from './physionet.ts';

/**
 * Reads recorded patients from a file, a folder (with its folders), or a `.tar.gz` as PhysioNet and we hand them on; at
 * most `limit`, in the order of their names. Files that are no patients are passed over.
 *
 * Empty where there is no patient. Throws when the path cannot be read.
 */
export function readRecordedPatients(path: string, limit: number): readonly RecordedPatient[] {
  return path.endsWith('.tar.gz') || path.endsWith('.tgz') ? readArchive(path, limit) : readFiles(path, limit);
}

function readArchive(path: string, limit: number): readonly RecordedPatient[] {
  const folder = mkdtempSync(join(tmpdir(), 'healthsync-replay-'));
  try {
    execFileSync('tar', ['-xzf', path, '-C', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
    return readFiles(folder, limit);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readFiles(path: string, limit: number): readonly RecordedPatient[] {
  const files = statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(psv|txt)$/.test(name))
        .sort()
        .map((name) => join(path, name))
    : [path];
  const patients: RecordedPatient[] = [];
  for (const file of files) {
    if (patients.length >= limit) break;
    const patient = parsePhysionet(basename(file), readFileSync(file, 'utf8'));
    if (patient !== undefined && patient.readings.length > 0) patients.push(patient);
  }
  return patients;
}
