import { spawnSync } from 'node:child_process';

const OPENSSL = 'openssl';

/** A second opinion on our certificates, for tests; a machine with only Node and npm does without. */
export const hasOpenssl = spawnSync(OPENSSL, ['version']).status === 0;

if (!hasOpenssl) console.warn('openssl is not installed: what it says of our certificates is not tested here');
