import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openDataFolder } from '../server/src/adapters/embedded/data-folder.ts';
import { PostgresAuditStore } from '../server/src/adapters/postgres/audit-store.ts';
import { openDatabase } from '../server/src/adapters/postgres/open-database.ts';
import { verifyByProcesses } from '../server/src/apps/audit-in-parts.ts';
import { openAuditWriter } from '../server/src/audit/audit-writer.ts';
import { evidenceOfStore } from '../server/src/audit/evidence.ts';
import { evidenceOfFile, exportLines } from '../server/src/audit/export-file.ts';
import { proveInclusion } from '../server/src/audit/proofs.ts';
import { makeEntry } from '../server/src/audit/test-entries.ts';
import { newTreeHeadKey } from '../server/src/audit/tree-head-key.ts';
import { verifyAudit } from '../server/src/audit/verify.ts';
import { postgresCpuMs } from './processes.ts';

/**
 * The audit log on the embedded PostgreSQL as it ships, durable, writer and database on the same cores: entries a second
 * while a thousand requests wait for theirs, how long one alone waits, and how long a verification of a million takes, from the
 * database and from an exported file. One JSON object on stdout.
 *
 *   node bench/audit.ts [--quick] [--no-file]   --quick: 100,000 entries instead of 1,000,000
 */
const HAS_FILE = !process.argv.includes('--no-file');
const ENTRIES = process.argv.includes('--quick') ? 100_000 : 1_000_000;
/** Requests under way at once, each with an entry of its own. */
const WAITING = 1_000;
const ALONE = 200;

const parent = mkdtempSync(join(tmpdir(), 'healthsync-bench-'));
const folder = await openDataFolder(join(parent, 'data'));
const database = await openDatabase({ dataFolder: folder.path });
const postmaster = database.postgresPid() ?? 0;
try {
  const store = new PostgresAuditStore(database);
  const key = newTreeHeadKey();
  const groups: number[] = [];
  const writer = await openAuditWriter({
    store,
    key,
    now: Date.now,
    originIfNew: 'healthsync-audit/bench',
    onBatch: ({ entries }) => groups.push(entries),
  });
  const alone = await waits(ALONE, 1);
  groups.length = 0;
  const cpuMs = process.cpuUsage();
  const databaseCpuMs = postgresCpuMs(postmaster);
  const startedMs = performance.now();
  const together = await waits(ENTRIES, WAITING);
  const seconds = (performance.now() - startedMs) / 1000;
  const cpu = process.cpuUsage(cpuMs);
  const written = {
    entriesPerSecond: Math.round(ENTRIES / seconds),
    entriesPerGroup: Math.round(ENTRIES / groups.length),
    waitMs: together,
    serverCpuMicrosPerEntry: round((cpu.user + cpu.system) / ENTRIES),
    postgresCpuMicrosPerEntry: round(((postgresCpuMs(postmaster) - databaseCpuMs) * 1000) / ENTRIES),
  };
  // On the way, for whoever cannot wait for the end.
  console.error(JSON.stringify({ written }));
  const keys = [key.publicKey];
  const { address } = database;
  const byProcesses = await timed(() => verifyByProcesses({ store, address, keys, anchored: [] }));
  console.error(JSON.stringify({ verifySecondsByProcesses: byProcesses.seconds }));
  const inDatabase = await timed(async () => verifyAudit(await evidenceOfStore(store), { keys }));
  for (const { result } of [byProcesses, inDatabase])
    if (result?.isIntact === false) throw new Error(JSON.stringify(result.findings));
  const proof = await timed(() => proveInclusion(store, Math.floor(ENTRIES / 3)));
  const { rows } = await database.pool.query<{ bytes: number }>(
    `select pg_total_relation_size('audit_entry') as bytes`,
  );
  const report = {
    bench: 'audit',
    node: process.version,
    entries: ENTRIES,
    alone: { waitMs: alone },
    written,
    // As `healthsync audit verify` does it; and by one thread, as the server does it in the background.
    verifySeconds: {
      ...(byProcesses.result !== undefined && { processes: byProcesses.seconds }),
      one: inDatabase.seconds,
    },
    verifyCpuSeconds: { processes: byProcesses.cpuSeconds, one: inDatabase.cpuSeconds },
    ...(HAS_FILE && { file: await verifiedFile(keys) }),
    proofMs: round(proof.seconds * 1000),
    databaseBytesPerEntry: Math.round((rows[0]?.bytes ?? 0) / ENTRIES),
  };
  console.log(JSON.stringify(report, null, 2));

  /** Exported, and verified as whoever gets the file does it. */
  async function verifiedFile(trusted: typeof keys) {
    const path = join(parent, 'export.jsonl');
    const exported = await timed(async () =>
      pipeline(Readable.from(exportLines(await evidenceOfStore(store))), createWriteStream(path)),
    );
    const verified = await timed(async () => {
      const evidence = await evidenceOfFile(path);
      if (evidence === undefined) throw new Error('no export');
      return verifyAudit(evidence, { keys: trusted });
    });
    if (!verified.result.isIntact) throw new Error(JSON.stringify(verified.result.findings));
    return {
      exportSeconds: exported.seconds,
      verifySeconds: verified.seconds,
      verifyCpuSeconds: verified.cpuSeconds,
      bytesPerEntry: Math.round(statSync(path).size / ENTRIES),
    };
  }

  /** So many entries by so many who wait for each of theirs; how long they waited. */
  async function waits(count: number, waiting: number) {
    const ms: number[] = [];
    let left = count;
    const one = async () => {
      while (left-- > 0) {
        const asked = performance.now();
        await writer.append([makeEntry({ atMs: Date.now() })]);
        ms.push(performance.now() - asked);
      }
    };
    await Promise.all(Array.from({ length: waiting }, one));
    ms.sort((a, b) => a - b);
    const at = (share: number) => round(ms[Math.floor(ms.length * share)] ?? 0);
    return { p50: at(0.5), p99: at(0.99) };
  }
} finally {
  await database.close();
  folder.close();
  rmSync(parent, { recursive: true, force: true });
}

async function timed<T>(work: () => Promise<T>) {
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(startedCpu);
  return { result, seconds: round((performance.now() - startedMs) / 1000), cpuSeconds: round((user + system) / 1e6) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
