import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withOpenData } from '../../server/src/apps/open-data.ts';
import { ACCOUNT_ROLES, ACTION_NAMES, type Action } from '../../server/src/domain/access.ts';
import { createSessions } from '../../server/src/identity/sessions.ts';
import type { Asked, Endpoint } from './endpoints.ts';
import type { Answer } from './furnishing.ts';
import { fromBrowser, startWorld, type World } from './world.ts';

/** More than one was given: with a key for something else, with fields nobody asked for, with what is another person's. */
let world: World;
beforeAll(async () => {
  world = await startWorld([
    { name: 'nora', roles: ['nurse'], wardIds: ['A'] },
    { name: 'nina', roles: ['nurse'], wardIds: ['A'] },
    { name: 'ada', roles: ['admin', 'nurse'], wardIds: ['A'] },
    { name: 'pia', roles: ['privacy-officer', 'security', 'operator'], wardIds: ['A'] },
    { name: 'everything', roles: ACCOUNT_ROLES.filter((role) => role !== 'kiosk'), wardIds: [] },
  ]);
}, 120_000);
afterAll(() => world?.stop());

const nameOf = ({ method, url }: Endpoint): string => `${method} ${url}`;
const isAction = (asks: Endpoint['asks']): asks is Action => ACTION_NAMES.some((name) => name === asks);

describe('a key for one thing, of somebody who may everything', () => {
  it('opens the doors of that thing and no others, whichever it is', async () => {
    // A live stream never ends: who may open one is asked on a socket elsewhere.
    const doors = world.endpoints.filter(({ asks, url }) => isAction(asks) && url !== '/api/live');
    const wrong: string[] = [];
    await withOpenData(world.program.settings, Date.now, async ({ accounts }) => {
      const user = (await accounts.findUser('everything')) ?? expect.fail('nobody');
      const sessions = createSessions({ accounts, now: Date.now });
      for (const [turn, scope] of ACTION_NAMES.entries()) {
        const { secret } = await sessions.createApiToken(user, 3_600_000, { scopes: [scope] });
        // That every route asks at its door, the walk over all routes shows; here each key is tried at every kind of door.
        for (const kind of Map.groupBy(doors, ({ asks }) => asks).values()) {
          const endpoint = kind[turn % kind.length] as Endpoint;
          // Without what it needs to do anything: the door is asked before anything is read.
          const nothing = { path: endpoint.valid.path, query: {}, headers: {} };
          const { status } = await world.ask(endpoint, nothing, { secret });
          if (endpoint.asks !== scope && status !== 403) wrong.push(`${scope}: ${nameOf(endpoint)} ${status}`);
        }
      }
    });
    expect(wrong).toEqual([]);
  }, 300_000);
});

