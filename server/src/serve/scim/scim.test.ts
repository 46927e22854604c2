import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyDatabase, openTestDatabase, type TestDatabase } from '../../adapters/postgres/test-database.ts';
import { PostgresUserDirectory } from '../../adapters/postgres/user-directory.ts';
import { DEFAULT_TENANT, type UserId } from '../../domain/ids.ts';
import { parseRoleGroup, type RoleGroup } from '../../domain/role-groups.ts';
import { createDirectorySync } from '../../identity/directory-sync.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { registerScim } from './scim-routes.ts';

let database: TestDatabase;
let directory: PostgresUserDirectory;
let server: TestServer;
let token: string;
let ended: string[];
const told: string[] = [];
let groupCount = 0;

beforeAll(async () => {
  database = await openTestDatabase();
  directory = new PostgresUserDirectory(database);
  const sync = createDirectorySync({
    directory,
    roleGroups: ['ICU Nurses=nurse@w3', 'Leads=charge-nurse@w3', 'IT=operator'].map(
      (text) => parseRoleGroup(text) as RoleGroup,
    ),
    endAll: async (userId) => void ended.push(userId),
    tellOwner: async (_userId, change) => void told.push(change),
    now: Date.now,
  });
  const newGroupId = () => `g-${++groupCount}`;
  const base = () => 'https://ward.example/scim/v2';
  server = await startTestServer({
    server: { plugins: [(app) => registerScim(app, { directory, sync, base, newGroupId, now: Date.now })] },
  });
  token = await server.token('admin');
});
afterAll(() => server.stop());
beforeEach(async () => {
  await emptyDatabase(database);
  ended = [];
});

