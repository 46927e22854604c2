import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../ports/failure.ts';

/** The folder all of an installation's data lies in. Only one process at a time has it open. */
export interface DataFolder {
  /** Absolute. */
  readonly path: string;
  /** Gives the folder back. Idempotent. */
  close(): void;
}

/**
 * Makes the folder where it is missing (readable to its owner only) and takes it for this process.
 *
 * Node offers no file lock, and a file holding a pid cannot be taken over without a race. SQLite, which is part of Node,
 * takes a lock of the kernel (fcntl) on its file: it is atomic, seen from other containers on the same volume, and dies
 * with the process, whatever killed it.
 *
 * Rejects with `Failure` `data-folder-in-use` (retryable) or `data-folder-unusable`.
 */
export async function openDataFolder(
  path: string,
  /** How long to wait for another process to give it back: long enough for a predecessor that is just stopping. */
  options: { readonly waitMs?: number } = {},
): Promise<DataFolder> {
  const folder = resolve(path);
  makePrivateFolder(folder);
  const deadline = performance.now() + (options.waitMs ?? 2_000);
  for (;;) {
    const lock = tryLock(folder);
    if (lock !== undefined) return opened(folder, lock);
    if (performance.now() >= deadline) throw inUse(folder);
    await sleep(50);
  }
}

/** The pid of the process that has the folder open, as that process wrote it; it may have died since. */
export function ownerOf(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(join(resolve(path), OWNER_FILE), 'utf8'), 10);
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

const LOCK_FILE = 'lock';
const OWNER_FILE = 'lock.pid';

function opened(folder: string, lock: DatabaseSync): DataFolder {
  const ownerFile = join(folder, OWNER_FILE);
  try {
    writeFileSync(ownerFile, `${process.pid}\n`, { mode: 0o600 });
  } catch (cause) {
    lock.close();
    throw unusable(folder, cause);
  }
  let isOpen = true;
  return {
    path: folder,
    close() {
      if (!isOpen) return;
      isOpen = false;
      rmSync(ownerFile, { force: true });
      lock.close();
    },
  };
}

function tryLock(folder: string): DatabaseSync | undefined {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(folder, LOCK_FILE));
    // No journal: nothing is ever written, so nothing may be left behind for a successor to recover.
    lock.exec('pragma journal_mode = off; begin exclusive');
    return lock;
  } catch (cause) {
    lock?.close();
    if (isBusy(cause)) return undefined;
    throw unusable(folder, cause);
  }
}

/** SQLITE_BUSY; primary result codes are the low byte (sqlite.org/rescode.html). */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5;
}

function makePrivateFolder(folder: string): void {
  try {
    const isNew = makeFolders(folder);
    if (!statSync(folder).isDirectory()) throw new Error('not a folder');
    if (!isNew) return;
    chmodSync(folder, 0o700);
    syncFolder(dirname(folder));
  } catch (cause) {
    throw unusable(folder, cause);
  }
}

/**
 * Whether it was made. Node's own recursive mkdir never ends where the kernel answers ENOENT beneath a folder that is
 * there, as `/proc` and some network mounts do; so each folder is tried once more after its parent, and no more.
 */
function makeFolders(folder: string, hasParent = false): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return false;
    if (code !== 'ENOENT' || hasParent || dirname(folder) === folder) throw error;
  }
  makeFolders(dirname(folder));
  return makeFolders(folder, true);
}

/** So that the new folder's name itself survives a power cut. */
function syncFolder(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function inUse(folder: string): Failure {
  const pid = ownerOf(folder);
  const owner = pid === undefined ? 'another process' : `process ${pid}`;
  return new Failure('data-folder-in-use', `The data folder ${folder} is in use by ${owner}.`, { retryable: true });
}

function unusable(folder: string, cause: unknown): Failure {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Failure('data-folder-unusable', `The data folder ${folder} cannot be used: ${reason}.`, {
    retryable: false,
    cause,
  });
}
