import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, ClientList } from '@healthsync/contracts/openid';
import { WardNames } from '@healthsync/contracts/patient';
import { AccessList, ApiKeyList, KeyScopes } from '@healthsync/contracts/user';
import { Command } from 'commander';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { register as registerClientCommands } from './cli/client.ts';
import { startTestProgram, type TestProgram } from './test-program.ts';

/** Keys and apps, as those who have them and those who manage them see them, through the whole program. */
let program: TestProgram;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'healthsync-keys-'));
  program = await startTestProgram([
    { name: 'nora', roles: ['nurse'], wardIds: ['A'] },
    { name: 'ada', roles: ['admin'], wardIds: [] },
    { name: 'pia', roles: ['privacy-officer'], wardIds: [] },
  ]);
}, 120_000);
afterAll(async () => {
  await program?.stop();
  await rm(folder, { recursive: true, force: true });
});

const call: TestProgram['call'] = (...asked) => program.call(...asked);

/** Asks, and holds the answer against what was promised. */
async function get(who: string, path: string, schema: TSchema) {
  const { status, body } = await call(who, 'GET', path);
  expect([status, [...Value.Errors(schema, body)]], JSON.stringify(body)).toEqual([200, []]);
  return body;
}

const publicKey = (kid: string) => ({
  ...(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }) as object),
  kid,
});

