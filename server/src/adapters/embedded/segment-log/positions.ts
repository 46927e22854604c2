import type { LogPositions } from '../../../ports/reading-log.ts';
import type { LogFiles } from './files.ts';

/** At most this often is a group's file written: a commit lost in a crash only means that some readings come again. */
const WRITE_INTERVAL_MS = 250;
/** After a failed write (a full disk, usually). */
const WRITE_RETRY_MS = 2_000;

const GROUP_NAME = /^[a-z][a-z0-9-]{0,31}$/;
const FILE_NAME = /^group-([a-z][a-z0-9-]{0,31})\.json$/;

/** How far each consumer group has come: in memory, and a small file per group. */
export class GroupPositions {
  readonly #folder: string;
  readonly #files: LogFiles;
  readonly #onTrouble: (trouble: string, error: unknown) => void;
  readonly #groups = new Map<string, Map<number, number>>();
  readonly #unwritten = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string, files: LogFiles, onTrouble: (trouble: string, error: unknown) => void) {
    this.#folder = folder;
    this.#files = files;
    this.#onTrouble = onTrouble;
  }

  async load(fileNames: readonly string[]): Promise<void> {
    for (const fileName of fileNames) {
      const group = FILE_NAME.exec(fileName)?.[1];
      if (group === undefined) continue;
      try {
        const { next } = JSON.parse(await this.#files.readText(`${this.#folder}/${fileName}`)) as GroupFile;
        this.#groups.set(group, new Map(next));
      } catch (error) {
        // The group begins at the first reading held: everything comes again, nothing is missed.
        this.#onTrouble(`the position of group ${group} cannot be read; it starts from the beginning`, error);
      }
    }
  }

  commit(group: string, next: LogPositions): void {
    if (!GROUP_NAME.test(group)) throw new TypeError(`not a group name: ${group}`);
    const positions = this.#groups.get(group) ?? new Map<number, number>();
    for (const [partition, offset] of next) positions.set(partition, Math.max(offset, positions.get(partition) ?? 0));
    this.#groups.set(group, positions);
    this.#unwritten.add(group);
    this.#timer ??= setTimeout(() => this.flush(), WRITE_INTERVAL_MS);
  }

  of(group: string): LogPositions {
    return new Map(this.#groups.get(group));
  }

  /** The furthest any group has come in a partition. */
  furthest(partition: number): number {
    return Math.max(0, ...[...this.#groups.values()].map((positions) => positions.get(partition) ?? 0));
  }

  /** Whether all these groups have dealt with everything before `next`. */
  allPassed(groups: readonly string[], next: readonly number[]): boolean {
    return groups.every((group) => {
      const positions = this.#groups.get(group);
      return next.every((offset, partition) => offset <= (positions?.get(partition) ?? 0));
    });
  }

  /** Writes what is not yet written. Never rejects: a failure is told, and tried again later. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const groups = [...this.#unwritten];
    this.#unwritten.clear();
    this.#writing = this.#writing.then(async () => {
      for (const group of groups) await this.#write(group);
    });
    return this.#writing;
  }

  /** Writes what is left; a failure now is told and not tried again. */
  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.#timer);
  }

  async #write(group: string): Promise<void> {
    const path = `${this.#folder}/group-${group}.json`;
    const content: GroupFile = { version: 1, next: [...(this.#groups.get(group) ?? [])] };
    const bytes = Buffer.from(`${JSON.stringify(content)}\n`);
    try {
      const file = await this.#files.create(`${path}.new`);
      try {
        await file.write(bytes, 0, bytes.length, 0);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#files.rename(`${path}.new`, path);
      await this.#files.syncFolder(this.#folder);
    } catch (error) {
      this.#onTrouble(`the position of group ${group} cannot be written; it will be tried again`, error);
      this.#unwritten.add(group);
      this.#timer ??= setTimeout(() => this.flush(), WRITE_RETRY_MS);
    }
  }
}

interface GroupFile {
  readonly version: 1;
  readonly next: readonly (readonly [number, number])[];
}
