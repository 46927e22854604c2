import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataFolder } from '../server/src/adapters/embedded/data-folder.ts';
import { openDatabase } from '../server/src/adapters/postgres/open-database.ts';
import { killAtEveryTransition } from '../server/src/escalation/test-killing.ts';

/**
 * SIGKILL at every word that a running escalation says to the database, thousands of times: is any lost, is anybody paged
 * twice in effect? The database is the embedded one, durable; the process that runs escalations and sends their pages is
 * killed. One JSON object on stdout; exit code 1 where anything was wrong.
 *
 *   node bench/escalation-kills.ts [--kills 1000] [--together 10] [--seconds 3600]
 */
const argument = (name: string, byDefault: number) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? byDefault : Number(process.argv[at + 1]);
};
const parent = mkdtempSync(join(tmpdir(), 'healthsync-kills-'));
const folder = await openDataFolder(join(parent, 'data'));
const database = await openDatabase({ dataFolder: folder.path });
const startedMs = performance.now();
try {
  const report = await killAtEveryTransition({
    database,
    folder: parent,
    kills: argument('--kills', 1_000),
    together: argument('--together', 10),
    forMs: argument('--seconds', 3_600) * 1_000,
  });
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  console.log(JSON.stringify({ bench: 'escalation-kills', seconds, ...report }, null, 2));
  process.exitCode = report.wrong.length > 0 ? 1 : 0;
} finally {
  await database.close();
  folder.close();
  rmSync(parent, { recursive: true, force: true });
}
