/**
 * A process that has a data folder open and PostgreSQL running on it, until it is killed or told to stop (SIGTERM).
 *
 *   node test-hold-postgres.ts FOLDER [--folder-only]
 */
import { openDataFolder } from './data-folder.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';

const folder = await openDataFolder(process.argv[2] ?? '');
const postgres = process.argv.includes('--folder-only')
  ? undefined
  : await startEmbeddedPostgres({ dataFolder: folder.path });
console.log(JSON.stringify({ postgresPid: postgres?.pid(), address: postgres?.address }));
const alive = setInterval(() => undefined, 1_000);
process.once('SIGTERM', async () => {
  await postgres?.stop();
  folder.close();
  clearInterval(alive);
});
