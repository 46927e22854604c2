import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
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

const held = (correlationId: string) => [makeEntry({ correlationId })];

describe('the journal of the audit log', () => {
  it('hands on what it holds, once, in order and marked as late, also after a restart', async () => {
    const journal = await openAuditJournal(path);
    await Promise.all([journal.hold(held('a')), journal.hold(held('b'))]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const taken: AuditEntry[] = [];
    const append = async (entries: readonly AuditEntry[]) => void taken.push(...entries);
    const again = await openAuditJournal(path);
    expect(await again.release(append)).toBe(2);
    expect(taken.map(({ correlationId, detail }) => [correlationId, Object(detail).late])).toEqual([
      ['a', true],
      ['b', true],
    ]);
    expect(await again.release(append)).toBe(0);
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it('keeps what the log would not take, and what came meanwhile', async () => {
    const journal = await openAuditJournal(path);
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
    await (await openAuditJournal(path)).hold(held('a'));
    appendFileSync(path, '{"atMs":1,"act');
    const taken: string[] = [];
    await (await openAuditJournal(path)).release(
      async (entries) => void taken.push(...entries.map((one) => one.correlationId)),
    );
    expect(taken).toEqual(['a']);
  });

  it('takes nothing beyond its bound', async () => {
    const journal = await openAuditJournal(path);
    const large = Array.from({ length: 60_000 }, () => makeEntry());
    await expect(journal.hold(large)).rejects.toMatchObject({ code: 'log-full', retryable: true });
    await journal.hold(held('a'));
  });
});
