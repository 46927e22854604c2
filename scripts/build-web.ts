/**
 * `npm run build`, and before `npm start`: builds the web app into web/dist, unless what is there is newer than
 * everything it is built from. `--force` builds anyway.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const WEB = join(ROOT, 'web');
const PAGE = join(WEB, 'dist', 'index.html');
const SOURCES = [
  'web/src',
  'web/public',
  'web/worker',
  'web/index.html',
  'web/vite.config.ts',
  'web/package.json',
  'contracts/src',
];

const newest = Math.max(...SOURCES.map((source) => newestMs(join(ROOT, source))));
if (!process.argv.includes('--force') && existsSync(PAGE) && statSync(PAGE).mtimeMs >= newest) {
  process.stderr.write('web app: up to date\n');
} else {
  const startedMs = performance.now();
  // The page is written last of all: without it a build that failed half way would count as done.
  rmSync(PAGE, { force: true });
  // Loaded where it is needed: that all is up to date is said before every start and every test in a browser.
  const { build } = await import('vite');
  await build({ root: WEB, configFile: join(WEB, 'vite.config.ts'), logLevel: 'error' });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stderr.write(`web app: built into ${relative(process.cwd(), join(WEB, 'dist'))} in ${seconds} s\n`);
}

function newestMs(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}
