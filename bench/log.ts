import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeFiles } from '../server/src/adapters/embedded/segment-log/files.ts';
import { openSegmentLog, type SegmentLog } from '../server/src/adapters/embedded/segment-log/segment-log.ts';
import { testLogKeys } from '../server/src/adapters/embedded/segment-log/test-log-keys.ts';
import type { AssignedReading } from '../server/src/domain/reading.ts';
import { appended } from '../server/src/ports/reading-log.ts';

/**
 * What the segment log does on this machine's disk, beside what the disk does without it. Prints one JSON object.
 * `node bench/log.ts [--seconds 10] [--folder DIR] [--clear]`; the folder decides which disk. `--clear`: without sealing,
 * to see what that costs.
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string' }, folder: { type: 'string' }, clear: { type: 'boolean', default: false } },
});
const seconds = Number(values.seconds ?? 10);
const folder = await mkdtemp(join(values.folder ?? tmpdir(), 'healthsync-bench-'));

const keys = testLogKeys();

interface Group {
  readonly records: number;
  readonly writeMs: number;
}
let groups: Group[] = [];

try {
  const disk = await diskAlone();
  const opened = performance.now();
  const log = await openLog();
  const openEmptyMs = performance.now() - opened;
  const report = {
    node: process.version,
    cpus: cpus().length,
    loadBefore: loadavg()[0],
    secondsEach: seconds,
    sealed: !values.clear,
    openEmptyMs: round(openEmptyMs),
    disk,
    warmUp: await openLoop(log, 10_000, 3),
    openLoop: [await openLoop(log, 1_000), await openLoop(log, 10_000), await openLoop(log, 30_000)],
    closedLoop: await closedLoop(log),
    ...(await replayAfterRestart(log)),
    loadAfter: loadavg()[0],
  };
  console.log(JSON.stringify(report, undefined, 2));
} finally {
  await rm(folder, { recursive: true, force: true });
}

function openLog(): Promise<SegmentLog> {
  return openSegmentLog({
    folder: join(folder, 'log'),
    partitions: 16,
    groups: [],
    keys: values.clear ? 'none' : keys,
    now: Date.now,
    hooks: { onGroup: (group) => groups.push(group) },
  });
}

/** Baselines: the disk's own synchronous write of two pages, and the log it would make with one write per reading. */
async function diskAlone() {
  const path = join(folder, 'alone');
  const zeros = Buffer.alloc(1024 * 1024);
  const file = await nodeFiles.create(path);
  for (let i = 0; i < 64; i++) await file.write(zeros, 0, zeros.length, i * zeros.length);
  await file.sync();
  await file.close();
  const durable = await nodeFiles.openDurable(path);
  const tookMs: number[] = [];
  const until = performance.now() + (seconds * 1_000) / 2;
  for (let i = 0; performance.now() < until; i = (i + 1) % 8_000) {
    const before = performance.now();
    await durable.write(zeros, 0, 8_192, i * 8_192);
    tookMs.push(performance.now() - before);
  }
  await durable.close();
  const perSecond = Math.round(tookMs.length / (seconds / 2));
  return { oneSynchronousWriteMs: percentiles(tookMs), oneWritePerReadingPerSecond: perSecond };
}

/** Readings come at their times whether or not the log keeps up; latency counts from when a reading was due. */
async function openLoop(log: SegmentLog, perSecond: number, forSeconds = seconds) {
  const count = perSecond * forSeconds;
  const latencyMs = new Float64Array(count);
  groups = [];
  let acknowledged = 0;
  let refused = 0;
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const settled = Promise.withResolvers<void>();
  const settle = () => {
    if (acknowledged + refused === count) settled.resolve();
  };
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(count, Math.floor(((performance.now() - startedAt) / 1_000) * perSecond));
    for (; sent < due; sent++) {
      const dueAt = startedAt + (sent / perSecond) * 1_000;
      log.append(readingOf(sent), {
        stored: () => {
          latencyMs[acknowledged++] = performance.now() - dueAt;
          settle();
        },
        refused: () => {
          refused++;
          settle();
        },
      });
    }
    if (sent === count) clearInterval(timer);
  }, 1);
  await settled.promise;
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond,
    acknowledged,
    refused,
    acknowledgedAfterMs: percentiles(latencyMs.subarray(0, acknowledged)),
    writeMs: percentiles(groups.map(({ writeMs }) => writeMs)),
    groupsPerSecond: Math.round(groups.length / forSeconds),
    readingsPerGroup: round(acknowledged / groups.length),
    cpuMicrosPerReading: round((user + system) / acknowledged),
  };
}

/** As many as it takes, 20,000 in flight; and what the calls of `append` alone cost the main thread. */
async function closedLoop(log: SegmentLog) {
  const readings = Array.from({ length: 20_000 }, (_, i) => readingOf(i));
  let count = 0;
  let appendMs = 0;
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  while (performance.now() - startedAt < seconds * 1_000) {
    const before = performance.now();
    const appends = readings.map((reading) => appended(log, reading));
    appendMs += performance.now() - before;
    await Promise.all(appends);
    count += readings.length;
  }
  const tookMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: Math.round((count / tookMs) * 1_000),
    appendCallMicros: round((appendMs / count) * 1_000),
    cpuMicrosPerReading: round((user + system) / count),
  };
}

async function replayAfterRestart(log: SegmentLog) {
  const { bytes } = log.stats();
  await log.close();
  const before = performance.now();
  const again = await openLog();
  const openMs = performance.now() - before;
  const { first, next } = await again.extent();
  const held = [...next].reduce((sum, [partition, offset]) => sum + offset - (first.get(partition) ?? 0), 0);
  const startedAt = performance.now();
  let count = 0;
  await new Promise<void>((resolve) => {
    again.subscribe({
      group: 'bench',
      from: new Map(),
      batchMax: 1_000,
      lingerMs: 0,
      handle: async ({ records }) => {
        count += records.length;
        if (count >= held) resolve();
      },
    });
  });
  const replayPerSecond = Math.round((count / (performance.now() - startedAt)) * 1_000);
  await again.close();
  return { held, heldBytes: bytes, reopenMs: round(openMs), replayPerSecond };
}

function readingOf(n: number): AssignedReading {
  const device = n % 10_000;
  return {
    id: `0192f1d3-${n}`,
    deviceId: `D-${device}`,
    patientId: `P-${device}`,
    atMs: 1_763_773_323_456 + n,
    receivedAtMs: 1_763_773_323_489 + n,
    vitals: {
      heartRate: 60 + (n % 60),
      spo2: 97,
      respiratoryRate: 16,
      temperature: 36.8,
      systolic: 120,
      diastolic: 80,
      mean: 93,
    },
    context: { oxygen: false },
    status: { leadsOff: false, battery: 0.83 },
  } as unknown as AssignedReading;
}

function percentiles(values: ArrayLike<number>) {
  const sorted = Float64Array.from(values).sort();
  const at = (part: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number);
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
