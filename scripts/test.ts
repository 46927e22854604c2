/**
 * `npm test`: builds the web app, gets a browser where it can, runs every test, and ends with one plain line
 * `N passed, N failed, N skipped`. Arguments are handed to Vitest.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly unknown[];
  }[];
}

installChromium();
const built = run('node', ['scripts/build-web.ts']);
const folder = mkdtempSync(join(tmpdir(), 'healthsync-test-'));
const reportFile = join(folder, 'report.json');
const status = run('vitest', [
  'run',
  '--reporter=default',
  '--reporter=json',
  '--reporter=./test/second-tries.ts',
  `--outputFile.json=${reportFile}`,
  ...process.argv.slice(2),
]);
const report: VitestReport | undefined = existsSync(reportFile)
  ? JSON.parse(readFileSync(reportFile, 'utf8'))
  : undefined;
rmSync(folder, { recursive: true, force: true });

// A file that could not even be loaded has no tests to count: it is one failure.
const unloaded =
  report?.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0) ?? [];
const failures = (report?.numFailedTests ?? 1) + unloaded.length + (built === 0 ? 0 : 1);
const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
process.exitCode = failures > 0 || status !== 0 ? 1 : 0;
// Vitest can fail without a failed test (an unhandled error): then this line must not say that all is well.
const unexplained = process.exitCode === 1 && failures === 0 ? 1 : 0;
process.stdout.write(`\n${report?.numPassedTests ?? 0} passed, ${failures + unexplained} failed, ${skipped} skipped\n`);

/** Debian's Chromium for the browser tests: installed where we may, else those tests skip and say so. */
function installChromium(): void {
  if (existsSync('/usr/bin/chromium') || existsSync('/usr/bin/chromium-browser')) return;
  const mayInstall = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (!mayInstall) {
    process.stderr.write(
      'Browser tests will be SKIPPED: no Chromium here, and apt-get as root is not at hand to install it.\n',
    );
    return;
  }
  process.stderr.write('Installing chromium with apt-get for the browser tests…\n');
  run('apt-get', ['update', '-qq']);
  if (run('apt-get', ['install', '-y', '-qq', 'chromium']) !== 0) {
    process.stderr.write('Browser tests will be SKIPPED: apt-get could not install chromium.\n');
  }
}

function run(command: string, args: readonly string[]): number {
  const shell = process.platform === 'win32';
  // What an installer prints is no news on stdout: it ends with the count.
  const stdio =
    command === 'apt-get' ? (['ignore', 'ignore', 'inherit'] as const) : (['ignore', 'inherit', 'inherit'] as const);
  return (
    spawnSync(command, args, { stdio: [...stdio], shell, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
      .status ?? 1
  );
}
