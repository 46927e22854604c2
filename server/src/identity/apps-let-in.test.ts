import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as client from 'openid-client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { PostgresOAuthClients } from '../adapters/postgres/oauth-clients.ts';
import { PostgresOpenIdRecords } from '../adapters/postgres/openid-records.ts';
import { openTestDatabase } from '../adapters/postgres/test-database.ts';
import { DEFAULT_TENANT, type PatientId, type UserId } from '../domain/ids.ts';
import type { User } from '../ports/accounts.ts';
import { type AppsLetIn, createAppsLetIn } from './apps-let-in.ts';
import { openIdentityKeys } from './identity-keys.ts';
import { keptFile } from './kept-file.ts';
import { createOpenIdProvider, type OpenIdProvider, type Question } from './openid-provider.ts';
import { createSeal } from './seal.ts';
import type { Principal } from './sessions.ts';
import { createBrowser, discover, startTls } from './test-app.ts';

const REDIRECT = 'https://app.example/back';
const HOUR_MS = 3_600_000;
const NOOR = personOf('noor');
const OLA = personOf('ola');

let folder: string;
let server: Awaited<ReturnType<typeof startTls>>;
let provider: OpenIdProvider;
let apps: AppsLetIn;
let clients: PostgresOAuthClients;
let asked: Question | undefined;
let letting: { readonly user: User; readonly patientId?: PatientId } = { user: NOOR };

beforeAll(async () => {
  const database = await openTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'healthsync-let-in-'));
  const accounts = new PostgresAccounts(database);
  clients = new PostgresOAuthClients(database);
  const records = new PostgresOpenIdRecords(database);
  const seal = createSeal(randomBytes(32));
  await Promise.all([NOOR, OLA].map((user) => accounts.putUser(user)));
  await clients.add(chart('chart'));
  server = await startTls(async (request, response) => {
    if (!request.url?.startsWith('/authorize/')) return provider.handle(request, response);
    asked = await provider.question(request, response);
    const { user, patientId } = letting;
    const location = await provider.answer(request, response, {
      allow: true,
      principal: signedIn(user),
      scopes: asked?.scopes ?? [],
      ...(patientId !== undefined && { patientId }),
    });
    response.writeHead(303, { location }).end();
  });
  // Asked anew each time, so that a clock that is moved moves it too.
  const now = () => Date.now();
  const keys = await openIdentityKeys(keptFile(join(folder, 'keys.json')), now);
  const parts = { keys, seal, records, clients, accounts, now };
  provider = createOpenIdProvider({ issuer: `${server.url}/oidc`, fhirBase: `${server.url}/fhir`, ...parts });
  apps = createAppsLetIn({ records, clients, seal, now });
});
afterEach(() => void vi.useRealTimers());
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function letIn(scope: string, by: typeof letting, clientId = 'chart') {
  letting = by;
  const config = await discover(provider.issuer, server.ca, clientId);
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const code_challenge = await client.calculatePKCECodeChallenge(pkceCodeVerifier);
  const wanted = { redirect_uri: REDIRECT, scope, state: 's', code_challenge, code_challenge_method: 'S256' };
  const browser = createBrowser(server.ca);
  let { href } = client.buildAuthorizationUrl(config, wanted);
  while (!href.startsWith(REDIRECT)) href = new URL((await browser.get(href)).location, href).href;
  const checks = { pkceCodeVerifier, expectedState: 's' };
  const tokens = await client.authorizationCodeGrant(config, new URL(href), checks);
  return { config, tokens };
}