describe('fields that were not asked for', () => {
  /** What somebody would like to be, to own, or to have been. */
  const WISHES: Readonly<Record<string, unknown>> = {
    role: 'admin',
    roles: ['admin', 'physician'],
    isAdmin: true,
    tenantId: 'other',
    tenant: 'other',
    id: 'mine',
    userId: 'u-all-admin',
    ownerId: 'u-all-admin',
    wardIds: [],
    wards: [],
    source: 'directory',
    passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    disabledAtMs: null,
    createdAt: '1999-01-01T00:00:00Z',
    createdBy: 'somebody else',
    acknowledgedBy: 'somebody else',
    recordedBy: 'somebody else',
    mfaAtMs: 9e15,
    verified: true,
    scopes: ['*'],
  };
  /** They take what others send, and keep of it what they know; each is looked at below. */
  const OPEN = [
    /^\w+ \/scim\//,
    /^\w+ \/fhir\//,
    /\/devices\/:id\/(config|commands)$/,
    /^\w+ \/(hooks|oidc)\//,
    /\/ingest\//,
  ];

  it('are refused', async () => {
    const taken: string[] = [];
    for (const endpoint of world.endpoints) {
      const { valid } = endpoint;
      if (valid.body === undefined || OPEN.some((open) => open.test(nameOf(endpoint)))) continue;
      const body = valid.body as Readonly<Record<string, unknown>>;
      for (const [name, value] of Object.entries(WISHES)) {
        if (isKnown(endpoint, name)) continue;
        const answer = await world.ask(endpoint, { ...valid, body: { ...body, [name]: value } });
        if (answer.status !== 400) taken.push(`${nameOf(endpoint)} takes ${name}: ${answer.status}`);
      }
    }
    expect(taken).toEqual([]);
  }, 300_000);

  it('are nothing to the directory’s interface: whom it sends has no role by it, and is of its organisation', async () => {
    const secret = await withOpenData(world.program.settings, Date.now, async ({ accounts }) => {
      const user = (await accounts.findUser('all-admin')) ?? expect.fail('nobody');
      const sessions = createSessions({ accounts, now: Date.now });
      return (await sessions.createApiToken(user, 3_600_000, { scopes: ['user.*'] })).secret;
    });
    const users = world.endpoints.find((one) => nameOf(one) === 'POST /scim/v2/Users') ?? expect.fail('no such route');
    const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];
    const body = { ...WISHES, schemas, userName: 'wishful', displayName: 'Wishful', active: true };
    const sent = await world.ask(users, { path: {}, query: {}, headers: {}, body }, { secret });
    if (sent.status !== 400) {
      expect(sent.status).toBe(201);
      const { id } = JSON.parse(sent.text);
      expect(id).not.toBe('mine');
      const account = await world.as('admin', 'GET', `/api/users/${id}`);
      expect(JSON.parse(account.text)).toMatchObject({ name: 'wishful', roles: [], hasPassword: false });
    }
  });

  it('are nothing to a device’s reading, not even whose it is', async () => {
    const ingest = world.endpoints.find(({ asks }) => asks === 'device') ?? expect.fail('no such route');
    const reading = { id: 'wish', at: new Date().toISOString(), vitals: { heartRate: 80 } };
    for (const wish of [{ patientId: 'PB' }, { deviceId: 'DB' }, { ward: 'B' }])
      expect((await world.ask(ingest, { ...ingest.valid, body: { ...reading, ...wish } })).text).not.toContain(
        '"accepted"',
      );
  });
});

/** What its schema has anyway; and where it reads no body at all, nothing in one means anything. */
function isKnown({ method, url }: Endpoint, name: string): boolean {
  const route = world.program.app.routeList.find((one) => one.url === url && [one.method].flat().includes(method));
  return route?.schema?.body === undefined || JSON.stringify(route.schema.body).includes(`"${name}":{`);
}

describe('whoever manages accounts', () => {
  it('gives themselves nothing that they have not: no role, no ward, and so nothing of patients', async () => {
    const admin = { secret: world.program.secretOf('ada') };
    const change = async (id: string, more: object) => {
      const endpoint: Endpoint = {
        method: 'PATCH',
        url: '/api/users/:id',
        asks: 'user.write',
        valid: EMPTY,
        slots: [],
      };
      const { revision } = JSON.parse((await world.as('admin', 'GET', `/api/users/${id}`)).text);
      return world.ask(endpoint, { ...EMPTY, path: { id }, body: { revision, ...more } }, admin);
    };
    const more = { roles: ['admin', 'nurse', 'physician'] };
    expect(JSON.parse((await change('u-ada', more)).text)).toMatchObject({ status: 409, code: 'own-rights' });
    for (const wards of [[], ['A', 'B']])
      expect(JSON.parse((await change('u-ada', { wards })).text)).toMatchObject({ status: 403, code: 'other-ward' });
    const less = await change('u-ada', { roles: ['admin'], wards: ['A'], displayName: 'Ada' });
    expect(less.status, less.text).toBe(200);
    expect((await change('u-nina', { roles: ['nurse', 'charge-nurse'] })).status).toBe(200);
  });
});

