import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../domain/audit-entry.ts';
import { openAuditJournal } from './audit-journal.ts';
import { makeEntry } from './test-entries.ts';

const folder = mkdtempSync(join(tmpdir(), 'healthsync-journal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let path: string;
let count = 0;
beforeEach(() => {
  path = join(folder, `${count++}`, 'held.jsonl');
});

const KEY = Buffer.alloc(32, 7);
const open = () => openAuditJournal(path, { key: KEY, now: () => 5 });

const held = (correlationId: string) => [makeEntry({ correlationId })];

async function handedOn(journal: Awaited<ReturnType<typeof open>>): Promise<readonly string[]> {
  const taken: string[] = [];
  await journal.release(
    async (entries) =>
      void taken.push(
        ...entries.map(({ action, correlationId, detail }) =>
          action === 'audit.held-altered'
            ? action
            : `${correlationId}${detail?.['altered'] === true ? ' altered' : ''}`,
        ),
      ),
  );
  return taken;
}

describe('the journal of the audit log', () => {
  it('hands on what it holds, once, in order and marked as late, also after a restart', async () => {
    const journal = await open();
    await Promise.all([journal.hold(held('a')), journal.hold(held('b'))]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const taken: AuditEntry[] = [];
    const append = async (entries: readonly AuditEntry[]) => void taken.push(...entries);
    const again = await open();
    expect(await again.release(append)).toBe(2);
    expect(taken.map(({ correlationId, detail }) => [correlationId, Object(detail).late])).toEqual([
      ['a', true],
      ['b', true],
    ]);
    expect(await again.release(append)).toBe(0);
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it('keeps what the log would not take, and what came meanwhile', async () => {
    const journal = await open();
    await journal.hold(held('a'));
    const away = () => Promise.reject(new Error('away'));
    await expect(journal.release(away)).rejects.toThrow('away');
    await journal.hold(held('b'));
    const taken: string[] = [];
    const append = async (entries: readonly AuditEntry[]) =>
      void taken.push(...entries.map((one) => one.correlationId));
    await journal.release(append);
    await journal.release(append);
    expect(taken).toEqual(['a', 'b']);
  });

  it('forgets half a line that a crash left, which nobody was promised', async () => {
    await (await open()).hold(held('a'));
    appendFileSync(path, '{"atMs":1,"act');
    const taken: string[] = [];
    await (await open()).release(async (entries) => void taken.push(...entries.map((one) => one.correlationId)));
    expect(taken).toEqual(['a']);
  });

  it('does not let half a line spoil what comes after it', async () => {
    await (await open()).hold(held('a'));
    appendFileSync(path, 'f00d {"atMs":1,"act');
    const again = await open();
    await again.hold(held('b'));
    expect(await handedOn(again)).toEqual(['a', 'b']);
  });

  it.each([
    ['changed', (lines: string[]) => lines.map((line) => line.replace('"b"', '"x"')), ['a', 'x altered', 'c']],
    ['made unreadable', (lines: string[]) => lines.map((line) => line.replace('"b"', 'b')), ['a', 'c']],
    ['left out', (lines: string[]) => lines.filter((line) => !line.includes('"b"')), ['a', 'c altered']],
    ['cut off', (lines: string[]) => lines.slice(0, 1), ['a']],
    ['thrown away', () => [], []],
    ['moved', ([a, b, c]: string[]) => [a, c, b], ['a', 'c altered', 'b altered']],
  ])('says so where a line was %s', async (_how, change, expected) => {
    const journal = await open();
    for (const id of ['a', 'b', 'c']) await journal.hold(held(id));
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    writeFileSync(
      path,
      change(lines)
        .map((line) => `${line}\n`)
        .join(''),
    );
    const taken = await handedOn(journal);
    expect(taken.slice(0, -1)).toEqual(expected);
    expect(taken.at(-1)).toBe('audit.held-altered');
  });

  it('takes what a version left that chained nothing, once, and only where there was such a version', async () => {
    const older = `${JSON.stringify(held('a')[0])}\n`;
    const opened = async (takesUnchained: boolean) => {
      const journal = await open();
      await journal.hold(held('x'));
      await journal.release(async () => undefined);
      writeFileSync(path, older);
      return openAuditJournal(path, { key: KEY, now: () => 5, takesUnchained });
    };
    const upgraded = await opened(true);
    await upgraded.hold(held('b'));
    expect(await handedOn(upgraded)).toEqual(['a', 'b']);
    writeFileSync(path, older);
    await upgraded.hold(held('c'));
    expect(await handedOn(upgraded)).toContain('audit.held-altered');
    expect(await handedOn(await opened(false))).toContain('audit.held-altered');
  });

  it('tells once of what was altered, also while the log does not take it', async () => {
    const told: number[] = [];
    const journal = await openAuditJournal(path, { key: KEY, now: () => 5, onAltered: (lines) => told.push(lines) });
    await journal.hold(held('a'));
    writeFileSync(path, readFileSync(path, 'utf8').replace('"a"', '"x"'));
    const away = () => Promise.reject(new Error('away'));
    await expect(journal.release(away)).rejects.toThrow('away');
    await expect(journal.release(away)).rejects.toThrow('away');
    await journal.release(async () => undefined);
    expect(told).toEqual([1]);
  });

  it('takes nothing beyond its bound', async () => {
    const journal = await open();
    const large = Array.from({ length: 60_000 }, () => makeEntry());
    await expect(journal.hold(large)).rejects.toMatchObject({ code: 'log-full', retryable: true });
    await journal.hold(held('a'));
  });
});
