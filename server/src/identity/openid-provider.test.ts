import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { PostgresOAuthClients } from '../adapters/postgres/oauth-clients.ts';
import { PostgresOpenIdRecords } from '../adapters/postgres/openid-records.ts';
import { openTestDatabase, type TestDatabase } from '../adapters/postgres/test-database.ts';
import { DEFAULT_TENANT, type PatientId, type TenantId, type UserId, type WardId } from '../domain/ids.ts';
import type { User } from '../ports/accounts.ts';
import type { OAuthClient } from '../ports/oauth-clients.ts';
import { openIdentityKeys } from './identity-keys.ts';
import { keptFile } from './kept-file.ts';
import { createOpenIdProvider, type OpenIdProvider, type Question } from './openid-provider.ts';
import { createSeal } from './seal.ts';
import type { Principal } from './sessions.ts';
import { askToSignIn, createBrowser, discover, followBack, presentAssertion, startTls } from './test-app.ts';

const REDIRECT = 'https://app.example/back';
const NOOR: User = {
  id: 'u-noor' as UserId,
  name: 'noor',
  displayName: 'Noor B.',
  roles: ['physician'],
  wardIds: ['w3' as WardId],
};
const signedIn: Principal = {
  userId: NOOR.id,
  name: NOOR.name,
  displayName: NOOR.displayName,
  roles: NOOR.roles,
  wardIds: NOOR.wardIds,
  kind: 'session',
  tenantId: DEFAULT_TENANT,
  authenticatedAtMs: Date.now() - 5_000,
  factors: ['password', 'totp'],
  mfaAtMs: Date.now() - 4_000,
  expiresAtMs: Date.now() + 3_600_000,
};
const APP: OAuthClient = {
  id: 'growth-chart',
  kind: 'app',
  name: 'Growth chart',
  redirectUris: [REDIRECT],
  scopes: ['openid', 'profile', 'fhirUser', 'launch/patient', 'patient/*.rs', 'online_access'],
  roles: [],
  wardIds: [],
  tenantId: DEFAULT_TENANT,
  createdAtMs: Date.now(),
  createdBy: 'test',
};

let database: TestDatabase;
let folder: string;
let server: Awaited<ReturnType<typeof startTls>>;
let provider: OpenIdProvider;
let accounts: PostgresAccounts;
let clients: PostgresOAuthClients;
const service = await generateKeyPair('ES384', { extractable: true });
/** What the page asks and says, as our routes do. */
let asked: Question | undefined;
let choice: { readonly patientId?: PatientId; readonly allow: boolean; readonly as?: Principal } = { allow: true };

beforeAll(async () => {
  database = await openTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'healthsync-openid-'));
  accounts = new PostgresAccounts(database);
  clients = new PostgresOAuthClients(database);
  await accounts.putUser(NOOR);
  await clients.add(APP);
  await clients.add({
    ...APP,
    id: 'lab-feed',
    kind: 'service',
    name: 'Laboratory',
    redirectUris: [],
    jwks: { keys: [{ ...(await exportJWK(service.publicKey)), kid: 'k1', alg: 'ES384' }] },
    scopes: ['system/Observation.cruds', 'alarm.read'],
    roles: ['integration'],
  });
  server = await startTls((request, response) => void route(request, response));
  provider = createOpenIdProvider({
    issuer: `${server.url}/oidc`,
    fhirBase: `${server.url}/fhir`,
    keys: await openIdentityKeys(keptFile(join(folder, 'keys.json')), Date.now),
    seal: createSeal(randomBytes(32)),
    records: new PostgresOpenIdRecords(database),
    clients,
    accounts,
    secondFactorRoles: ['security'],
    now: Date.now,
  });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!request.url?.startsWith('/authorize/')) return provider.handle(request, response);
  asked = await provider.question(request, response);
  if (asked === undefined) return void response.writeHead(409).end();
  const { allow, patientId, as: principal = signedIn } = choice;
  const location = await provider.answer(
    request,
    response,
    allow ? { allow, principal, scopes: asked.scopes, ...(patientId !== undefined && { patientId }) } : { allow },
  );
  response.writeHead(303, { location }).end();
}

async function begin(scope: string, more: Record<string, string> = {}, clientId = APP.id) {
  const config = await discover(provider.issuer, server.ca, clientId);
  return { config, ...(await askToSignIn(config, { redirect: REDIRECT, scope, more })) };
}

