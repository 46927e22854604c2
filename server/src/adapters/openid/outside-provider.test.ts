import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Provider from 'oidc-provider';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_TENANT, type TenantId, type UserId } from '../../domain/ids.ts';
import { parseRoleGroup, type RoleGroup } from '../../domain/role-groups.ts';
import { createFederation } from '../../identity/federation.ts';
import { openIdentityKeys } from '../../identity/identity-keys.ts';
import { keptFile } from '../../identity/kept-file.ts';
import { createPasswords } from '../../identity/passwords.ts';
import { createSeal } from '../../identity/seal.ts';
import { createSecondFactorDesk } from '../../identity/second-factors.ts';
import { createSessions } from '../../identity/sessions.ts';
import { createSignIn } from '../../identity/sign-in.ts';
import { createBrowser, startTls } from '../../identity/test-app.ts';
import { createTickets } from '../../identity/tickets.ts';
import { PostgresAccounts } from '../postgres/accounts.ts';
import { PostgresSecondFactors } from '../postgres/second-factors.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../postgres/test-database.ts';
import { PostgresUserDirectory } from '../postgres/user-directory.ts';
import { createOutsideProvider } from './outside-provider.ts';

const CALLBACK = 'https://ward.example/api/session/outside/callback';

let database: TestDatabase;
let folder: string;
let server: Awaited<ReturnType<typeof startTls>>;
/** The hospital's own provider: another instance, that knows nothing of ours but our key. */
let hospital: Provider;
let signingJwk: Readonly<Record<string, unknown>>;
/** Who is signed in there, and what it says of them. */
let person: { sub: string; preferred_username: string; name: string; groups: string[] };
let amr: string[];

beforeAll(async () => {
  database = await openTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'healthsync-outside-'));
  const keys = await openIdentityKeys(keptFile(join(folder, 'keys.json')), Date.now);
  signingJwk = keys.signing.find(({ jwk }) => jwk.alg === 'ES256')?.jwk ?? expect.fail('no key');
  const { d: _, ...publicJwk } = signingJwk;
  server = await startTls((request, response) => void route(request, response));
  hospital = new Provider(server.url, {
    clients: [
      {
        client_id: 'healthsync',
        redirect_uris: [CALLBACK],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: [publicJwk as never] },
      },
      {
        client_id: 'by-secret',
        client_secret: 'a shared secret of ours',
        redirect_uris: [CALLBACK],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub', 'amr'], profile: ['name', 'preferred_username', 'groups'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, interaction) => `/step/${interaction.uid}` },
    cookies: { keys: ['test'] },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...person, sub, amr }) }),
  });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await emptyDatabase(database);
  person = { sub: 'h-1', preferred_username: 'Noor', name: 'Noor B.', groups: ['ICU Nurses'] };
  amr = ['pwd'];
});

async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!request.url?.startsWith('/step/')) return void hospital.callback()(request, response);
  const { params } = await hospital.interactionDetails(request, response);
  const grant = new hospital.Grant({ accountId: person.sub, clientId: String(params['client_id']) });
  grant.addOIDCScope('openid profile email');
  const location = await hospital.interactionResult(request, response, {
    login: { accountId: person.sub, amr },
    consent: { grantId: await grant.save() },
  });
  response.writeHead(303, { location }).end();
}

function house(roles: readonly ('admin' | 'nurse')[] = [], proof: { secret: string } | undefined = undefined) {
  const accounts = new PostgresAccounts(database);
  const directory = new PostgresUserDirectory(database);
  const store = new PostgresSecondFactors(database);
  const seal = createSeal(randomBytes(32));
  const tickets = createTickets({ seal, store, now: Date.now });
  const desk = createSecondFactorDesk({ store, seal, tickets, now: Date.now });
  const sessions = createSessions({ accounts, now: Date.now });
  const passwords = createPasswords({ cost: { ln: 4, r: 8, p: 1 } });
  const signIn = createSignIn({ accounts, sessions, passwords, now: Date.now, secondFactor: { desk, roles } });
  const provider = createOutsideProvider({
    issuer: server.url,
    clientId: proof === undefined ? 'healthsync' : 'by-secret',
    proof: proof ?? { jwk: signingJwk },
    redirectUri: CALLBACK,
    scopes: ['openid', 'profile'],
    groupsClaim: 'groups',
    nameClaim: 'preferred_username',
    ca: server.ca,
  });
  const roleGroups = ['ICU Nurses=nurse@w3', 'IT=admin'].map((text) => parseRoleGroup(text) as RoleGroup);
  const federation = createFederation({
    provider,
    directory,
    signIn,
    tickets,
    roleGroups,
    endAll: (userId) => sessions.endAll(userId),
  });
  return { federation, directory, accounts, sessions, provider };
}

/** There and back, as a browser does. */
async function walk({ federation }: ReturnType<typeof house>) {
  const { url, ticket } = await federation.begin();
  const browser = createBrowser(server.ca);
  for (let next = url, hops = 0; hops < 6; hops++) {
    const { status, location, body } = await browser.get(next);
    if (status !== 303) throw new Error(`${status} ${body}`);
    next = new URL(location, next).href;
    if (next.startsWith(CALLBACK)) return { back: new URL(next), ticket };
  }
  throw new Error('never came back');
}

