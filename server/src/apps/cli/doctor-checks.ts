import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { access, constants, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ownerOf } from '../../adapters/embedded/data-folder.ts';
import { findPostgresBinaries } from '../../adapters/embedded/embedded-postgres-binaries.ts';
import { connect } from '../../adapters/postgres/connection.ts';
import { AUTHORITY_FILES } from '../../identity/authority.ts';
import type { Settings } from '../settings.ts';

/** `warning`: works, but not well or not for long. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
}

export type DoctorSettings = Pick<Settings, 'dataFolder' | 'databaseUrl' | 'host' | 'diskReserveMegabytes'>;

const ok = (check: string, detail: string): Finding => ({ check, state: 'ok', detail });
const warning = (check: string, detail: string): Finding => ({ check, state: 'warning', detail });
const failed = (check: string, detail: string): Finding => ({ check, state: 'failed', detail });

/** TypeScript is run as it is from 22.18 on. */
export function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isEnough = major > 22 || (major === 22 && minor >= 18);
  return (isEnough ? ok : failed)('Node', `${process.versions.node}${isEnough ? '' : '; 22.18 or newer is needed'}`);
}

/** One descriptor per connection, and some for the log, the database and the web. */
export function checkFiles(sessionsMax: number): Finding {
  const limit = openFilesLimit();
  if (limit === undefined) return warning('Open files', 'the limit cannot be read here; see "ulimit -n"');
  const needed = sessionsMax + 256;
  return limit >= needed
    ? ok('Open files', `up to ${limit}`)
    : warning(
        'Open files',
        `up to ${limit}: about ${Math.max(0, limit - 256)} connections; ${needed} are needed for HEALTHSYNC_MQTT_SESSIONS_MAX=${sessionsMax}`,
      );
}

