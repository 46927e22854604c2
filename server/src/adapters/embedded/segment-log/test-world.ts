import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LogKeys } from '../../../ports/log-keys.ts';
import type { LogPosition } from '../../../ports/reading-log.ts';
import type { Damage } from './recovery.ts';
import { openSegmentLog, type SegmentLog } from './segment-log.ts';
import type { SegmentLogOptions, SegmentLogSettings } from './settings.ts';
import { FaultyFiles } from './test-faulty-files.ts';
import { testLogKeys } from './test-log-keys.ts';
import { type ThreadedFiles, threadedFiles } from './write-thread.ts';

const APPENDER = fileURLToPath(import.meta.resolve('./test-appender.ts'));

/** Small enough that a test crosses several segments. */
export const SEGMENT_BYTES = 256 * 1024;

/** A folder for a test's log, with faults to order. */
export class SegmentWorld {
  readonly folder: string;
  readonly durable = true;
  files: FaultyFiles;
  readonly #thread: ThreadedFiles | undefined;
  readonly damage: Damage[] = [];
  readonly trouble: string[] = [];
  readonly #opened: SegmentLog[] = [];
  #runs = 0;
  #child: ChildProcess | undefined;

  keys: LogKeys | 'none';

  static async make(
    options: { readonly isThreaded?: boolean; readonly isClear?: boolean } = {},
  ): Promise<SegmentWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'healthsync-log-'));
    const thread = options.isThreaded === true ? threadedFiles() : undefined;
    return new SegmentWorld(folder, options.isClear === true ? 'none' : testLogKeys(), thread);
  }

  constructor(folder: string, keys: LogKeys | 'none', thread?: ThreadedFiles) {
    this.folder = folder;
    this.keys = keys;
    this.#thread = thread;
    this.files = new FaultyFiles(thread);
  }

  async open(
    settings: Partial<SegmentLogSettings> = {},
    options: Partial<SegmentLogOptions> = {},
  ): Promise<SegmentLog> {
    const log = await openSegmentLog({
      folder: this.folder,
      partitions: 8,
      groups: ['keep', 'assess'],
      keys: this.keys,
      now: Date.now,
      files: this.files,
      hooks: {
        onDamage: (damage) => this.damage.push(damage),
        onTrouble: (trouble) => this.trouble.push(trouble),
      },
      ...options,
      settings: { segmentBytes: SEGMENT_BYTES, freeBytesMin: 0, tailReadingsMax: 1_000, ...settings },
    });
    this.#opened.push(log);
    return log;
  }

  async exhaust(): Promise<() => Promise<void>> {
    this.files.isFull = true;
    return async () => {
      this.files.isFull = false;
    };
  }

  breakStorage(): void {
    this.files.isBroken = true;
  }

  /** Kills the appender somewhere in its stride: after `linesMin` acknowledgements, and whatever comes until it is dead. */
  killWhileAppending(
    linesMin = 2_000,
    mode: 'grow' | 'recycle' = 'grow',
  ): Promise<readonly (LogPosition & { readonly readingId: string })[]> {
    const keys = this.keys === 'none' ? 'clear' : 'sealed';
    const args = [APPENDER, this.folder, String(++this.#runs), String(SEGMENT_BYTES), keys, mode];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    let said = '';
    let lines = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      lines += text.split('\n').length - 1;
      if (lines >= linesMin) child.kill('SIGKILL');
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        if (signal !== 'SIGKILL') return reject(new Error(`the appender ended by itself, with code ${code}`));
        // What follows the last newline was cut off in the middle.
        resolve(said.split('\n').slice(0, -1).map(parseLine));
      });
    });
  }

  async dispose(): Promise<void> {
    // Of a test that gave up waiting for it.
    this.#child?.kill('SIGKILL');
    this.files.isFullForWrites = false;
    for (const log of this.#opened) await log.close();
    await this.#thread?.closeThread();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function parseLine(line: string): LogPosition & { readonly readingId: string } {
  const [partition, offset, readingId] = line.split(' ');
  return { partition: Number(partition), offset: Number(offset), readingId: readingId as string };
}
