import { type Static, Type } from 'typebox';
import { parseUserId } from '../../domain/ids.ts';
import { readScimPatch, type ScimChange, scimBoolean } from '../../domain/scim-patch.ts';
import type { DirectoryUser, DirectoryUserChange } from '../../identity/directory-sync.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { UserRecord } from '../../ports/user-directory.ts';
import { principalOf } from '../access-gate.ts';
import type { Api } from '../validation.ts';
import { Wanted } from './scim-attributes.ts';
import { listed } from './scim-list.ts';
import { ListQuery, Patch, ScimId, type ScimServices } from './scim-query.ts';
import { profileOf, refuse, revisionAsked, sendList, sendResource, userResource } from './scim-shape.ts';

const Text = Type.String({ maxLength: 256 });
const UserBody = Type.Object({
  userName: Type.String({ minLength: 1, maxLength: 256 }),
  displayName: Type.Optional(Text),
  externalId: Type.Optional(Text),
  active: Type.Optional(Type.Unknown()),
  name: Type.Optional(Type.Object({ givenName: Type.Optional(Text), familyName: Type.Optional(Text) })),
  emails: Type.Optional(
    Type.Array(Type.Object({ value: Type.Optional(Text), primary: Type.Optional(Type.Boolean()) }), { maxItems: 20 }),
  ),
});

/** The directory's people. It sees and changes those it sent, and no account of ours. */
export function registerScimUsers(api: Api, services: ScimServices, tags: readonly string[]): void {
  const { directory, sync, base } = services;

  api.get(
    '/scim/v2/Users',
    { config: { action: 'user.read' }, schema: { summary: 'People of the directory', tags, querystring: ListQuery } },
    async (request, reply) => {
      const { tenantId } = principalOf(request);
      const list = await listed<UserRecord, 'name' | 'externalId' | 'id'>(request.query, {
        indexed: INDEXED,
        normal: (field, value) => (field === 'name' ? value.toLowerCase() : value),
        async page(query) {
          const { total, users } = await directory.list({ tenantId, source: 'directory', ...query });
          return { total, items: users };
        },
        resourceOf: (user) => userResource(user, [], base()),
        // Who is in a group, the group says.
        unfiltered: ['groups'],
      });
      return sendList(request, reply, list, shown);
    },
  );

  api.get(
    '/scim/v2/Users/:id',
    { config: { action: 'user.read' }, schema: { summary: 'One of them', tags, params: ScimId, querystring: Wanted } },
    async (request, reply) => {
      const user = await ours(request.params.id, principalOf(request));
      return user === undefined ? notThere(reply) : sendResource(request, reply, await shown(user));
    },
  );

  api.post(
    '/scim/v2/Users',
    {
      config: { action: 'user.write' },
      schema: { summary: 'Somebody new', tags, body: UserBody, querystring: Wanted },
    },
    async (request, reply) => {
      const { tenantId } = principalOf(request);
      const user = await sync.addUser({ ...wantedOf(request.body), tenantId });
      if (user === 'taken') return refuse(reply, 409, 'There is an account of that name.', 'uniqueness');
      if (user === 'bad-name') return refuse(reply, 400, BAD_NAME, 'invalidValue');
      return sendResource(request, reply, await shown(user), 201);
    },
  );

  api.put(
    '/scim/v2/Users/:id',
    {
      config: { action: 'user.write' },
      schema: { summary: 'As they are now', tags, params: ScimId, body: UserBody, querystring: Wanted },
    },
    async (request, reply) => change(request, reply, request.params.id, wantedOf(request.body)),
  );

  api.patch(
    '/scim/v2/Users/:id',
    {
      config: { action: 'user.write' },
      schema: { summary: 'What has changed', tags, params: ScimId, body: Patch, querystring: Wanted },
    },
    async (request, reply) => {
      const patch = readScimPatch(request.body.Operations);
      if (patch.kind === 'refused') return refuse(reply, 400, patch.detail, patch.scimType);
      const user = await ours(request.params.id, principalOf(request));
      if (user === undefined) return notThere(reply);
      const wanted = changesOf(user, patch.change);
      if (typeof wanted === 'string') return refuse(reply, 400, wanted, 'invalidPath');
      return change(request, reply, request.params.id, wanted);
    },
  );

  api.delete(
    '/scim/v2/Users/:id',
    { config: { action: 'user.write' }, schema: { summary: 'No longer there', tags, params: ScimId } },
    async (request, reply) => {
      const revision = revisionAsked(request);
      const user = await ours(request.params.id, principalOf(request));
      if (user === undefined) return notThere(reply);
      if (revision === 'bad') return stale(reply);
      const outcome = await sync.removeUser(user, revision);
      return outcome === 'changed' ? reply.code(204).send() : stale(reply);
    },
  );

  async function change(
    request: Parameters<typeof sendResource>[0],
    reply: Parameters<typeof refuse>[0],
    id: string,
    wanted: DirectoryUserChange,
  ) {
    const revision = revisionAsked(request);
    const user = await ours(id, principalOf(request));
    if (user === undefined) return notThere(reply);
    if (revision === 'bad') return stale(reply);
    const outcome = await sync.changeUser(user, wanted, revision);
    switch (outcome.kind) {
      case 'changed':
        return sendResource(request, reply, await shown(outcome.user));
      case 'stale':
        return stale(reply);
      case 'taken':
        return refuse(reply, 409, 'There is an account of that name.', 'uniqueness');
      case 'bad-name':
        return refuse(reply, 400, BAD_NAME, 'invalidValue');
      case 'not-found':
        return notThere(reply);
      default:
        return outcome satisfies never;
    }
  }

  async function ours(id: string, { tenantId }: Principal): Promise<UserRecord | undefined> {
    const userId = parseUserId(id);
    const user = userId && (await directory.find(userId));
    const isTheirs = user?.source === 'directory' && user.tenantId === tenantId && user.profile.isRemoved !== true;
    return isTheirs ? user : undefined;
  }

  const shown = async (user: UserRecord) => userResource(user, await directory.groupsOf(user.id), base());
}

