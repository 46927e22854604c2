import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AuditEntry } from '../domain/audit-entry.ts';
import { Failure } from '../ports/failure.ts';

/** 16 MiB, some 40,000 entries: every wall of a large hospital coming back every minute for hours. */
const BYTES_MAX = 16 * 1024 * 1024;

/**
 * Where entries wait that could not be written to the log, because the database is away, and whose access must not wait
 * for it: the wall. One line of JSON each, synced before the access; they come into the log as soon as it takes them.
 */
export interface AuditJournal {
  /** Durable when it resolves. Rejects with `Failure` `log-full` where the disk, or the journal's own bound, is. */
  hold(entries: readonly AuditEntry[]): Promise<void>;
  /** Hands on what is held and forgets it after. What cannot be handed on stays. Answers how many. */
  release(append: (entries: readonly AuditEntry[]) => Promise<unknown>): Promise<number>;
}

export async function openAuditJournal(path: string): Promise<AuditJournal> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const taken = `${path}.taken`;
  let bytes = (await readFile(path).catch(() => Buffer.alloc(0))).length;
  /** One thing at a time: a file that is handed on must not be written to. */
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function write(entries: readonly AuditEntry[]): Promise<void> {
    const lines = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    if (bytes + lines.length > BYTES_MAX) throw full();
    const file = await open(path, 'a', 0o600).catch((cause: unknown) => {
      throw full(cause);
    });
    try {
      await file.writeFile(lines);
      await file.datasync();
      bytes += lines.length;
    } catch (cause) {
      // Half a line would spoil the next one.
      await file.truncate(bytes).catch(() => undefined);
      throw full(cause);
    } finally {
      await file.close();
    }
  }

  async function handOn(append: (entries: readonly AuditEntry[]) => Promise<unknown>): Promise<number> {
    // What a crash left between taking and forgetting is handed on once more: twice in the log is better than never.
    let text = await readFile(taken, 'utf8').catch(absent);
    if (text === undefined && bytes > 0) {
      await rename(path, taken);
      bytes = 0;
      text = await readFile(taken, 'utf8');
    }
    if (text === undefined) return 0;
    const entries = text.split('\n').flatMap(lineOf);
    for (let i = 0; i < entries.length; i += HANDED_AT_ONCE) await append(entries.slice(i, i + HANDED_AT_ONCE));
    await rm(taken, { force: true });
    return entries.length;
  }

  return {
    hold: (entries) => inTurn(() => write(entries)),
    release: (append) => inTurn(() => handOn(append)),
  };
}

const HANDED_AT_ONCE = 1_000;

/** A torn last line was never promised to anybody. */
function lineOf(line: string): readonly AuditEntry[] {
  if (line === '') return [];
  try {
    const entry = JSON.parse(line) as AuditEntry;
    return [{ ...entry, detail: { ...entry.detail, late: true } }];
  } catch {
    return [];
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function full(cause?: unknown): Failure {
  return new Failure('log-full', 'The journal of the audit log cannot take more.', { retryable: true, cause });
}
