import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openTestDatabase } from '../adapters/postgres/test-database.ts';
import { killAtEveryTransition } from './test-killing.ts';

const folder = mkdtempSync(join(tmpdir(), 'healthsync-killing-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `node bench/escalation-kills.ts` does this for thousands. */
describe('an escalation whose process is killed at any of its words to the database', () => {
  it('is not lost, and nobody is paged twice in effect', { timeout: 120_000 }, async () => {
    const database = await openTestDatabase();
    const report = await killAtEveryTransition({ database, folder, kills: 40, together: 4 });
    expect(report.wrong).toEqual([]);
    expect(report.kills).toBeGreaterThanOrEqual(40);
    // It died in the middle of what matters, and not beside it.
    const died = Object.keys(report.deaths).join('\n');
    for (const what of ['update workflow_execution', 'insert into delivery', 'insert into escalation_step', 'commit'])
      expect(died).toContain(what);
  });
});