const walk = (start: string, browser = createBrowser(server.ca)) => followBack(browser, start, REDIRECT);

async function tokensFor(scope: string, more: Record<string, string> = {}, clientId = APP.id) {
  const { config, verifier, url } = await begin(scope, more, clientId);
  const back = await walk(url.href);
  const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: 's1' });
  return { config, tokens, back, verifier };
}

const refused = { error: 'invalid_grant' };

describe('an app that people sign in to', () => {
  it('gets who they are, narrowed to what it was registered for', async () => {
    choice = { allow: true, patientId: 'p-7' as PatientId };
    const { tokens } = await tokensFor('openid profile fhirUser launch/patient patient/Observation.rs', {
      aud: `${server.url}/fhir`,
    });
    expect(asked).toMatchObject({ clientName: 'Growth chart' });
    expect(tokens.claims()).toMatchObject({ sub: NOOR.id });
    expect(tokens).toMatchObject({ token_type: 'bearer', patient: 'p-7' });
    expect(await provider.principalOf(tokens.access_token)).toMatchObject({
      userId: NOOR.id,
      roles: ['physician'],
      kind: 'api',
      launchPatientId: 'p-7',
      mfaAtMs: signedIn.mfaAtMs,
      scopes: ['openid', 'profile', 'fhirUser', 'launch/patient', 'patient/Observation.rs'],
    });
  });

  it('gets nothing when the person says no', async () => {
    choice = { allow: false };
    const back = await walk((await begin('openid')).url.href);
    choice = { allow: true };
    expect(back.searchParams.get('error')).toBe('access_denied');
    expect(back.searchParams.has('code')).toBe(false);
  });

  it.each([
    ['without PKCE', { code_challenge: '', code_challenge_method: '' }],
    ['with a plain challenge', { code_challenge_method: 'plain' }],
    ['for another server', { aud: 'https://elsewhere.example/fhir' }],
    ['for a token in the address', { response_type: 'token' }],
    ['for a code in a form', { response_mode: 'form_post' }],
    ['for a code behind the #', { response_mode: 'fragment' }],
    ['for more than it was registered for', { scope: 'openid user/*.cruds' }],
  ])('is refused %s', async (_what, more) => {
    const { url } = await begin('openid');
    for (const [name, value] of Object.entries(more))
      if (value === '') url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    const back = await walk(url.href).then(
      (answer) => `${answer.search}${answer.hash}`,
      (error: Error) => error.message,
    );
    expect(back).not.toMatch(/[?&#]code=/);
    expect(back).toMatch(/invalid_request|invalid_scope|unsupported_response_type|unauthorized_client/);
  });

  it.each(['no\0body', '\ud800', 'x'.repeat(200), "' or 1=1"])(
    'of a name that no app can have, %j, is refused',
    async (id) => {
      const { url } = await begin('openid');
      url.searchParams.set('client_id', id);
      expect((await createBrowser(server.ca).get(url.href)).status).toBe(400);
    },
  );

  it('is never sent to an address that was not registered', async () => {
    const { url } = await begin('openid');
    url.searchParams.set('redirect_uri', 'https://app.example/back/../evil');
    const { status, location } = await createBrowser(server.ca).get(url.href);
    expect([status, location]).toEqual([400, '']);
  });

  it('cannot use a code with another verifier, nor twice; what the first use brought then ends', async () => {
    const { config, url } = await begin('openid');
    const stolen = await walk(url.href);
    const exchange = (pkceCodeVerifier: string) =>
      client.authorizationCodeGrant(config, stolen, { pkceCodeVerifier, expectedState: 's1' });
    await expect(exchange(client.randomPKCECodeVerifier())).rejects.toMatchObject(refused);
    const again = await tokensFor('openid');
    expect(await provider.principalOf(again.tokens.access_token)).toBeDefined();
    await expect(
      client.authorizationCodeGrant(again.config, again.back, {
        pkceCodeVerifier: again.verifier,
        expectedState: 's1',
      }),
    ).rejects.toMatchObject(refused);
    expect(await provider.principalOf(again.tokens.access_token)).toBeUndefined();
  });

  it('has a minute for its code, and none after', async () => {
    const { config, verifier, url } = await begin('openid');
    const back = await walk(url.href);
    const { rows } = await database.pool.query<{ isShort: boolean }>(
      `select max(extract(epoch from expires_at - now())) <= 60 as "isShort" from oidc_record where model = 'AuthorizationCode'`,
    );
    expect(rows).toEqual([{ isShort: true }]);
    await database.pool.query(
      `update oidc_record set expires_at = now() - interval '1 second' where model = 'AuthorizationCode'`,
    );
    const late = client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: 's1' });
    await expect(late).rejects.toMatchObject(refused);
  });

  it('is told who somebody is by a token that opens nothing', async () => {
    const { tokens } = await tokensFor('openid');
    expect(tokens.id_token).toMatch(/^eyJ/);
    expect(await provider.principalOf(tokens.id_token ?? '')).toBeUndefined();
  });

  it('gets a new refresh token each time; one that comes back was stolen, and ends the family', async () => {
    const { config, tokens } = await tokensFor('openid online_access');
    const first = String(tokens.refresh_token);
    const second = await client.refreshTokenGrant(config, first);
    expect(second.refresh_token).not.toBe(first);
    expect(await provider.principalOf(second.access_token)).toBeDefined();
    await expect(client.refreshTokenGrant(config, first)).rejects.toMatchObject(refused);
    await expect(client.refreshTokenGrant(config, String(second.refresh_token))).rejects.toMatchObject(refused);
    expect(await provider.principalOf(second.access_token)).toBeUndefined();
  });

  it('that refreshes twice at the same moment has a thief: at most one is served, and nothing lives on', async () => {
    const { config, tokens } = await tokensFor('openid online_access');
    const tries = await Promise.allSettled(
      [1, 2, 3].map(() => client.refreshTokenGrant(config, String(tokens.refresh_token))),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    for (const one of tries)
      if (one.status === 'fulfilled')
        await expect(client.refreshTokenGrant(config, String(one.value.refresh_token))).rejects.toMatchObject(refused);
  });

  it('loses its user’s access the moment they are disabled', async () => {
    const { tokens, config } = await tokensFor('openid online_access');
    await accounts.disable('noor', Date.now());
    expect(await provider.principalOf(tokens.access_token)).toBeUndefined();
    await expect(client.refreshTokenGrant(config, String(tokens.refresh_token))).rejects.toMatchObject(refused);
    await accounts.putUser(NOOR);
  });

  it('let in by a password alone has nothing once a role of its user demands more, nor by refreshing', async () => {
    const { mfaAtMs: _, ...byPassword } = { ...signedIn, factors: ['password'] as const };
    choice = { allow: true, as: byPassword };
    const { tokens, config } = await tokensFor('openid online_access');
    choice = { allow: true };
    const withBoth = await tokensFor('openid online_access');
    expect(await provider.principalOf(tokens.access_token)).toBeDefined();
    await accounts.putUser({ ...NOOR, roles: ['physician', 'security'] });
    expect(await provider.principalOf(tokens.access_token)).toBeUndefined();
    const refreshed = await client.refreshTokenGrant(config, String(tokens.refresh_token));
    expect(await provider.principalOf(refreshed.access_token)).toBeUndefined();
    expect(await provider.principalOf(withBoth.tokens.access_token)).toMatchObject({
      roles: ['physician', 'security'],
    });
    await accounts.putUser(NOOR);
  });

  it('is given a second factor no fresher than it is, however fresh the password beside it', async () => {
    const longAgo = Date.now() - 5 * 3_600_000;
    choice = { allow: true, as: { ...signedIn, authenticatedAtMs: Date.now(), mfaAtMs: longAgo } };
    const { tokens, config } = await tokensFor('openid online_access');
    choice = { allow: true };
    expect(await provider.principalOf(tokens.access_token)).toMatchObject({ mfaAtMs: longAgo });
    const refreshed = await client.refreshTokenGrant(config, String(tokens.refresh_token));
    expect(await provider.principalOf(refreshed.access_token)).toMatchObject({ mfaAtMs: longAgo });
  });

  it('is nobody’s in another organisation than its own', async () => {
    const { tokens } = await tokensFor('openid');
    expect(asked?.tenantId).toBe(DEFAULT_TENANT);
    await database.pool.query(`insert into tenant (id, name) values ('north', 'North') on conflict do nothing`);
    const north = { ...APP, id: 'northern', tenantId: 'north' as TenantId };
    await clients.add(north);
    await begin('openid', {}, 'northern').then(({ url }) => walk(url.href));
    expect(asked).toMatchObject({ clientId: 'northern', tenantId: 'north' });
    expect(await provider.principalOf(tokens.access_token)).toBeDefined();
    const theirs = await tokensFor('openid', {}, 'northern');
    expect(await provider.principalOf(theirs.tokens.access_token)).toBeUndefined();
  });

  it('is let in by whoever is there, at a computer of several people, minutes after a colleague did', async () => {
    const browser = createBrowser(server.ca);
    const ola = { ...NOOR, id: 'u-ola' as UserId, name: 'ola' };
    await accounts.putUser(ola);
    const letIn = async () => {
      const { config, verifier, url } = await begin('openid');
      const back = await walk(url.href, browser);
      const made = await client.authorizationCodeGrant(config, back, {
        pkceCodeVerifier: verifier,
        expectedState: 's1',
      });
      return made.claims()?.sub;
    };
    expect(await letIn()).toBe(NOOR.id);
    choice = { allow: true, as: { ...signedIn, userId: ola.id, name: ola.name } };
    expect(await letIn()).toBe(ola.id);
    choice = { allow: true };
    expect(await letIn()).toBe(NOOR.id);
  });

  it('is not answered by a browser that did not begin: a link that was passed on opens nothing', async () => {
    const { url } = await begin('openid');
    const attacker = createBrowser(server.ca);
    const { location } = await attacker.get(url.href);
    const victim = await createBrowser(server.ca).get(new URL(location, url).href);
    expect(victim.status).toBe(409);
  });
});

describe('an app that proves to hold a key', () => {
  const BOUND = { ...APP, id: 'bound', mustProveKey: true, mustPushRequests: true };

  async function pushed(more: Record<string, string> = {}) {
    const config = await discover(provider.issuer, server.ca, 'bound');
    const verifier = client.randomPKCECodeVerifier();
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
    const url = await client.buildAuthorizationUrlWithPAR(
      config,
      {
        redirect_uri: REDIRECT,
        scope: 'openid online_access',
        state: 's1',
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...more,
      },
      { DPoP },
    );
    return { config, verifier, DPoP, url };
  }

  it('pushes its request, of which the browser carries a number and nothing else', async () => {
    await clients.add(BOUND);
    const { url } = await pushed();
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    const bare = await begin('openid', {}, 'bound');
    expect((await walk(bare.url.href)).searchParams.get('error')).toBe('invalid_request');
    const browser = createBrowser(server.ca);
    const wrong = new URL(url);
    wrong.searchParams.set('client_id', APP.id);
    expect(await browser.get(wrong.href)).toMatchObject({ status: 400, location: '' });
    await expect(pushed({ aud: 'https://elsewhere.example/fhir' })).rejects.toMatchObject({ error: 'invalid_request' });
    // Nobody has signed in yet, and it is kept.
    await expect(pushed({ state: 's'.repeat(8_192) })).rejects.toMatchObject({
      error: 'invalid_request',
      error_description: 'the request is too long',
    });
  });

  it('gets tokens for that key, which nobody refreshes with another', async () => {
    const { config, verifier, DPoP, url } = await pushed();
    const back = await walk(url.href);
    const checks = { pkceCodeVerifier: verifier, expectedState: 's1' };
    await expect(client.authorizationCodeGrant(config, back, checks)).rejects.toMatchObject({ error: 'invalid_grant' });
    const again = await pushed({ aud: `${server.url}/fhir` });
    const tokens = await client.authorizationCodeGrant(
      again.config,
      await walk(again.url.href),
      { pkceCodeVerifier: again.verifier, expectedState: 's1' },
      undefined,
      { DPoP: again.DPoP },
    );
    expect(tokens.token_type).toBe('dpop');
    const { keyThumbprint } = (await provider.principalOf(tokens.access_token)) ?? {};
    expect(keyThumbprint).toMatch(/^[\w-]{43}$/);
    const refresh = (more: object) =>
      client.refreshTokenGrant(again.config, String(tokens.refresh_token), undefined, more);
    await expect(refresh({ DPoP })).rejects.toMatchObject({ error: 'invalid_grant' });
    const refreshed = await refresh({ DPoP: again.DPoP });
    expect(await provider.principalOf(refreshed.access_token)).toMatchObject({ keyThumbprint });
  });
});

describe('a service account', () => {
  const config = () =>
    discover(provider.issuer, server.ca, 'lab-feed', client.PrivateKeyJwt({ key: service.privateKey, kid: 'k1' }));

  it('proves itself by its key, and is what it was registered as', async () => {
    const { access_token } = await client.clientCredentialsGrant(await config(), {
      scope: 'system/Observation.rs alarm.read',
    });
    expect(await provider.principalOf(access_token)).toMatchObject({
      name: 'lab-feed',
      roles: ['integration'],
      factors: ['private-key-jwt'],
      scopes: ['system/Observation.rs', 'alarm.read'],
    });
  });

  it('gets no more than it was registered for', async () => {
    await expect(client.clientCredentialsGrant(await config(), { scope: 'user.write' })).rejects.toMatchObject({
      error: 'invalid_scope',
    });
  });

  it.each([
    ['another key', {}, 'other'],
    ['an assertion for somebody else', { aud: 'https://elsewhere.example' }, 'own'],
    ['an assertion that has ended', { exp: -300 }, 'own'],
  ])('is refused with %s', async (_what, change, whose) => {
    const key = whose === 'own' ? service.privateKey : (await generateKeyPair('ES384')).privateKey;
    expect(await present(await assertionOf(key, change))).toMatchObject({ error: 'invalid_client' });
  });

  it('cannot show the same assertion twice', async () => {
    const assertion = await assertionOf(service.privateKey, {});
    expect(await present(assertion)).toHaveProperty('access_token');
    expect(await present(assertion)).toMatchObject({ error: 'invalid_client' });
  });

  it('cannot show it twice at the same moment either, nor one that lives long', async () => {
    const assertion = await assertionOf(service.privateKey, {});
    const answers = await Promise.all([1, 2, 3, 4].map(() => present(assertion)));
    expect(answers.filter((answer) => 'access_token' in answer)).toHaveLength(1);
    const long = await assertionOf(service.privateKey, { exp: 3_600 });
    expect(await present(long)).toMatchObject({ error: 'invalid_client' });
  });

  it('moves to another key without a gap, and is known by when it last came', async () => {
    const next = await generateKeyPair('ES384', { extractable: true });
    const before = await clients.find('lab-feed');
    const from = before?.jwks;
    if (from === undefined) throw new Error('made with keys');
    const to = { keys: [...from.keys, { ...(await exportJWK(next.publicKey)), kid: 'k2', alg: 'ES384' }] };
    expect(await clients.putKeys('lab-feed', { from, to })).toBe(true);
    expect(await clients.putKeys('lab-feed', { from, to })).toBe(false);
    for (const [key, kid] of [
      [service.privateKey, 'k1'],
      [next.privateKey, 'k2'],
    ] as const)
      expect(await present(await assertionOf(key, { kid })), kid).toHaveProperty('access_token');
    expect(await clients.putKeys('lab-feed', { from: to, to: from })).toBe(true);
    expect(await present(await assertionOf(next.privateKey, { kid: 'k2' }))).toMatchObject({ error: 'invalid_client' });
    await vi.waitFor(async () => expect((await clients.find('lab-feed'))?.lastUsedAtMs).toBeGreaterThan(0));
  });

  it('is out once it is disabled', async () => {
    const { access_token } = await client.clientCredentialsGrant(await config(), { scope: 'alarm.read' });
    await clients.disable('lab-feed', Date.now());
    expect(await provider.principalOf(access_token)).toBeUndefined();
    expect(await present(await assertionOf(service.privateKey, {}))).toMatchObject({ error: 'invalid_client' });
  });

  function assertionOf(
    key: typeof service.privateKey,
    { aud, exp = 60, kid = 'k1' }: { readonly aud?: string; readonly exp?: number; readonly kid?: string },
  ) {
    const nowSeconds = Math.floor(Date.now() / 1000);
    return new SignJWT({ jti: randomBytes(16).toString('hex') })
      .setProtectedHeader({ alg: 'ES384', kid })
      .setIssuer('lab-feed')
      .setSubject('lab-feed')
      .setAudience(aud ?? provider.issuer)
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + exp)
      .sign(key);
  }

  const present = (assertion: string) =>
    presentAssertion(provider.issuer, server.ca, { assertion, scope: 'alarm.read' });
});

describe('what is stored', () => {
  it('opens nothing: no code, token or secret stands in the table', async () => {
    const { tokens } = await tokensFor('openid online_access');
    const { rows } = await database.pool.query<{ text: string }>('select r::text as text from oidc_record r');
    const all = rows.map(({ text }) => text).join('\n');
    expect(rows.length).toBeGreaterThan(2);
    for (const secret of [tokens.access_token, String(tokens.refresh_token)]) expect(all).not.toContain(secret);
  });
});
