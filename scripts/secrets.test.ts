import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { secretsIn } from './secrets.ts';

// Put together here, or this very file would be found.
const PEM = String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
const PLANTED: readonly (readonly [what: string, text: string])[] = [
  ['a private key', PEM],
  ['a token of GitHub', `token = "${['ghp', randomBytes(27).toString('hex').slice(0, 36)].join('_')}"`],
  ['a token of Slack', `bot: ${['xoxb', '1234567890123', '1234567890123', 'AbCdEfGhIjKlMnOpQrStUvWx'].join('-')}`],
  [
    'an access key of AWS',
    `AWS_SECRET_ACCESS_KEY=${randomBytes(30).toString('base64').replaceAll('=', 'a').slice(0, 40)}`,
  ],
  ['an address with a password', `postgres://app:${randomBytes(8).toString('hex')}@db.example/healthsync`],
  ['a session of ours', `cookie: ${['hss', randomBytes(32).toString('base64url')].join('_')}`],
  ['a key of ours', `Bearer ${['hst', randomBytes(32).toString('base64url')].join('_')}`],
  ['a secret of a webhook', ['whsec', randomBytes(32).toString('base64')].join('_')],
];

describe('the scan for secrets', () => {
  it.each(PLANTED)('finds %s, and says where without repeating it', async (_what, text) => {
    const found = await secretsIn('notes.md', `one\ntwo\n${text}\n`);
    expect(found.map(({ file, line }) => `${file}:${line}`)).toContain('notes.md:3');
    expect(JSON.stringify(found)).not.toContain(text.slice(12, 40));
  });
  it.each(['const secret = newSecret();', 'sha256:0123456789abcdef', 'hss_short', 'whsec_', 'postgres://localhost/db'])(
    'leaves %s alone',
    async (text) => expect(await secretsIn('code.ts', text)).toEqual([]),
  );
  it('fails the check where one is planted, and passes without it', () => {
    const root = join(import.meta.dirname, '..');
    const planted = join(root, 'planted-secret.txt');
    const check = () => spawnSync(process.execPath, ['scripts/check-secrets.ts'], { cwd: root, encoding: 'utf8' });
    try {
      writeFileSync(planted, `password: ${PLANTED[5]?.[1]}\n`);
      const { status, stdout } = check();
      expect([status, stdout]).toEqual([1, expect.stringContaining('planted-secret.txt:1 a secret of ours')]);
    } finally {
      rmSync(planted, { force: true });
    }
    expect(check()).toMatchObject({ status: 0, stdout: '' });
    expect(execFileSync('git', ['status', '--short', 'planted-secret.txt'], { cwd: root, encoding: 'utf8' })).toBe('');
  });
});