const INDEXED: Readonly<Record<string, 'name' | 'externalId' | 'id'>> = {
  username: 'name',
  externalid: 'externalId',
  id: 'id',
};

const BAD_NAME = 'userName: up to 64 letters, digits and . _ @ -, beginning with a letter or digit.';

const notThere = (reply: Parameters<typeof refuse>[0]) => refuse(reply, 404, 'Nobody of the directory has that id.');
const stale = (reply: Parameters<typeof refuse>[0]) => refuse(reply, 412, 'Somebody changed it meanwhile.');

function wantedOf(body: Static<typeof UserBody>): DirectoryUser {
  const { userName, displayName, externalId, active } = body;
  return {
    userName,
    ...(displayName !== undefined && { displayName }),
    ...(externalId !== undefined && { externalId }),
    profile: profileOf(body),
    isActive: scimBoolean(active) ?? true,
  };
}

/** What of a PATCH concerns us; what we do not keep is passed over, as RFC 7644 §3.5.2 lets us. */
function changesOf(user: UserRecord, { set }: ScimChange): DirectoryUserChange | string {
  const text = (value: unknown) => (typeof value === 'string' && value.length <= 256 ? value : undefined);
  const isGone = (path: string) => set.get(path) === null;
  if (isGone('username')) return 'userName cannot be taken away';
  const name = set.get('name') as { readonly givenName?: unknown; readonly familyName?: unknown } | undefined;
  const emails = set.get('emails') as readonly { readonly value?: unknown }[] | undefined;
  const [userName, displayName, externalId] = ['username', 'displayname', 'externalid'].map((key) =>
    text(set.get(key)),
  );
  const givenName = text(set.get('name.givenname') ?? name?.givenName);
  const familyName = text(set.get('name.familyname') ?? name?.familyName);
  const email = text(set.get('emails.value') ?? (Array.isArray(emails) ? emails[0]?.value : undefined));
  const isActive = set.has('active') ? scimBoolean(set.get('active')) : undefined;
  if (set.has('active') && isActive === undefined) return 'active must be true or false';
  // What a directory takes away is gone here, too.
  const gone = {
    givenName: isGone('name.givenname') || isGone('name'),
    familyName: isGone('name.familyname') || isGone('name'),
    email: isGone('emails.value') || isGone('emails'),
  };
  const isProfile = (givenName ?? familyName ?? email) !== undefined || Object.values(gone).includes(true);
  const left = Object.entries(user.profile).filter(
    ([key]) => !Object.hasOwn(gone, key) || !gone[key as keyof typeof gone],
  );
  return {
    ...(userName !== undefined && { userName }),
    ...(displayName !== undefined && { displayName }),
    ...(isGone('externalid') ? { externalId: null } : externalId !== undefined && { externalId }),
    ...(isActive !== undefined && { isActive }),
    ...(isProfile && {
      profile: {
        ...Object.fromEntries(left),
        ...(givenName !== undefined && { givenName }),
        ...(familyName !== undefined && { familyName }),
        ...(email !== undefined && { email }),
      },
    }),
  };
}
