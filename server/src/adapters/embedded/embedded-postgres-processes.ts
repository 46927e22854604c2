import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a running PostgreSQL says of itself in `postmaster.pid` (PostgreSQL, miscadmin.h: LOCK_FILE_LINE_*). */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number;
  readonly socketFolder: string;
  readonly isReady: boolean;
}

export function readPostmasterFile(clusterFolder: string): PostmasterFile | undefined {
  let lines: readonly string[];
  try {
    lines = readFileSync(join(clusterFolder, POSTMASTER_FILE), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number.parseInt(lines[0] ?? '', 10);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return {
    pid,
    port: Number.parseInt(lines[3] ?? '', 10) || 5432,
    socketFolder: lines[4] ?? '',
    isReady: lines[7]?.trim() === 'ready',
  };
}

/**
 * Ends whatever PostgreSQL still runs on this folder, left over from a node that was killed. The caller holds the data
 * folder's lock, so nobody can be using it rightfully.
 *
 * It is stopped rather than adopted: an adopted server would not be our child, so that its end could only be polled for,
 * its log would go nowhere, and it would run with the settings of the version before. A fast stop and a start together
 * take well under a second.
 */
export async function stopLeftoverPostgres(
  clusterFolder: string,
  /** A fast stop writes a checkpoint; after this the harder signals follow, and recovery replays the log. */
  patienceMs = 15_000,
): Promise<'none' | 'stopped'> {
  const first = processesIn(clusterFolder);
  for (const [signal, waitMs] of SIGNALS) {
    const postmaster = readPostmasterFile(clusterFolder)?.pid;
    const running = processesIn(clusterFolder);
    // Only the postmaster understands SIGINT as "stop". Where it is dead, its children leave by themselves.
    const asked = running.filter((pid) => pid === postmaster || signal !== 'SIGINT');
    for (const pid of asked) trySignal(pid, signal);
    if (await isGone(clusterFolder, Math.min(waitMs, patienceMs))) break;
  }
  // A pid file that outlived its server would stop the next one as soon as its number is given to any other program.
  if (processesIn(clusterFolder).length === 0) rmSync(join(clusterFolder, POSTMASTER_FILE), { force: true });
  return first.length === 0 ? 'none' : 'stopped';
}

/** PostgreSQL's own names: fast, immediate; then the kernel's. (PostgreSQL, "Shutting Down the Server") */
const SIGNALS = [
  ['SIGINT', 15_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const;

const POSTMASTER_FILE = 'postmaster.pid';

/**
 * Processes that work in this folder: the postmaster and all its children change into it. Unlike the pid file alone, this
 * cannot mistake a foreign program that was given the same number.
 */
export function processesIn(clusterFolder: string): readonly number[] {
  if (process.platform !== 'linux') return postmasterOnly(clusterFolder);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => workingFolderOf(pid) === clusterFolder);
}

function workingFolderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // ended meanwhile, or another user's
  }
}

/** Without /proc the pid file is all there is. */
function postmasterOnly(clusterFolder: string): readonly number[] {
  const pid = readPostmasterFile(clusterFolder)?.pid;
  return pid !== undefined && isAlive(pid) ? [pid] : [];
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in the meantime, which is what was wanted.
  }
}

async function isGone(clusterFolder: string, waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (processesIn(clusterFolder).length > 0) {
    if (performance.now() >= deadline) return false;
    await sleep(20);
  }
  return true;
}
