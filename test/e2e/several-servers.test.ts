import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTestDatabase } from '../../server/src/adapters/postgres/test-database.ts';
import { type Installation, install } from './server.ts';

// Two servers, and a command line after the other: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

// Two processes with a data folder each, one database, and the key-encryption keys in a folder that both see.
let keyFolder: string;
let databaseUrl: string;
let first: Installation;
let second: Installation;
const MAIN = fileURLToPath(new URL('../../server/bin/healthsync.js', import.meta.url));
const TALE = 'Featherstone-Canary';

const shared = () => ({
  DATABASE_URL: databaseUrl,
  HEALTHSYNC_KEY_STORE: 'database',
  HEALTHSYNC_KEY_FOLDER: keyFolder,
});

beforeAll(async () => {
  keyFolder = mkdtempSync(join(tmpdir(), 'healthsync-key-folder-'));
  const { address } = await openTestDatabase();
  databaseUrl =
    'url' in address
      ? address.url
      : `postgresql://${address.user}@localhost/${address.database}?host=${encodeURIComponent(address.host)}&port=${address.port}`;
  [first, second] = [await install(shared()), await install(shared())];
  // Nobody was there before either of them: whose keys count, they settle between themselves.
  await Promise.all([first.start(), second.start()]);
});
afterAll(async () => {
  await Promise.all([first?.remove(), second?.remove()]);
  rmSync(keyFolder, { recursive: true, force: true });
});

const tokenFrom = async (server: Installation, role: string): Promise<string> =>
  ((await server.cli('token', 'create', '--role', role)) as { token: string }).token;
const keySetOf = async (server: Installation) => (await server.fetch('/oidc/jwks')).body as { keys: { kid: string }[] };

describe('two servers on one database', () => {
  it('are one installation: one authority for devices, one set of keys for tokens', async () => {
    expect(first.ca()).toBe(second.ca());
    const [a, b] = [await keySetOf(first), await keySetOf(second)];
    expect(a.keys.length).toBeGreaterThan(0);
    expect(b).toEqual(a);
    const signing = (server: Installation) => readFileSync(join(server.folder, 'audit', 'signing-key.pem'), 'utf8');
    expect(signing(first)).toBe(signing(second));
  });

  it('know each other’s people and patients by name, and what one wrote the other can open', async () => {
    const nurse = await tokenFrom(first, 'nurse');
    await first.cli('ward', 'put', 'w1', '--name', 'Ward 1');
    await first.cli('bed', 'put', 'w1-1', '--ward', 'w1', '--label', '01');
    execFileSync(process.execPath, [MAIN, 'patient', 'put', 'p-1', '--bed', 'w1-1', '--details'], {
      env: { ...process.env, ...shared(), HEALTHSYNC_DATA: first.folder },
      input: JSON.stringify({ familyName: TALE }),
    });
    for (const server of [first, second]) {
      await expect
        .poll(async () => JSON.stringify((await server.fetch('/api/patients/p-1', { token: nurse })).body))
        .toContain(TALE);
    }
    const status = async (server: Installation) =>
      (await server.fetch('/api/keys', { token: await tokenFrom(second, 'admin') })).body;
    expect(await status(first)).toEqual(await status(second));
  });

  it('rotate keys as one: what the first wrapped anew the second opens, and new signing keys are everybody’s', async () => {
    const { kek } = (await first.cliProcess('key', 'rotate')) as { kek: string };
    expect(await second.cliProcess('key', 'status')).toMatchObject({ kek });
    const { kids } = (await second.cliProcess('key', 'rotate-signing')) as { kids: string[] };
    expect(kids).toHaveLength(4);
    expect(await first.cliProcess('key', 'status')).toMatchObject({ kek });
    const nurse = await tokenFrom(second, 'nurse');
    expect(JSON.stringify((await second.fetch('/api/patients/p-1', { token: nurse })).body)).toContain(TALE);
  });

  it('let nobody join who was not given the key-encryption keys, and say what is missing', async () => {
    const stranger = await install({ DATABASE_URL: databaseUrl, HEALTHSYNC_KEY_STORE: 'database' });
    try {
      await expect(stranger.start()).rejects.toThrow(/HEALTHSYNC_KEY_FOLDER/);
    } finally {
      await stranger.remove();
    }
  });
});
