import { type LogFile, type LogFiles, nodeFiles } from './files.ts';
import { PAGE } from './format.ts';

/** The real files, except for the faults that a test asks for. */
export class FaultyFiles implements LogFiles {
  /** No space for new files. */
  isFull = false;
  /** No space even for what is written over, as on file systems that never write in place. */
  isFullForWrites = false;
  /** The next durable write puts only these of its pages on the disk, in whatever order, and then fails. */
  tear: ((page: number) => boolean) | undefined;
  /** Every durable write fails. */
  isBroken = false;
  durableWrites = 0;

  readonly makeFolder = nodeFiles.makeFolder;
  readonly list = nodeFiles.list;
  readonly openForReading = nodeFiles.openForReading;
  readonly readText = nodeFiles.readText;
  readonly rename = nodeFiles.rename;
  readonly remove = nodeFiles.remove;
  readonly syncFolder = nodeFiles.syncFolder;

  readonly #base: LogFiles;

  constructor(base: LogFiles = nodeFiles) {
    this.#base = base;
  }

  async freeBytes(folder: string): Promise<number> {
    return this.isFull ? 0 : nodeFiles.freeBytes(folder);
  }

  async create(path: string): Promise<LogFile> {
    const file = await nodeFiles.create(path);
    return wrap(file, async (...write) => {
      if (this.isFull) throw errorOf('ENOSPC');
      await file.write(...write);
    });
  }

  async openDurable(path: string): Promise<LogFile> {
    const file = await this.#base.openDurable(path);
    const write: LogFile['write'] = async (buffer, start, length, position) => {
      this.durableWrites++;
      if (this.tear) {
        for (let page = 0; page * PAGE < length; page++)
          if (this.tear(page)) await file.write(buffer, start + page * PAGE, PAGE, position + page * PAGE);
        throw errorOf('EIO');
      }
      if (this.isBroken) throw errorOf('EIO');
      if (this.isFullForWrites) {
        // Half of it arrives before the space runs out.
        await file.write(buffer, start, Math.floor(length / 2), position);
        throw errorOf('ENOSPC');
      }
      await file.write(buffer, start, length, position);
    };
    const isWell = () => !(this.tear || this.isBroken || this.isFullForWrites);
    return { ...wrap(file, write), isWritten: () => isWell() && file.isWritten?.() === true };
  }
}

function wrap(file: LogFile, write: LogFile['write']): LogFile {
  return {
    write,
    read: (...read) => file.read(...read),
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

const errorOf = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });
