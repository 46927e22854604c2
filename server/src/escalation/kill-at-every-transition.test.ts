import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openTestDatabase } from '../adapters/postgres/test-database.ts';
import { killAtEveryTransition } from './test-killing.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** `node bench/escalation-kills.ts` does this for thousands. */
describe('an escalation whose process is killed at any of its words to the database', () => {
  it('is not lost, and nobody is paged twice in effect', { timeout: 300_000 }, async () => {
    const database = await openTestDatabase();
    // One for each try: who died in the first says nothing about the second.
    const folder = mkdtempSync(join(tmpdir(), 'healthsync-killing-'));
    folders.push(folder);
    // It dies in the middle of what matters, and not beside it.
    const lastWords = ['update workflow_execution', 'insert into delivery', 'update escalation', 'commit'];
    const report = await killAtEveryTransition({ database, folder, kills: 40, together: 4, lastWords });
    expect(report.wrong).toEqual([]);
    expect(report.kills).toBeGreaterThanOrEqual(40);
    const died = Object.keys(report.deaths).join('\n');
    for (const what of lastWords) expect(died).toContain(what);
  });
});