function openFilesLimit(): number | undefined {
  try {
    const limit = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === 'unlimited' ? Number.MAX_SAFE_INTEGER : limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}

/** The folder and its keys must be their owner's alone. */
export async function checkPermissions(dataFolder: string): Promise<Finding> {
  const folder = await modeOf(dataFolder);
  if (folder === undefined) return checkParent(dataFolder);
  const open: string[] = (folder & 0o077) === 0 ? [] : [dataFolder];
  const pki = join(dataFolder, 'pki');
  for (const path of [pki, ...AUTHORITY_FILES.map((name) => join(pki, name)), join(pki, 'server.pem')]) {
    const mode = await modeOf(path);
    if (mode !== undefined && (mode & 0o077) !== 0) open.push(path);
  }
  if (open.length > 0) return failed('Permissions', `open to other users: ${open.join(', ')}`);
  const missing = (await modeOf(pki)) === undefined ? [] : await missingFiles(pki);
  if (missing.length > 0) return failed('Permissions', `${missing.join(', ')} missing in ${pki}`);
  const isUsable = await access(dataFolder, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  return isUsable
    ? ok('Permissions', dataFolder)
    : failed('Permissions', `${dataFolder} cannot be read and written by this user`);
}

async function checkParent(dataFolder: string): Promise<Finding> {
  const parent = await nearestFolder(dirname(dataFolder));
  const isUsable = await access(parent, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  return isUsable
    ? ok('Permissions', `${dataFolder} will be made at first start`)
    : failed('Permissions', `${dataFolder} is missing and cannot be made in ${parent}`);
}

async function missingFiles(pki: string): Promise<readonly string[]> {
  const there = await readdir(pki);
  return AUTHORITY_FILES.filter((name) => !there.includes(name));
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode;
  } catch {
    return undefined;
  }
}

async function nearestFolder(path: string): Promise<string> {
  return (await modeOf(path)) === undefined && dirname(path) !== path ? nearestFolder(dirname(path)) : path;
}

/** A synchronous write slower than this makes every acknowledgement late. */
const SYNC_SLOW_MS = 20;
const SYNC_PROBES = 20;

/** Free space, and what a synchronous write of 4 KiB really takes there: the floor of every acknowledgement. */
export async function checkDisk(
  settings: DoctorSettings,
  statfs: (path: string) => Promise<{ bavail: number; bsize: number }>,
): Promise<Finding> {
  const folder = await nearestFolder(settings.dataFolder);
  try {
    const { bavail, bsize } = await statfs(folder);
    const freeMegabytes = Math.floor((bavail * bsize) / 2 ** 20);
    const [medianMs, worstMs] = await probeSync(folder);
    const detail = `${freeMegabytes} MiB free; a synced write takes ${medianMs.toFixed(1)} ms, ${worstMs.toFixed(1)} ms at worst`;
    const needed = settings.diskReserveMegabytes;
    if (freeMegabytes < needed) return failed('Disk', `${detail}; HEALTHSYNC_DISK_RESERVE_MB asks for ${needed} MiB`);
    if (freeMegabytes < needed + DISK_START_MEGABYTES)
      return warning('Disk', `${detail}; a new installation needs about ${DISK_START_MEGABYTES} MiB`);
    return medianMs > SYNC_SLOW_MS ? warning('Disk', `${detail}; that is slow`) : ok('Disk', detail);
  } catch (error) {
    return failed('Disk', `${folder} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** The empty database and its write-ahead log, and the first segments of the reading log. */
const DISK_START_MEGABYTES = 1024;

async function probeSync(folder: string): Promise<readonly [median: number, worst: number]> {
  const path = join(folder, `.doctor-${randomBytes(6).toString('hex')}`);
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_DSYNC, 0o600);
  try {
    const block = Buffer.alloc(4096);
    const times: number[] = [];
    for (let i = 0; i < SYNC_PROBES; i++) {
      const start = performance.now();
      await file.write(block, 0, block.length, i * block.length);
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    return [times[SYNC_PROBES / 2] as number, times.at(-1) as number];
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

/** The first commit of this project: a clock before it is certainly wrong. */
const PROJECT_BEGAN_MS = Date.parse('2026-11-22T00:00:00Z');
const CLOCK_SLACK_MS = 60_000;

/** Readings are placed and certificates judged by this clock. Files written in the future mean it was set back. */
export async function checkClock(dataFolder: string, nowMs: number): Promise<Finding> {
  const shown = new Date(nowMs).toISOString();
  if (nowMs < PROJECT_BEGAN_MS - 86_400_000) return failed('Clock', `${shown} is in the past`);
  const newestMs = await newestFileMs(dataFolder);
  if (newestMs > nowMs + CLOCK_SLACK_MS)
    return failed('Clock', `${shown}, but the data folder was last written at ${new Date(newestMs).toISOString()}`);
  const isSynchronised = await clockIsSynchronised();
  if (isSynchronised === undefined) return ok('Clock', `${shown}; whether it is synchronised cannot be told here`);
  return isSynchronised ? ok('Clock', `${shown}, synchronised`) : warning('Clock', `${shown}, not synchronised by NTP`);
}

async function newestFileMs(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const times = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (each) => each.mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(0, ...times);
}

async function clockIsSynchronised(): Promise<boolean | undefined> {
  try {
    const { stdout } = await promisify(execFile)('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
      timeout: 2000,
    });
    return stdout.trim() === '' ? undefined : stdout.trim() === 'yes';
  } catch {
    return undefined;
  }
}

/** Free, or taken by the server of this very data folder. */
export async function checkPort(check: string, port: number, settings: DoctorSettings): Promise<Finding> {
  if (port === 0) return ok(check, 'chosen by the system');
  const code = await tryListen(port, settings.host);
  if (code === undefined) return ok(check, `${port} is free`);
  if (code === 'EADDRINUSE') {
    const owner = ownerOf(settings.dataFolder);
    return owner !== undefined && isAlive(owner)
      ? ok(check, `${port} is in use; a server runs on this data folder (process ${owner})`)
      : failed(check, `${port} is in use by another program`);
  }
  return failed(check, code === 'EACCES' ? `${port} may not be opened by this user` : `${port}: ${code}`);
}

function tryListen(port: number, host: string | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, ...(host !== undefined && { host }) }, () => server.close(() => resolve(undefined)));
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The embedded server's programs can be run, or the named one answers and is new enough. */
export async function checkDatabase(settings: DoctorSettings): Promise<Finding> {
  return settings.databaseUrl === undefined ? checkEmbedded(settings.dataFolder) : checkNamed(settings.databaseUrl);
}

async function checkEmbedded(dataFolder: string): Promise<Finding> {
  const scratch = join(await nearestFolder(dataFolder), `.doctor-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(scratch, { mode: 0o700 });
    const { postgres, libraryFolder } = findPostgresBinaries(scratch);
    const env = libraryFolder === undefined ? {} : { LD_LIBRARY_PATH: libraryFolder };
    const { stdout } = await promisify(execFile)(postgres, ['--version'], { env, timeout: 10_000 });
    return ok('Database', `embedded, ${stdout.trim()}`);
  } catch (error) {
    return failed('Database', `the embedded PostgreSQL cannot be run: ${(error as Error).message.split('\n', 1)[0]}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function checkNamed(url: string): Promise<Finding> {
  const { pool, close } = connect({ url }, { connectionsMax: 1 });
  try {
    const { rows } = await pool.query<{ version: number; name: string }>(
      `select current_setting('server_version_num')::int as version, current_setting('server_version') as name`,
    );
    const { version = 0, name = '' } = rows[0] ?? {};
    return version >= 150_000
      ? ok('Database', `PostgreSQL ${name} answers`)
      : failed('Database', `PostgreSQL ${name}; 15 or newer is needed`);
  } catch (error) {
    return failed('Database', `DATABASE_URL does not answer (${(error as NodeJS.ErrnoException).code ?? 'refused'})`);
  } finally {
    await close();
  }
}
