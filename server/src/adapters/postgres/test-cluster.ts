import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../embedded/embedded-postgres.ts';
import { type Connections, connect } from './connection.ts';
import { migrate, readMigrations } from './migrate.ts';

export const TEST_FOLDER_PREFIX = 'healthsync-test-';
/** Nothing here outlives its test, so nothing needs to reach the disk; faults are tested on clusters that do. */
export const VOLATILE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', shared_buffers: '16MB' };

/**
 * Puts a cluster with all migrations into a data folder that has none: laying one out takes three seconds of a core,
 * copying it a tenth of one. The first that asks lays it out, and keeps it in the temporary folder.
 */
export async function copyCluster(dataFolder: string): Promise<void> {
  const template = await templateFolder();
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  execFileSync('cp', ['-a', join(template, 'postgres'), join(dataFolder, 'postgres')]);
}

/** Named for what is in it: other migrations, or another user, make another one. */
async function templateFolder(): Promise<string> {
  const key = createHash('sha256').update(`${process.getuid?.()} ${readMigrations().map((m) => m.sha256)}`);
  const path = join(tmpdir(), `healthsync-template-${key.digest('hex').slice(0, 12)}`);
  if (existsSync(path)) return path;
  const folder = makeTestFolder();
  const postgres = await startEmbeddedPostgres({ dataFolder: folder, settings: VOLATILE });
  const connections = connect(postgres.address);
  await layOut(connections);
  await connections.close();
  await postgres.stop();
  try {
    renameSync(folder, path);
  } catch {
    rmSync(folder, { recursive: true, force: true }); // another process was first
  }
  return path;
}

export function makeTestFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), TEST_FOLDER_PREFIX));
  writeFileSync(join(folder, 'owner.pid'), String(process.pid));
  return folder;
}

export async function layOut({ pool }: Connections): Promise<void> {
  await migrate(pool);
  // That it was migrated is for the audit log of an installation; a test begins with nothing that waits.
  await pool.query('delete from audit_pending');
}
