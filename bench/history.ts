import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openDataFolder } from '../server/src/adapters/embedded/data-folder.ts';
import { openDatabase } from '../server/src/adapters/postgres/open-database.ts';
import { PostgresVitalsHistory } from '../server/src/adapters/postgres/vitals-history.ts';
import type { DeviceId, PatientId, ReadingId } from '../server/src/domain/ids.ts';
import { type LogBatch, type LoggedReading, partitionOf } from '../server/src/ports/reading-log.ts';
import { keepBatch } from '../server/src/ports/test-keep.ts';
import { postgresCpuMs } from './processes.ts';

/**
 * How fast the history takes readings: the embedded PostgreSQL as it ships (durable), batches of 1,000 wide rows of seven
 * vitals, one batch in flight, each with latest values and positions in its transaction. One JSON object on stdout.
 *
 *   node bench/history.ts [seconds=10] [patients=10000]
 */
const seconds = Number(process.argv[2] ?? 10);
const patients = Number(process.argv[3] ?? 10_000);
const BATCH = 1_000;
const VITALS = 7;
const PARTITIONS = 16;

const parent = mkdtempSync(join(tmpdir(), 'healthsync-bench-'));
const folder = await openDataFolder(join(parent, 'data'));
const database = await openDatabase({ dataFolder: folder.path });
try {
  const history = new PostgresVitalsHistory(database);
  const postmaster = database.postgresPid() ?? 0;
  const sourceOf = reader();
  for (let i = 0; i < 20; i++) await keepBatch(history, sourceOf()); // warm

  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = { node: process.cpuUsage(), postgres: postgresCpuMs(postmaster), at: performance.now() };
  const batchMs: number[] = [];
  let sourceMs = 0;
  while (performance.now() - before.at < seconds * 1_000) {
    const made = performance.now();
    const batch = sourceOf();
    const begun = performance.now();
    sourceMs += begun - made;
    const { stored } = await keepBatch(history, batch);
    if (stored !== BATCH) throw new Error(`stored ${stored} of ${BATCH}`);
    batchMs.push(performance.now() - begun);
  }
  const elapsedMs = performance.now() - before.at;
  const node = process.cpuUsage(before.node);
  delay.disable();

  const readings = batchMs.length * BATCH;
  const { rows } = await database.pool.query<{ bytes: number }>(
    `select (sum(pg_total_relation_size(inhrelid)))::bigint as bytes from pg_inherits where inhparent = 'vitals'::regclass`,
  );
  batchMs.sort((a, b) => a - b);
  const perReadingUs = (ms: number) => Number(((ms * 1_000) / readings).toFixed(2));
  console.log(
    JSON.stringify({
      bench: 'history',
      node: process.version,
      seconds: Number((elapsedMs / 1_000).toFixed(2)),
      patients,
      batch: BATCH,
      readings,
      readingsPerSecond: Math.round((readings / elapsedMs) * 1_000),
      vitalValuesPerSecond: Math.round(((readings * VITALS) / elapsedMs) * 1_000),
      batchMs: { p50: percentile(batchMs, 0.5), p99: percentile(batchMs, 0.99), max: percentile(batchMs, 1) },
      // Node's share includes making the readings, which is shown apart.
      cpuPerReadingUs: {
        node: perReadingUs((node.user + node.system) / 1_000),
        makingTheReadings: perReadingUs(sourceMs),
        postgres: perReadingUs(postgresCpuMs(postmaster) - before.postgres),
      },
      bytesPerReading: Math.round((rows[0]?.bytes ?? 0) / (readings + 20 * BATCH)),
      eventLoopDelayMs: { p99: round(delay.percentile(99) / 1e6), max: round(delay.max / 1e6) },
    }),
  );
} finally {
  await database.close();
  folder.close();
  rmSync(parent, { recursive: true, force: true });
}

/** Readings as a ward sends them: every patient in turn, once a second, with ids a device might give. */
function reader(): () => LogBatch {
  const offsets = new Array<number>(PARTITIONS).fill(0);
  const start = Date.now();
  let count = 0;
  return () => {
    const records = Array.from({ length: BATCH }, (): LoggedReading => {
      const patient = count % patients;
      const round = Math.floor(count / patients);
      count++;
      const patientId = `P-${100_000 + patient}` as PatientId;
      const partition = partitionOf(patientId, PARTITIONS);
      const offset = offsets[partition] ?? 0;
      offsets[partition] = offset + 1;
      const atMs = start + round * 1_000 + (patient % 1_000);
      return {
        partition,
        offset,
        reading: {
          id: `${round}-${patient}` as ReadingId,
          deviceId: `D-${100_000 + patient}` as DeviceId,
          patientId,
          atMs,
          receivedAtMs: atMs + 40,
          vitals: {
            heartRate: 60 + (count % 40),
            spo2: 97,
            respiratoryRate: 16,
            temperature: 36.8,
            systolic: 120,
            diastolic: 80,
            mean: 93,
          },
          context: { oxygen: false, consciousness: 'A' },
          status: { leadsOff: false, battery: 0.83 },
        },
      };
    });
    return { records, next: new Map(records.map((record) => [record.partition, record.offset + 1])) };
  };
}

function percentile(sorted: readonly number[], share: number): number {
  return round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
