import { basename } from 'node:path';
import type { LeakHit, LeakScanCounts } from '../domain/leak.ts';
import { type NeedleTable, needleTable } from '../domain/leak-matcher.ts';
import { type Identifiers, needlesOf } from '../domain/leak-needles.ts';
import { createLeakViews } from '../domain/leak-views.ts';
import type { StoredTexts } from '../ports/stored-texts.ts';
import { scanFolder } from './scan-files.ts';

/** So many are listed; of more is said how many. */
export const HITS_MAX = 200;
/** Patients whose names are looked for: some six kilobytes each. Beyond it the newest count. */
const PATIENTS_MAX = 50_000;

export interface LeakScanJob {
  readonly patients: readonly Identifiers[];
  readonly canaries: readonly Identifiers[];
  /** Whose names stand in many places rightly. */
  readonly staffNames: readonly string[];
  readonly folders: readonly string[];
  /** Of all files together, and of all columns together. */
  readonly bytesMax: number;
}

export interface LeakScanOutcome extends LeakScanCounts {
  readonly hits: readonly LeakHit[];
  readonly found: number;
  readonly leftOut: readonly string[];
}

/** Searches files and tables for what names a patient. What is found is said by its place, never repeated. */
export async function scanForLeaks(
  job: LeakScanJob,
  parts: { readonly texts: StoredTexts; readonly isStopped?: () => boolean },
): Promise<LeakScanOutcome> {
  const patients = job.patients.slice(-PATIENTS_MAX);
  const needles = needlesOf(patients, job.canaries, job.staffNames);
  const table = needleTable(needles);
  const hits: LeakHit[] = [];
  let found = 0;
  const onHit = (hit: LeakHit): void => {
    found++;
    if (hits.length < HITS_MAX) hits.push(hit);
  };
  const leftOut: string[] = [];
  if (job.patients.length > patients.length) leftOut.push(`${job.patients.length - patients.length} patients`);
  if (needles.tooCommon > 0)
    leftOut.push(`${needles.tooCommon} patients whose names are too short, or also those of people who work here`);

  let files = 0;
  let bytes = 0;
  for (const folder of job.folders) {
    const scan = await scanFolder(folder, {
      table,
      bytesMax: job.bytesMax - bytes,
      onHit: (hit) => onHit({ ...hit, place: `${basename(folder)}/${hit.place}` }),
      ...(parts.isStopped !== undefined && { isStopped: parts.isStopped }),
    });
    files += scan.files;
    bytes += scan.bytes;
    leftOut.push(...scan.leftOut);
  }
  const columns = await scanTexts(parts.texts, { table, bytesMax: job.bytesMax, onHit });
  leftOut.push(...columns.leftOut);
  return {
    files,
    bytes: bytes + columns.bytes,
    tables: columns.tables,
    rows: columns.rows,
    canaries: job.canaries.length,
    patients: patients.length - needles.tooCommon,
    hits,
    found,
    leftOut,
  };
}

/** Each column by itself: a name that is split over two is none. */
async function scanTexts(
  texts: StoredTexts,
  {
    table,
    bytesMax,
    onHit,
  }: { readonly table: NeedleTable; readonly bytesMax: number; readonly onHit: (hit: LeakHit) => void },
) {
  let rows = 0;
  let bytes = 0;
  const leftOut: string[] = [];
  const tables = new Set<string>();
  const views = new Map<string, { readonly views: ReturnType<typeof createLeakViews>; row: number }>();
  for await (const piece of texts.pieces()) {
    const { column } = piece;
    const [name = ''] = column.split('.');
    if (!tables.has(name)) {
      // The columns of the table before are done.
      for (const one of views.values()) one.views.end();
      views.clear();
      tables.add(name);
    }
    if (bytes > bytesMax) {
      leftOut.push(`${name} and larger tables, beyond the bound of ${bytesMax} bytes`);
      break;
    }
    const state = views.get(column) ?? begin(column);
    state.row = piece.firstRow;
    state.views.push(piece.bytes);
    rows += piece.rows;
    bytes += piece.bytes.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const one of views.values()) one.views.end();
  return { tables: tables.size, rows, bytes, leftOut };

  function begin(column: string) {
    const state = {
      row: 1,
      views: createLeakViews(table, ({ offset: _, ...leak }) =>
        onHit({ where: 'table', place: column, row: state.row, ...leak }),
      ),
    };
    views.set(column, state);
    return state;
  }
}
