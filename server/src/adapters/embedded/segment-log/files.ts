import { close, constants, fdatasync, open, read, write } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { promisify } from 'node:util';

/** The few calls the log makes on a file system: narrow, so that tests can fail a sync, tear a write or fill the disk. */
export interface LogFiles {
  makeFolder(folder: string): Promise<void>;
  list(folder: string): Promise<readonly { readonly name: string; readonly bytes: number }[]>;
  /** For the log's own writes: each is on stable storage when its promise resolves. */
  openDurable(path: string): Promise<LogFile>;
  /** For preparing a file: made anew, durable only after `sync`. */
  create(path: string): Promise<LogFile>;
  openForReading(path: string): Promise<LogFile>;
  readText(path: string): Promise<string>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes renames and new files in the folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** What an ordinary user may still write on the folder's disk. */
  freeBytes(folder: string): Promise<number>;
}

export interface LogFile {
  /** Bytes read: fewer than asked for only at the end of the file. */
  read(buffer: Buffer, start: number, length: number, position: number): Promise<number>;
  /** Writes all of it. */
  write(buffer: Buffer, start: number, length: number, position: number): Promise<void>;
  /** Whether the write under way has succeeded, where that can be known before its promise says so. */
  isWritten?(): boolean;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Linux reaches the disk with O_DSYNC in one call (a write and an fdatasync cost an event-loop turn each). macOS takes
 * O_DSYNC but leaves the data in the drive's cache, and Windows has none: there every write is followed by a sync, which
 * libuv carries out as F_FULLFSYNC and FlushFileBuffers.
 */
const DSYNC = process.platform === 'linux' ? constants.O_DSYNC : 0;

/** Readings are patients' data: nobody but the server's own user may read them. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

const openFile = promisify(open);
const closeFile = promisify(close);
const syncFile = promisify(fdatasync);

export const nodeFiles: LogFiles = {
  makeFolder: async (folder) => {
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  },
  list: async (folder) => {
    const entries = await readdir(folder, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return Promise.all(files.map(async ({ name }) => ({ name, bytes: (await stat(`${folder}/${name}`)).size })));
  },
  openDurable: async (path) => new NodeFile(await openDurableFd(path), DSYNC === 0),
  create: async (path) => new NodeFile(await openFile(path, 'w', FILE_MODE), false),
  openForReading: async (path) => new NodeFile(await openFile(path, 'r'), false),
  readText: (path) => readFile(path, 'utf8'),
  rename,
  remove: (path) => rm(path, { force: true }),
  syncFolder: async (folder) => {
    // Windows cannot open a folder; NTFS journals its renames itself.
    if (process.platform === 'win32') return;
    const fd = await openFile(folder, 'r');
    try {
      await syncFile(fd);
    } finally {
      await closeFile(fd);
    }
  },
  freeBytes: async (folder) => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
};

/** A descriptor through which every write is on stable storage when it returns: Linux only. */
export const openDurableFd = (path: string): Promise<number> => openFile(path, constants.O_WRONLY | DSYNC);

export class NodeFile implements LogFile {
  readonly fd: number;
  readonly #syncEachWrite: boolean;

  constructor(fd: number, syncEachWrite: boolean) {
    this.fd = fd;
    this.#syncEachWrite = syncEachWrite;
  }

  read(buffer: Buffer, start: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.fd, buffer, start, length, position, (error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  async write(buffer: Buffer, start: number, length: number, position: number): Promise<void> {
    for (let done = 0; done < length; )
      done += await this.#writeSome(buffer, start + done, length - done, position + done);
    if (this.#syncEachWrite) await this.sync();
  }

  sync(): Promise<void> {
    return syncFile(this.fd);
  }

  close(): Promise<void> {
    return closeFile(this.fd);
  }

  #writeSome(buffer: Buffer, start: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.fd, buffer, start, length, position, (error, count) => (error ? reject(error) : resolve(count)));
    });
  }
}

/** The disk, or the quota on it, is used up: the one failure that passes. */
export function isNoSpace(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