describe('whoever manages the accounts of one ward', () => {
  const ask = (method: string, url: string, body?: object, who = 'ada'): Promise<Answer> =>
    world.ask(
      { method, url, asks: 'user.write', valid: EMPTY, slots: [] },
      { ...EMPTY, ...(body !== undefined && { body }) },
      { secret: world.program.secretOf(who) },
    );
  const SERVICE = { kind: 'service', name: 'S', scopes: ['alarm.read'], roles: ['integration'] };
  const service = (id: string, wards: readonly string[]) => ({ ...SERVICE, id, wards, jwks: { keys: [publicKey()] } });
  const MORE = [[], ['B'], ['A', 'B']];
  const MADE = [201, 409];

  it('gives that ward and no more, to a person or a system', async () => {
    const user = { name: 'fresh', displayName: 'Fresh', roles: ['physician'] };
    const app = { id: 'x-app', kind: 'app', name: 'X', redirectUris: ['https://x.example/in'], scopes: ['user/*.rs'] };
    for (const wards of MORE)
      for (const [method, url, body] of [
        ['POST', '/api/users', { ...user, wards }],
        ['PATCH', '/api/users/u-target-A', { revision: 1, wards }],
        ['POST', '/api/clients', service('x-svc', wards)],
        // People of every ward sign in to it.
        ['POST', '/api/clients', app],
      ] as const)
        expect(JSON.parse((await ask(method, url, body)).text), `${method} ${url} ${wards}`).toMatchObject({
          status: 403,
          code: 'other-ward',
        });
    // Tried once more, they are there.
    expect(MADE).toContain((await ask('POST', '/api/users', { ...user, wards: ['A'] })).status);
    expect(MADE).toContain((await ask('POST', '/api/clients', service('a-svc', ['A']))).status);
  });

  it('has nothing to do with whoever has more than that ward: they are not there', async () => {
    for (const wards of MORE) {
      const made = await ask('POST', '/api/clients', service(`svc-${wards.join('')}`, wards), 'all-admin');
      expect(MADE).toContain(made.status);
    }
    const people = ['all-admin', 'everything', 'target-B'].flatMap((name) =>
      (
        [
          ['GET', ''],
          ['PATCH', '', { revision: 1, disabled: true }],
          ['POST', '/invitation'],
          ['POST', '/reset-factors'],
          ['POST', '/end-sessions'],
          ['GET', '/own-records'],
          ['PUT', '/own-records', { patientId: 'PA' }],
          ['GET', '/contacts'],
          ['PUT', '/contacts', { contacts: [] }],
        ] as const
      ).map(([method, rest, body]) => [method, `/api/users/u-${name}${rest}`, body] as const),
    );
    const systems = ['svc-', 'svc-B', 'svc-AB'].flatMap((id) => [
      ['POST', `/api/clients/${id}/keys`, { key: publicKey() }] as const,
      ['DELETE', `/api/clients/${id}/keys/k`] as const,
      ['DELETE', `/api/clients/${id}`] as const,
    ]);
    const [theirs, hers] = [await keyOf('all-nurse'), await keyOf('nora')];
    const keys = [['DELETE', `/api/api-keys/${theirs}`] as const];
    for (const [method, url, body] of [...people, ...systems, ...keys])
      expect((await ask(method, url, body)).status, `${method} ${url}`).toBe(404);
    expect((await ask('GET', '/api/session', undefined, 'all-admin')).status).toBe(200);
    const listed = async (path: string) => (await ask('GET', path)).text;
    const users: readonly { wards: readonly string[] }[] = JSON.parse(await listed('/api/users')).users;
    expect([users.length > 3, users.every(({ wards }) => wards.join() === 'A')]).toEqual([true, true]);
    expect(JSON.parse(await listed('/api/clients')).clients.map(({ id }: { id: string }) => id)).toEqual(['a-svc']);
    const open = JSON.parse(await listed('/api/api-keys')).keys.map(({ id }: { id: string }) => id);
    expect([open.includes(hers), open.includes(theirs)]).toEqual([true, false]);
    expect((await ask('DELETE', `/api/api-keys/${hers}`)).status).toBe(204);
    expect((await ask('POST', '/api/users/u-target-A/end-sessions')).status).toBe(204);
  });

  it('is no directory: that one speaks for all wards', async () => {
    for (const url of ['/scim/v2/Users', '/%73cim/v2/Groups', '/scim/v2/Schemas'])
      expect((await ask('GET', url)).status, url).toBe(403);
    expect((await ask('POST', '/scim/v2/Groups', { displayName: 'IT' })).status).toBe(403);
    expect((await ask('GET', '/scim/v2/Groups', undefined, 'all-admin')).status).toBe(200);
  });

  async function keyOf(name: string): Promise<string> {
    const body = { label: 'script', scopes: ['alarm.read'], days: 1 };
    const made = await ask('POST', '/api/me/keys', body, name);
    return JSON.parse(made.text).id;
  }
});

