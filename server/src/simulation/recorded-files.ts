import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parsePhysionet, type RecordedPatient } from './physionet.ts';

/**
 * Reads recorded patients from a file, a folder (with its folders), or a `.tar.gz` as PhysioNet and we hand them on; at
 * most `limit`, in the order of their names. Files that are no patients are passed over.
 *
 * Throws when the path does not exist or holds no patient.
 */
export function readRecordedPatients(path: string, limit: number): readonly RecordedPatient[] {
  const patients =
    path.endsWith('.tar.gz') || path.endsWith('.tgz') ? readArchive(path, limit) : readFiles(path, limit);
  if (patients.length === 0) throw new Error(`${path} holds no PhysioNet patient (.psv of 2019 or .txt of 2012)`);
  return patients;
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