describe('a key of one’s own', () => {
  it('is narrowed to what one may do, and is known by when it was last used', async () => {
    const { scopes } = await get('nora', '/api/me/key-scopes', KeyScopes);
    expect(scopes.map(({ scope }: { scope: string }) => scope)).toContain('alarm.read');
    expect(scopes.map(({ scope }: { scope: string }) => scope)).not.toContain('user.write');
    // A nurse may, and no program: an emergency is answered for by a person who is there.
    expect(scopes.map(({ scope }: { scope: string }) => scope)).not.toContain('break-glass.use');
    const made = await call('nora', 'POST', '/api/me/keys', { label: 'export', scopes: ['alarm.read'], days: 7 });
    expect(made.status).toBe(201);
    const used = await call(undefined, 'GET', '/api/alerts', undefined, { authorization: `Bearer ${made.body.token}` });
    expect(used.status).toBe(200);
    const { open } = await get('nora', '/api/me/access', AccessList);
    const mine = open.find(({ id }: { id: string }) => id === made.body.id);
    expect(mine).toMatchObject({ kind: 'api', label: 'export', scopes: ['alarm.read'] });
    expect(Date.parse(mine.lastUsedAt)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('is seen with everybody’s by who manages accounts, and ended by them', async () => {
    const { keys } = await get('ada', '/api/api-keys', ApiKeyList);
    const found = keys.find(({ label }: { label: string }) => label === 'export');
    expect(found).toMatchObject({ owner: { name: 'nora' }, scopes: ['alarm.read'] });
    expect(JSON.stringify(keys)).not.toMatch(/hs[a-z]?_/);
    expect((await call('nora', 'GET', '/api/api-keys')).status).toBe(403);
    expect((await call('pia', 'DELETE', `/api/api-keys/${found.id}`)).status).toBe(403);
    expect((await call('ada', 'DELETE', `/api/api-keys/${found.id}`)).status).toBe(204);
    expect((await call('ada', 'DELETE', `/api/api-keys/${found.id}`)).status).toBe(404);
    const { open } = await get('nora', '/api/me/access', AccessList);
    expect(open.map(({ id }: { id: string }) => id)).not.toContain(found.id);
  });
});

describe('a nurse’s script that makes keys', () => {
  it('is told to end one first', async () => {
    const make = () => call('nora', 'POST', '/api/me/keys', { label: 'more', scopes: ['alarm.read'], days: 1 });
    let made = await make();
    for (let tries = 0; made.status === 201 && tries < 60; tries++) made = await make();
    expect([made.status, made.body.code]).toEqual([409, 'too-many-keys']);
    const { open } = await get('nora', '/api/me/access', AccessList);
    const [key] = open.filter(({ kind }: { kind: string }) => kind === 'api');
    expect((await call('nora', 'DELETE', `/api/me/access/${key.id}`)).status).toBe(204);
    expect((await make()).status).toBe(201);
  });
});

describe('a service account', () => {
  const SERVICE = { id: 'lab', kind: 'service', name: 'Lab', scopes: ['alarm.read'], roles: ['integration'] };

  it('changes its key without a gap, and never loses its last one', async () => {
    const made = await call('ada', 'POST', '/api/clients', { ...SERVICE, jwks: { keys: [publicKey('k1')] } });
    expect([made.status, [...Value.Errors(Client, made.body)]]).toEqual([201, []]);
    const path = '/api/clients/lab/keys';
    expect((await call('ada', 'DELETE', `${path}/k1`)).body.code).toBe('last-key');
    const added = await call('ada', 'POST', path, { key: publicKey('k2') });
    expect(added.body.keys.map(({ kid }: { kid: string }) => kid)).toEqual(['k1', 'k2']);
    expect((await call('ada', 'POST', path, { key: publicKey('k2') })).body.errors[0].field).toBe('key.kid');
    expect((await call('ada', 'POST', path, { key: { ...publicKey('k3'), d: 'secret' } })).status).toBe(400);
    expect((await call('ada', 'DELETE', `${path}/k1`)).body.keys).toHaveLength(1);
    expect((await call('pia', 'POST', path, { key: publicKey('k4') })).status).toBe(403);
    const { clients, roles, scopes: offered } = await get('pia', '/api/clients', ClientList);
    expect(clients).toHaveLength(1);
    expect(roles).toContain('integration');
    expect(offered.map(({ scope }: { scope: string }) => scope)).not.toContain('break-glass.use');
  });

  it('is made, shown, given keys and ended at the command line too', async () => {
    const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const [open, secret] = [join(folder, 'open.pem'), join(folder, 'secret.pem')];
    writeFileSync(open, pem.publicKey.export({ type: 'spki', format: 'pem' }));
    writeFileSync(secret, pem.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const json = join(folder, 'k2.json');
    writeFileSync(json, JSON.stringify(publicKey('k2')));
    const made = await command(
      'client',
      'add',
      'feed',
      '--key',
      open,
      '--role',
      'integration',
      '--scope',
      'alarm.read',
    );
    expect(made).toMatchObject({ id: 'feed', kind: 'service', keys: [{ kty: 'EC' }] });
    await expect(command('client', 'add-key', 'feed', secret)).rejects.toThrow(/private key/);
    expect((await command('client', 'add-key', 'feed', json)).keys).toHaveLength(2);
    // Named by its thumbprint, one in sixty-four begins with a dash.
    await command('client', 'remove-key', '--', 'feed', String(made.keys[0].kid));
    await expect(command('client', 'remove-key', 'feed', 'k2')).rejects.toThrow(/only key/);
    await expect(command('client', 'add', 'app', '--redirect', 'http://a.example')).rejects.toThrow(/https/);
    expect((await command('client', 'disable', 'feed')).disabled).toBe(true);
    const { clients } = await command('client', 'list');
    expect(clients.map(({ id, disabled }: { id: string; disabled: boolean }) => [id, disabled])).toEqual([
      ['feed', true],
      ['lab', false],
    ]);
  });
});

it('what wards are called is told to whoever manages, without who or how many lie there', async () => {
  expect((await get('ada', '/api/ward-names', WardNames)).wards.map(({ id }: { id: string }) => id)).toEqual([
    'A',
    'B',
  ]);
  expect((await get('nora', '/api/ward-names', WardNames)).wards).toHaveLength(1);
  expect((await call(undefined, 'GET', '/api/ward-names')).status).toBe(401);
});

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was printed
async function command(...args: readonly string[]): Promise<any> {
  const printed: string[] = [];
  const cli = new Command('healthsync').exitOverride();
  registerClientCommands(cli, {
    now: Date.now,
    print: (text) => void printed.push(text),
    tell: () => {},
    settings: () => program.settings,
  });
  const [group = '', name = '', ...given] = args;
  await cli.parseAsync([group, name, '--json', ...given], { from: 'user' });
  return JSON.parse(printed.join('\n'));
}