describe('what a person has let in', () => {
  it('is theirs to see: which app, for what, for whom, since when', async () => {
    const { tokens } = await letIn('openid launch/patient patient/*.rs online_access', {
      user: NOOR,
      patientId: 'p-7' as PatientId,
    });
    expect(asked).toMatchObject({ accessSeconds: 600, refreshSeconds: 12 * 3600 });
    const [app, ...others] = await apps.of(NOOR.id);
    expect(others).toEqual([]);
    expect(app).toMatchObject({ clientId: 'chart', clientName: 'The chart', patientId: 'p-7' });
    expect(app?.scopes).toEqual(['openid', 'launch/patient', 'patient/*.rs', 'online_access']);
    expect(app?.endsAtMs).toBeGreaterThan(Date.now() + 11 * HOUR_MS);
    await provider.principalOf(tokens.access_token);
    await vi.waitFor(async () => expect((await apps.of(NOOR.id))[0]?.usedAtMs).toBeGreaterThan(0));
    expect(await apps.of(OLA.id)).toEqual([]);
    expect(JSON.stringify(app)).not.toContain(tokens.access_token);
  });

  it('ends at once with all it holds, by nobody else, and nothing beside it', async () => {
    const one = await letIn('openid online_access', { user: OLA });
    const other = await letIn('openid', { user: OLA });
    expect(asked).not.toHaveProperty('refreshSeconds');
    const [, first] = await apps.of(OLA.id);
    const id = first?.id ?? expect.fail('not listed');
    expect(first?.scopes).toEqual(['openid', 'online_access']);
    expect(await apps.end(NOOR.id, id)).toBeUndefined();
    expect(await provider.principalOf(one.tokens.access_token)).toBeDefined();
    expect(await apps.end(OLA.id, id)).toMatchObject({ clientId: 'chart' });
    expect(await provider.principalOf(one.tokens.access_token)).toBeUndefined();
    const again = client.refreshTokenGrant(one.config, String(one.tokens.refresh_token));
    await expect(again).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(await provider.principalOf(other.tokens.access_token)).toBeDefined();
    expect(await apps.of(OLA.id)).toHaveLength(1);
    expect(await apps.end(OLA.id, id)).toBeUndefined();
  });

  it('lasts a shift in all, however often the app renews it', async () => {
    const began = Date.now();
    const { config, tokens } = await letIn('openid online_access', { user: NOOR });
    vi.useFakeTimers({ toFake: ['Date'], now: began + 6 * HOUR_MS });
    const second = await client.refreshTokenGrant(config, String(tokens.refresh_token));
    expect(await provider.principalOf(second.access_token)).toBeDefined();
    vi.setSystemTime(began + 13 * HOUR_MS);
    const third = client.refreshTokenGrant(config, String(second.refresh_token));
    await expect(third).rejects.toMatchObject({ error: 'invalid_grant' });
    expect((await apps.of(NOOR.id)).every(({ letInAtMs }) => letInAtMs > began + HOUR_MS)).toBe(true);
  });

  it('is not there any more once the app was ended', async () => {
    await clients.add(chart('gone'));
    await letIn('openid', { user: NOOR }, 'gone');
    const namesOf = async () => (await apps.of(NOOR.id)).map(({ clientId }) => clientId);
    expect(await namesOf()).toContain('gone');
    await clients.disable('gone', Date.now());
    expect(await namesOf()).not.toContain('gone');
  });
});

function chart(id: string) {
  return {
    id,
    kind: 'app',
    name: `The ${id}`,
    redirectUris: [REDIRECT],
    scopes: ['openid', 'launch/patient', 'patient/*.rs', 'online_access'],
    roles: [],
    wardIds: [],
    tenantId: DEFAULT_TENANT,
    createdAtMs: Date.now(),
    createdBy: 'test',
  } as const;
}

function personOf(name: string): User {
  return { id: `u-${name}` as UserId, name, displayName: name, roles: ['physician'], wardIds: [] };
}

const signedIn = (user: User): Principal => ({
  ...{ userId: user.id, name: user.name, displayName: user.displayName, roles: user.roles, wardIds: user.wardIds },
  ...{ kind: 'session', tenantId: DEFAULT_TENANT, factors: ['password', 'totp'] },
  ...{ authenticatedAtMs: Date.now(), mfaAtMs: Date.now(), expiresAtMs: Date.now() + HOUR_MS },
});