async function signIn(place: ReturnType<typeof house>) {
  const { back, ticket } = await walk(place);
  return place.federation.finish(back, ticket);
}

describe('another provider', () => {
  it('brings people in as what their groups mean, with the same account each time', async () => {
    const place = house();
    const first = await signIn(place);
    expect(first).toMatchObject({
      kind: 'signed-in',
      principal: { name: 'noor', displayName: 'Noor B.', roles: ['nurse'], wardIds: ['w3'], factors: ['federated'] },
    });
    person = { ...person, preferred_username: 'noor.married', groups: ['IT'] };
    const second = await signIn(place);
    if (first.kind !== 'signed-in' || second.kind !== 'signed-in') return expect.fail(second.kind);
    expect(second.principal).toMatchObject({ userId: first.principal.userId, name: 'noor', roles: ['admin'] });
  });

  it('may prove itself to by a secret instead of our key', async () => {
    expect(await signIn(house([], { secret: 'a shared secret of ours' }))).toMatchObject({ kind: 'signed-in' });
  });

  it('counts for a second factor only where it says that it asked for one', async () => {
    const place = house(['nurse']);
    expect(await signIn(place)).toMatchObject({ kind: 'enrol' });
    amr = ['pwd', 'otp', 'mfa'];
    const opened = await signIn(place);
    expect(opened).toMatchObject({ kind: 'signed-in' });
    expect(opened.kind === 'signed-in' && opened.principal.mfaAtMs).toBeGreaterThan(0);
  });

  it('lets nobody in whom none of their groups means anything, at first or any more', async () => {
    const place = house();
    person.groups = ['Choir'];
    expect(await signIn(place)).toEqual({ kind: 'nobody-here' });
    person.groups = ['ICU Nurses'];
    await signIn(place);
    person.groups = [];
    expect(await signIn(place)).toEqual({ kind: 'nobody-here' });
  });

  it('that says they are nothing any more ends what they have open elsewhere, and keys', async () => {
    const place = house();
    const opened = await signIn(place);
    if (opened.kind !== 'signed-in') return expect.fail(opened.kind);
    const user = (await place.accounts.findUserById(opened.principal.userId)) ?? expect.fail('nobody');
    const key = await place.sessions.createApiToken(user, 3_600_000);
    person.groups = [];
    await signIn(place);
    for (const secret of [opened.secret, key.secret]) expect(await place.sessions.authenticate(secret)).toBeUndefined();
    expect(await place.accounts.findUserById(user.id)).toMatchObject({ roles: [] });
  });

  it('speaks for its own organisation: whom another one’s directory sent, it does not bring in', async () => {
    const place = house();
    await database.pool.query(`insert into tenant (id, name) values ('north', 'North') on conflict do nothing`);
    await place.directory.add({
      id: 'u-3' as UserId,
      name: 'noor',
      displayName: 'Noor of the north',
      roles: ['physician'],
      wardIds: [],
      tenantId: 'north' as TenantId,
      source: 'directory',
      profile: {},
    });
    expect(await signIn(place)).toEqual({ kind: 'name-taken' });
  });

  it('never takes over an account of ours that bears the name', async () => {
    const place = house();
    await place.accounts.putUser({
      id: 'u-1' as UserId,
      name: 'noor',
      displayName: 'N',
      roles: ['admin'],
      wardIds: [],
    });
    expect(await signIn(place)).toEqual({ kind: 'name-taken' });
  });

  it('meets whom the hospital’s directory has sent before, under that account', async () => {
    const place = house();
    await place.directory.add({
      id: 'u-2' as UserId,
      name: 'noor',
      displayName: 'Noor of the directory',
      roles: ['nurse'],
      wardIds: [],
      tenantId: DEFAULT_TENANT,
      source: 'directory',
      profile: {},
    });
    expect(await signIn(place)).toMatchObject({ kind: 'signed-in', principal: { userId: 'u-2' } });
    await place.directory.change('u-2' as UserId, { disabledAtMs: Date.now() });
    expect(await signIn(place)).toEqual({ kind: 'nobody-here' });
  });

  it('is believed once, by the browser that began, for what it began', async () => {
    const place = house();
    const { back, ticket } = await walk(place);
    const other = await place.federation.begin();
    expect(await place.federation.finish(back, undefined)).toEqual({ kind: 'refused' });
    expect(await place.federation.finish(back, other.ticket)).toEqual({ kind: 'refused' });
    const touched = new URL(back);
    touched.searchParams.set('code', 'made-up');
    const again = await walk(place);
    expect(await place.federation.finish(touched, again.ticket)).toEqual({ kind: 'refused' });
    expect(await place.federation.finish(back, ticket)).toMatchObject({ kind: 'signed-in' });
    expect(await place.federation.finish(back, ticket)).toEqual({ kind: 'refused' });
  });

  it('that is away is said to be away, and tried again', async () => {
    const place = house();
    const away = createOutsideProvider({
      issuer: 'https://localhost:1',
      clientId: 'x',
      proof: { secret: 'abcdefgh' },
      redirectUri: CALLBACK,
      scopes: ['openid'],
      groupsClaim: 'groups',
      nameClaim: 'preferred_username',
    });
    await expect(away.begin()).rejects.toMatchObject({ code: 'provider-unavailable', retryable: true });
    expect(await place.provider.begin()).toHaveProperty('url');
  });
});
