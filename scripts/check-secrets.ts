/**
 * No secret lies in the repository: a part of `npm run check`. Looks at everything git has or would take, without a
 * network, in some seconds.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { type FoundSecret, secretsIn } from './secrets.ts';

/** What looks like one and opens nothing: by its digest, so that another one in the same file is found. */
const KNOWN: Readonly<Record<string, string>> = {
  d36ea0b56d87: 'slack.test.ts: a token for a Slack that the test is itself',
  '7828319d7ebc': 'settings-messaging.test.ts, messengers.test.ts: the same',
  '345dc2f19307': 'settings-messaging.test.ts: one that is too short',
  '79fa4bafae18': 'settings.test.ts: a connection string of another database, which is refused',
};

/** Larger files are recorded data, and bounded by a test of their own. */
const SIZE_MAX_BYTES = 2 * 1024 * 1024;

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
  .filter((file) => statSync(file).size <= SIZE_MAX_BYTES);
const found: FoundSecret[] = [];
for (const file of files) found.push(...(await secretsIn(file, readFileSync(file, 'utf8'))));

const unknown = found.filter(({ digest }) => KNOWN[digest] === undefined);
for (const { file, line, what, digest } of unknown) process.stdout.write(`${file}:${line} ${what} (${digest})\n`);
const gone = Object.keys(KNOWN).filter((digest) => !found.some((one) => one.digest === digest));
for (const digest of gone) process.stdout.write(`${digest} is excused, and nowhere to be found\n`);
if (files.length < 100) process.stdout.write(`only ${files.length} files were looked at\n`);
if (unknown.length + gone.length > 0 || files.length < 100) process.exitCode = 1;
