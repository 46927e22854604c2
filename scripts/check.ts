/**
 * `npm run check`: format, lint, types, secrets, dependencies, boundaries, dead code. Runs everything and names every
 * failure, so that one run tells all there is to mend.
 */
import { spawnSync } from 'node:child_process';

const CHECKS: readonly (readonly [name: string, command: string, ...args: readonly string[]])[] = [
  ['format and lint', 'biome', 'ci', '.'],
  ['types: contracts', 'tsc', '-p', 'contracts'],
  ['types: domain', 'tsc', '-p', 'server/src/domain'],
  ['types: workflow language', 'tsc', '-p', 'server/src/workflow/language'],
  ['types: server', 'tsc', '-p', 'server'],
  ['types: web', 'tsc', '-p', 'web'],
  ['types: web worker', 'tsc', '-p', 'web/worker'],
  ['types: tests', 'tsc', '-p', 'test'],
  ['secrets', 'node', 'scripts/check-secrets.ts'],
  ['dependencies', 'node', 'scripts/check-dependencies.ts'],
  ['access policies', 'node', 'scripts/check-policies.ts'],
  ['boundaries', 'depcruise', 'contracts', 'server', 'web', 'bench', 'test', 'scripts'],
  ['dead code', 'knip'],
];

const failed = CHECKS.filter(([name, command, ...args]) => {
  const startedMs = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    // Beyond it the command is ended, and counts as failed.
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)\n`);
  if (status !== 0) process.stdout.write(`${stdout}${stderr}\n`);
  // What was not looked at is said, also where all is well.
  else
    for (const line of stdout.split('\n').filter((one) => one.startsWith('SKIPPED')))
      process.stdout.write(`     ${line}\n`);
  return status !== 0;
});
if (failed.length > 0) {
  process.stdout.write(`failed: ${failed.map(([name]) => name).join(', ')}\n`);
  process.exitCode = 1;
}