describe('whoever was given a ward', () => {
  it('has nothing of what is of all wards, and is not shown the way there', async () => {
    const doors = world.endpoints.filter(({ asks }) => OF_ALL_WARDS.some((one) => one === asks));
    const open: string[] = [];
    for (const endpoint of doors) {
      const { status } = await world.ask(endpoint, endpoint.valid, { secret: world.program.secretOf('pia') });
      if (status !== 403) open.push(`${nameOf(endpoint)} ${status}`);
    }
    expect([doors.length > 20, open]).toEqual([true, []]);
    const session: Endpoint = { method: 'GET', url: '/api/session', asks: 'signed-in', valid: EMPTY, slots: [] };
    const { actions } = JSON.parse((await world.ask(session, EMPTY, { secret: world.program.secretOf('pia') })).text);
    expect(actions).toContain('consent.read');
    expect(actions).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(audit|security-alert|channel)\./)]));
  });
});

const OF_ALL_WARDS: readonly Action[] = [
  'audit.read',
  'security-alert.read',
  'security-alert.close',
  'leak-scan.run',
  'break-glass.review',
  'access.explain',
  'channel.write',
];

const publicKey = () => ({
  ...(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }) as object),
  kid: 'k',
});

describe('what is somebody else’s own', () => {
  const ask = (name: string, method: string, url: string, body?: object): Promise<Answer> => {
    const endpoint: Endpoint = { method, url, asks: 'signed-in', valid: EMPTY, slots: [] };
    return world.ask(
      endpoint,
      { ...EMPTY, headers: fromBrowser(world.program.secretOf(name)), ...(body !== undefined && { body }) },
      { secret: undefined },
    );
  };

  it('is there for nobody: sessions, keys, second factors, emergencies, browsers', async () => {
    const made = await ask('nora', 'POST', '/api/me/keys', { label: 'script', scopes: ['alarm.read'], days: 1 });
    const key = JSON.parse(made.text);
    expect(made.status).toBe(201);
    const { open } = JSON.parse((await ask('nora', 'GET', '/api/me/access')).text);
    const session = open.find(({ kind }: { kind: string }) => kind === 'session');
    const opened = await ask('nora', 'POST', '/api/break-glass', {
      patientId: 'PB',
      reason: 'unresponsive in the corridor',
      minutes: 5,
    });
    expect(opened.status, opened.text).toBe(201);
    const emergency = JSON.parse(opened.text);
    const tries = [
      ['DELETE', '/api/me/access/', key.id, 'ffffffffffffffff'],
      ['DELETE', '/api/me/access/', session.id, 'ffffffffffffffff'],
      ['POST', '/api/break-glass/', `${emergency.id}/end`, 'none/end'],
      ['DELETE', '/api/session/factors/', 'f-of-nora', 'f-none'],
    ] as const;
    for (const [method, url, theirs, none] of tries) {
      const [hers, nothing] = [await ask('nina', method, url + theirs), await ask('nina', method, url + none)];
      expect([hers.status, hers.text], url).toEqual([nothing.status, nothing.text]);
      expect(hers.status, url).toBeGreaterThanOrEqual(400);
    }
    expect((await ask('nora', 'GET', '/api/session')).status).toBe(200);
    expect(JSON.parse((await ask('nora', 'GET', '/api/me/access')).text).open).toHaveLength(open.length);
    expect((await ask('nora', 'GET', '/api/patients/PB')).status).toBe(200);
    expect((await ask('nina', 'GET', '/api/patients/PB')).status).toBe(404);
  });

  it('is in no list of one’s own', async () => {
    for (const { method, url } of world.endpoints.filter(
      ({ method, url }) => method === 'GET' && /^\/api\/(me\/|push\/)/.test(url),
    ))
      expect((await ask('nina', method, url)).text, url).not.toMatch(/nora/i);
  });

  it('is not reached by a name in the address, a header or a body', async () => {
    for (const headers of [
      { 'x-user-id': 'u-nora' },
      { 'x-forwarded-user': 'nora' },
      { 'x-original-url': '/api/users' },
    ])
      expect(
        JSON.parse(
          (
            await world.ask(
              { method: 'GET', url: '/api/session', asks: 'signed-in', valid: EMPTY, slots: [] },
              { ...EMPTY, headers },
              { secret: world.program.secretOf('nina') },
            )
          ).text,
        ).name,
      ).toBe('nina');
  });
});

const EMPTY: Asked = { path: {}, query: {}, headers: {} };
