import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuditWriter } from '../../audit/audit-writer.ts';
import { evidenceOfStore } from '../../audit/evidence.ts';
import { makeEntry } from '../../audit/test-entries.ts';
import { newTreeHeadKey } from '../../audit/tree-head-key.ts';
import { verifyAudit } from '../../audit/verify.ts';
import { type DataFolder, openDataFolder } from '../embedded/data-folder.ts';
import { PostgresAuditStore } from './audit-store.ts';
import { connect } from './connection.ts';
import { type Database, openDatabase } from './open-database.ts';

let parent: string;
let folder: DataFolder;
let database: Database;
beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), 'healthsync-audit-faults-'));
  folder = await openDataFolder(join(parent, 'data'));
  database = await openDatabase({ dataFolder: folder.path });
}, 60_000);
afterAll(async () => {
  await database?.close();
  folder?.close();
  for (const disk of disks) execFileSync('umount', ['-l', disk]);
  rmSync(parent, { recursive: true, force: true });
});

const disks: string[] = [];
const key = newTreeHeadKey();
const openWriter = () =>
  openAuditWriter({
    store: new PostgresAuditStore(database),
    key,
    now: Date.now,
    originIfNew: 'healthsync-audit/test',
    onDivergence: (what) => {
      throw new Error(what);
    },
  });
const isWritten = (writer: Awaited<ReturnType<typeof openWriter>>): Promise<boolean> =>
  writer.append([makeEntry()]).then(
    () => true,
    () => false,
  );
const verify = async () =>
  verifyAudit(await evidenceOfStore(new PostgresAuditStore(database)), { keys: [key.publicKey] });

describe('the audit log', () => {
  it('keeps what it promised through kills of PostgreSQL, and says of the rest that it did not', async () => {
    const writer = await openWriter();
    const promised = new Set<string>();
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      if (i % 75 === 40) {
        // It may still be coming back from the last one.
        await expect.poll(() => isWritten(writer), { timeout: 60_000 }).toBe(true);
        process.kill(database.postgresPid() ?? 0, 'SIGKILL');
      }
      const ids = Array.from({ length: 20 }, (_, j) => `c${i}-${j}`);
      const written = ids.map((correlationId) =>
        writer.append([makeEntry({ correlationId })]).then(
          () => promised.add(correlationId),
          (error: { readonly retryable?: boolean }) => {
            expect(error.retryable).toBe(true);
            refused++;
          },
        ),
      );
      await Promise.all(written);
    }
    await expect.poll(() => isWritten(writer), { timeout: 60_000 }).toBe(true);
    expect(refused).toBeGreaterThan(0);
    const { rows } = await database.pool.query<{ id: string }>('select correlation_id as id from audit_entry');
    const kept = new Set(rows.map(({ id }) => id));
    expect([...promised].filter((id) => !kept.has(id))).toEqual([]);
    expect(await verify()).toMatchObject({ isIntact: true });
  }, 60_000);

  it('refuses what it cannot write because the disk is full, and goes on when there is space', async (context) => {
    const disk = join(parent, 'disk');
    if (!(await makeSmallSpace(disk))) {
      console.log('no small disk can be mounted here: the full disk is not tested');
      context.skip();
    }
    await database.pool.query('alter table audit_entry set tablespace small');
    const writer = await openWriter();
    const before = writer.size();
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(1024 * 1024));
    const some = () => Array.from({ length: 500 }, () => makeEntry());
    let failure: unknown;
    while (failure === undefined) await writer.append(some()).catch((error: unknown) => (failure = error));
    expect(failure).toMatchObject({ code: 'database-unavailable', retryable: true });
    const [full] = await Promise.allSettled([writer.append(some())]);
    expect(full?.status).toBe('rejected');
    rmSync(join(disk, 'ballast'));
    await writer.append([makeEntry()]);
    expect(writer.size()).toBeGreaterThan(before);
    expect(await verify()).toMatchObject({ isIntact: true });
  }, 60_000);
});

/** A disk of so few megabytes that it fills: a tablespace of PostgreSQL's on a file system in memory. */
async function makeSmallSpace(disk: string): Promise<boolean> {
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    return false;
  }
  disks.push(disk);
  const { address } = database;
  if (!('user' in address)) return false;
  const space = join(disk, 'space');
  mkdirSync(space);
  const { uid, gid } = statSync(join(folder.path, 'postgres'));
  chownSync(space, uid, gid);
  // PostgreSQL runs under an account of its own and must get there.
  for (const path of [parent, disk]) chmodSync(path, 0o755);
  // As the cluster's owner: HealthSync's own role may make none.
  const admin = connect({ ...address, user: 'postgres', database: 'postgres' }, { connectionsMax: 1 });
  await admin.pool.query(`create tablespace small location '${space}'`);
  await admin.pool.query(`grant create on tablespace small to ${address.user}`);
  await admin.close();
  return true;
}
