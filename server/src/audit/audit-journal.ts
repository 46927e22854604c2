import { createHmac } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AuditEntry } from '../domain/audit-entry.ts';
import { Failure } from '../ports/failure.ts';

/** 16 MiB, some 40,000 entries: every wall of a large hospital coming back every minute for hours. */
const BYTES_MAX = 16 * 1024 * 1024;

/**
 * Where entries wait that could not be written to the log, because the database is away, and whose access must not wait
 * for it: the wall. One line each, synced before the access; they come into the log as soon as it takes them.
 *
 * Nothing here is signed yet, so each line begins with an HMAC over itself and the one of the line before: a line that was
 * changed, left out or moved is handed on as such, with an entry that says how many. Who can read the key can forge them.
 */
export interface AuditJournal {
  /** Durable when it resolves. Rejects with `Failure` `log-full` where the disk, or the journal's own bound, is. */
  hold(entries: readonly AuditEntry[]): Promise<void>;
  /** Hands on what is held and forgets it after. What cannot be handed on stays. Answers how many. */
  release(append: (entries: readonly AuditEntry[]) => Promise<unknown>): Promise<number>;
}

export async function openAuditJournal(
  path: string,
  {
    key,
    now,
    onAltered,
    takesUnchained = false,
  }: {
    readonly key: Uint8Array;
    readonly now: () => number;
    /** Once for what is handed on together. */
    readonly onAltered?: (lines: number) => void;
    /**
     * A version that chained nothing may have left lines here: they are taken as what they are, until the first are handed
     * on. Whoever could say so at any time could write lines without knowing the key.
     */
    readonly takesUnchained?: boolean;
  },
): Promise<AuditJournal> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const taken = `${path}.taken`;
  const stored = await readFile(path).catch(() => Buffer.alloc(0));
  const found = linesIn(stored.toString());
  // Half a line that a crash left would spoil the next one.
  let bytes = stored.lastIndexOf('\n') + 1;
  await truncate(path, bytes).catch(absent);
  let last = codeOf(found.at(-1));
  let count = found.length;
  /** Of those that are handed on just now, as far as this process knows. */
  let takenCount = 0;
  let mayBeUnchained = takesUnchained;
  let isTold = false;
  /** One thing at a time: a file that is handed on must not be written to. */
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function write(entries: readonly AuditEntry[]): Promise<void> {
    const texts = entries.map((entry) => JSON.stringify(entry));
    const length = texts.reduce((sum, text) => sum + CODE_LENGTH + 2 + Buffer.byteLength(text), 0);
    if (bytes + length > BYTES_MAX) throw full();
    let code = last;
    const written = texts.map((text) => {
      code = chained(key, code, text);
      return `${code} ${text}\n`;
    });
    const lines = Buffer.from(written.join(''));
    const file = await open(path, 'a', 0o600).catch((cause: unknown) => {
      throw full(cause);
    });
    try {
      await file.writeFile(lines);
      await file.datasync();
      bytes += lines.length;
      last = code;
      count += entries.length;
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
      await rename(path, taken).catch(absent);
      takenCount = count;
      bytes = 0;
      count = 0;
      last = '';
      text = (await readFile(taken, 'utf8').catch(absent)) ?? '';
    }
    if (text === undefined) return 0;
    const { entries: held, altered } = entriesIn(linesIn(text), { key, expected: takenCount, mayBeUnchained });
    // Before they are in the log, which may be away for long.
    if (altered > 0 && !isTold) onAltered?.(altered);
    isTold = altered > 0;
    const entries = altered === 0 ? held : [...held, alteredEntry(altered, now())];
    for (let i = 0; i < entries.length; i += HANDED_AT_ONCE) await append(entries.slice(i, i + HANDED_AT_ONCE));
    await rm(taken, { force: true });
    takenCount = 0;
    mayBeUnchained = false;
    isTold = false;
    return entries.length;
  }

  return {
    hold: (entries) => inTurn(() => write(entries)),
    release: (append) => inTurn(() => handOn(append)),
  };
}

const HANDED_AT_ONCE = 1_000;

/** A torn last line was never promised to anybody. */
const linesIn = (text: string): readonly string[] => text.split('\n').slice(0, -1);

const CODE_LENGTH = 64;
const codeOf = (line: string | undefined): string => line?.slice(0, CODE_LENGTH) ?? '';
const chained = (key: Uint8Array, before: string, json: string): string =>
  createHmac('sha256', key).update(before).update(json).digest('hex');

/** What is held, and how many lines are not, or are gone of those `expected`. What can still be read is handed on. */
function entriesIn(
  lines: readonly string[],
  { key, expected, mayBeUnchained }: { readonly key: Uint8Array; expected: number; mayBeUnchained: boolean },
): { readonly entries: readonly AuditEntry[]; readonly altered: number } {
  let altered = Math.max(0, expected - lines.length);
  const entries: AuditEntry[] = [];
  let before = '';
  const unchained = mayBeUnchained ? lines.findIndex((line) => !line.startsWith('{')) : 0;
  const chainedFrom = unchained === -1 ? lines.length : unchained;
  for (const line of lines.slice(0, chainedFrom)) {
    const entry = parsed(line);
    if (entry === undefined) altered++;
    else entries.push({ ...entry, detail: { ...entry.detail, late: true, unchained: true } });
    before = codeOf(line);
  }
  for (const line of lines.slice(chainedFrom)) {
    const json = line.slice(CODE_LENGTH + 1);
    const isAsWritten = codeOf(line) === chained(key, before, json);
    if (!isAsWritten) altered++;
    before = codeOf(line);
    const entry = parsed(json);
    if (entry !== undefined)
      entries.push({ ...entry, detail: { ...entry.detail, late: true, ...(!isAsWritten && { altered: true }) } });
  }
  return { entries, altered };
}

function parsed(json: string): AuditEntry | undefined {
  try {
    const entry = JSON.parse(json) as Partial<AuditEntry> | null;
    const isEntry = typeof entry?.action === 'string' && typeof entry.atMs === 'number' && Object(entry.actor).name;
    return isEntry && typeof entry.resource?.kind === 'string' ? (entry as AuditEntry) : undefined;
  } catch {
    return undefined;
  }
}

function alteredEntry(lines: number, atMs: number): AuditEntry {
  return {
    atMs,
    actor: { kind: 'system', name: 'audit' },
    action: 'audit.held-altered',
    resource: { kind: 'audit' },
    outcome: 'failed',
    correlationId: `held-${atMs}`,
    detail: { lines },
  };
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function full(cause?: unknown): Failure {
  return new Failure('log-full', 'The journal of the audit log cannot take more.', { retryable: true, cause });
}