const scim = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
  server.call(`/scim/v2${path}`, {
    method,
    token,
    headers: { ...(body !== undefined && { 'content-type': 'application/scim+json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

const CORA = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName: 'Cora.Lind',
  externalId: 'x-17',
  name: { givenName: 'Cora', familyName: 'Lind', formatted: 'Cora Lind' },
  emails: [{ value: 'cora@hospital.example', type: 'work', primary: true }],
  active: true,
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'ICU' },
};
const added = async (over: object = {}) => (await scim('POST', '/Users', { ...CORA, ...over })).body;
const rolesOf = async (id: string) => {
  const user = await directory.find(id as UserId);
  return [user?.roles, user?.wardIds];
};

describe('the hospital’s directory', () => {
  it('is asked who it is like everybody', async () => {
    expect((await server.call('/scim/v2/Users')).status).toBe(401);
    expect((await server.call('/scim/v2/Users', { token: await server.token('nurse') })).status).toBe(403);
  });

  it('is refused in its own words, whoever refuses', async () => {
    const stranger = await server.call('/scim/v2/Users');
    expect([stranger.headers['content-type'], stranger.body.status]).toEqual(['application/scim+json', '401']);
    const { body } = await scim('GET', '/Users?count=many');
    expect(body).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '400',
      code: 'invalid-input',
      scimType: 'invalidValue',
      detail: expect.stringContaining('count'),
    });
    const elsewhere = await server.call('/api/users', { token: await server.token('nurse') });
    expect(elsewhere.headers['content-type']).toBe('application/problem+json');
  });

  it('says what it speaks', async () => {
    const { status, headers, body } = await scim('GET', '/ServiceProviderConfig');
    expect([status, headers['content-type']]).toEqual([200, 'application/scim+json']);
    expect(body).toMatchObject({ patch: { supported: true }, etag: { supported: true }, bulk: { supported: false } });
    expect((await scim('GET', '/ResourceTypes')).body.Resources).toHaveLength(2);
    expect((await scim('GET', '/ResourceTypes/Group')).body.endpoint).toBe('/Groups');
    const { body: schemas } = await scim('GET', '/Schemas');
    expect(schemas.Resources.map(({ name }: { name: string }) => name)).toEqual(['User', 'Group']);
    expect((await scim('GET', `/Schemas/${schemas.Resources[0].id}`)).body).toEqual(schemas.Resources[0]);
    expect((await scim('GET', '/Schemas/x')).body).toMatchObject({ status: '404' });
  });

  it('sends somebody, finds them, and cannot send them twice', async () => {
    const made = await scim('POST', '/Users', CORA);
    expect([made.status, made.headers.location]).toEqual([201, `https://ward.example/scim/v2/Users/${made.body.id}`]);
    expect(made.body).toMatchObject({
      userName: 'cora.lind',
      displayName: 'Cora Lind',
      active: true,
      externalId: 'x-17',
    });
    for (const filter of ['userName eq "CORA.LIND"', 'externalId eq "x-17"', `id eq "${made.body.id}"`]) {
      const { body } = await scim('GET', `/Users?filter=${encodeURIComponent(filter)}`);
      expect(body, filter).toMatchObject({ totalResults: 1, Resources: [{ id: made.body.id }] });
    }
    expect((await scim('POST', '/Users', CORA)).body).toMatchObject({ status: '409', scimType: 'uniqueness' });
    for (const filter of ['userName xx "c"', 'groups.display eq "IT"'])
      expect((await scim('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body).toMatchObject({
        scimType: 'invalidFilter',
      });
  });

  it('neither sees nor changes accounts of ours, nor of another organisation', async () => {
    for (const [id, tenantId, source] of [
      ['u-1', DEFAULT_TENANT, 'local'],
      ['u-2', 'north', 'directory'],
    ] as const)
      await directory.add({
        id: id as UserId,
        name: id,
        displayName: id,
        roles: ['admin'],
        wardIds: [],
        tenantId: tenantId as typeof DEFAULT_TENANT,
        source,
        profile: {},
      });
    expect((await scim('GET', '/Users')).body.totalResults).toBe(0);
    for (const id of ['u-1', 'u-2']) {
      expect((await scim('GET', `/Users/${id}`)).status).toBe(404);
      expect((await scim('DELETE', `/Users/${id}`)).status).toBe(404);
      const patch = { Operations: [{ op: 'replace', path: 'active', value: false }] };
      expect((await scim('PATCH', `/Users/${id}`, patch)).status).toBe(404);
    }
    await scim('POST', '/Groups', { displayName: 'IT', members: [{ value: 'u-1' }] });
    expect(await rolesOf('u-1')).toEqual([['admin'], []]);
  });

  it('gives roles and wards by its groups, and takes them again', async () => {
    const { id } = await added();
    expect(await rolesOf(id)).toEqual([[], []]);
    const group = (await scim('POST', '/Groups', { displayName: 'ICU Nurses', members: [{ value: id }] })).body;
    expect(group.members).toMatchObject([{ value: id, display: 'Cora Lind' }]);
    expect(await rolesOf(id)).toEqual([['nurse'], ['w3']]);
    const leads = (await scim('POST', '/Groups', { displayName: 'Leads' })).body;
    await scim('PATCH', `/Groups/${leads.id}`, {
      Operations: [{ op: 'Add', path: 'members', value: [{ value: id }] }],
    });
    expect(await rolesOf(id)).toEqual([['nurse', 'charge-nurse'], ['w3']]);
    await scim('PATCH', `/Groups/${group.id}`, { Operations: [{ op: 'remove', path: `members[value eq "${id}"]` }] });
    expect(await rolesOf(id)).toEqual([['charge-nurse'], ['w3']]);
    await scim('PUT', `/Groups/${leads.id}`, { displayName: 'Choir', members: [{ value: id }] });
    expect(await rolesOf(id)).toEqual([[], []]);
    expect((await scim('GET', `/Users/${id}`)).body.groups).toMatchObject([{ display: 'Choir' }]);
    await scim('PUT', `/Groups/${leads.id}`, { displayName: 'Leads', members: [{ value: id }] });
    expect((await scim('DELETE', `/Groups/${leads.id}`)).status).toBe(204);
    expect(await rolesOf(id)).toEqual([[], []]);
  });

  it('changes nothing of whom it names and who is in no group of its own', async () => {
    const { id } = await added();
    // As another organisation's directory would have given it to its own.
    await directory.change(id, { roles: ['physician'] });
    const group = (await scim('POST', '/Groups', { displayName: 'ICU Nurses' })).body;
    await scim('PATCH', `/Groups/${group.id}`, { Operations: [{ op: 'remove', path: `members[value eq "${id}"]` }] });
    expect(await rolesOf(id)).toEqual([['physician'], []]);
  });

  it('ends what somebody has open when it sets them inactive, however it says so', async () => {
    const { id } = await added();
    const { body } = await scim('PATCH', `/Users/${id}`, {
      Operations: [{ op: 'Replace', value: { active: 'False' } }],
    });
    expect([body.active, ended]).toEqual([false, [id]]);
    await scim('PATCH', `/Users/${id}`, { Operations: [{ op: 'replace', path: 'active', value: true }] });
    expect((await directory.find(id))?.disabledAtMs).toBeUndefined();
  });

  it('takes somebody away, and sends them again: the same account, with nothing of what it could do', async () => {
    const { id } = await added();
    const group = (await scim('POST', '/Groups', { displayName: 'IT', members: [{ value: id }] })).body;
    expect((await scim('DELETE', `/Users/${id}`)).status).toBe(204);
    expect((await scim('GET', `/Users/${id}`)).status).toBe(404);
    expect(await directory.find(id)).toMatchObject({ roles: [], disabledAtMs: expect.any(Number) });
    const again = await scim('POST', '/Users', CORA);
    expect([again.status, again.body.id, again.body.active]).toEqual([201, id, true]);
    expect((await rolesOf(id))[0]).toEqual([]);
    // Nor do the groups it was in bring anything back.
    const rename = (displayName: string) =>
      scim('PATCH', `/Groups/${group.id}`, {
        Operations: [{ op: 'replace', path: 'displayName', value: displayName }],
      });
    await rename('Leads');
    expect((await rolesOf(id))[0]).toEqual([]);
    const renamed = { Operations: [{ op: 'replace', path: 'userName', value: 'cora.lind-maier' }] };
    expect((await scim('PATCH', `/Users/${id}`, renamed)).status).toBe(200);
    expect(told).toEqual(['name']);
  });

  it('changes only what is as it last saw it', async () => {
    const { id, meta } = await added();
    const change = (version: string) =>
      scim('PUT', `/Users/${id}`, { ...CORA, displayName: 'C. Lind' }, { 'if-match': version });
    expect((await change('W/"99"')).status).toBe(412);
    expect((await change('"x"')).status).toBe(412);
    const changed = await change(meta.version);
    expect([changed.status, changed.headers.etag]).toEqual([200, changed.body.meta.version]);
    expect(changed.body.meta.version).not.toBe(meta.version);
    expect((await change(meta.version)).status).toBe(412);
    const same = await scim('GET', `/Users/${id}`, undefined, { 'if-none-match': changed.body.meta.version });
    expect([same.status, same.raw]).toEqual([304, '']);
  });

  it.each([
    ['no name', {}],
    ['a name that is none', { userName: 'x y' }],
    ['a name of another kind', { userName: 7 }],
    ['half a character', { userName: 'a', displayName: '\ud800' }],
  ])('is refused %s', async (_what, body) => {
    expect((await scim('POST', '/Users', body)).status).toBe(400);
  });

  it('finds people and groups by any filter, and gets of them what it asks for', async () => {
    const { id } = await added();
    await added({ userName: 'dan', externalId: 'x-18', emails: [], active: false });
    const of = async (path: string, filter: string, more = '') =>
      (await scim('GET', `${path}?filter=${encodeURIComponent(filter)}${more}`)).body;
    const byMail = await of('/Users', 'emails[type eq "work" and value sw "CORA@"] and active eq true');
    expect(byMail).toMatchObject({ totalResults: 1, Resources: [{ id }] });
    expect(await of('/Users', 'userName pr', '&startIndex=0&count=-1')).toMatchObject({
      totalResults: 2,
      itemsPerPage: 0,
    });
    const group = (await scim('POST', '/Groups', { displayName: 'IT', members: [{ value: id }] })).body;
    expect(await of('/Groups', `id eq "${group.id}" and members eq "${id}"`)).toMatchObject({ totalResults: 1 });
    expect((await of('/Groups', 'members[value eq "x"]')).totalResults).toBe(0);
    const [bare] = (await of('/Groups', 'displayName eq "IT"', '&excludedAttributes=members')).Resources;
    expect([bare.id, bare.members]).toEqual([group.id, undefined]);
    const only = (await scim('GET', `/Users/${id}?attributes=userName,name.familyName`)).body;
    expect(only).toEqual({ schemas: CORA.schemas, id, userName: 'cora.lind', name: { familyName: 'Lind' } });
  });

  it('takes away what it kept of somebody', async () => {
    const { id } = await added();
    const remove = (path: string) => scim('PATCH', `/Users/${id}`, { Operations: [{ op: 'remove', path }] });
    for (const path of ['externalId', 'name.givenName', 'emails[type eq "work"]']) await remove(path);
    const { body } = await scim('GET', `/Users/${id}`);
    expect([body.externalId, body.emails, body.name]).toEqual([undefined, undefined, { familyName: 'Lind' }]);
    expect((await remove('userName')).status).toBe(400);
    const nothing = await scim('PATCH', `/Users/${id}`, { Operations: [{ op: 'remove' }] });
    expect(nothing.body).toMatchObject({ status: '400', scimType: 'noTarget' });
  });

  it('is paged through', async () => {
    for (const name of ['a1', 'a2', 'a3']) await added({ userName: name, externalId: name });
    const { body } = await scim('GET', '/Users?startIndex=2&count=1');
    expect(body).toMatchObject({ totalResults: 3, startIndex: 2, itemsPerPage: 1, Resources: [{ userName: 'a2' }] });
  });
});
