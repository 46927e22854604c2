import { Type } from 'typebox';
import { memberIds, readScimPatch } from '../../domain/scim-patch.ts';
import type { DirectoryGroup, GroupChange } from '../../ports/user-directory.ts';
import type { Api } from '../validation.ts';
import { Wanted } from './scim-attributes.ts';
import { listed } from './scim-list.ts';
import { ListQuery, Patch, ScimId, type ScimServices } from './scim-query.ts';
import { groupResource, refuse, revisionAsked, sendList, sendResource } from './scim-shape.ts';

const GroupBody = Type.Object({
  displayName: Type.String({ minLength: 1, maxLength: 200 }),
  externalId: Type.Optional(Type.String({ maxLength: 256 })),
  members: Type.Optional(Type.Array(Type.Object({ value: Type.String({ maxLength: 64 }) }), { maxItems: 5_000 })),
});

/** A group of 5,000 people, with the ids and names a directory sends of each. */
const bodyLimit = 2 * 1024 * 1024;

/** The directory's groups: what they mean here is a setting, and follows every change of theirs at once. */
export function registerScimGroups(api: Api, services: ScimServices, tags: readonly string[]): void {
  const { directory, sync, base, newGroupId, now } = services;

  api.get(
    '/scim/v2/Groups',
    { config: { action: 'user.read' }, schema: { summary: 'Groups of the directory', tags, querystring: ListQuery } },
    async (request, reply) => {
      const list = await listed<DirectoryGroup, 'displayName' | 'externalId' | 'id'>(request.query, {
        indexed: INDEXED,
        normal: (_field, value) => value,
        async page(query) {
          const { total, groups } = await directory.groups(query);
          return { total, items: groups };
        },
        resourceOf: (group) => groupResource(group, base()),
        unfiltered: [],
      });
      return sendList(request, reply, list, (group) => groupResource(group, base()));
    },
  );

  api.get(
    '/scim/v2/Groups/:id',
    { config: { action: 'user.read' }, schema: { summary: 'One of them', tags, params: ScimId, querystring: Wanted } },
    async (request, reply) => {
      const group = await directory.findGroup(request.params.id);
      return group === undefined ? notThere(reply) : sendResource(request, reply, groupResource(group, base()));
    },
  );

  api.post(
    '/scim/v2/Groups',
    {
      bodyLimit,
      config: { action: 'user.write' },
      schema: { summary: 'A new group', tags, body: GroupBody, querystring: Wanted },
    },
    async (request, reply) => {
      const { displayName, externalId, members = [] } = request.body;
      const id = newGroupId();
      const made = { id, displayName, ...(externalId !== undefined && { externalId }), atMs: now() };
      if ((await directory.addGroup(made)) === 'taken')
        return refuse(reply, 409, 'There is a group of that name.', 'uniqueness');
      const group = (await directory.findGroup(id)) as DirectoryGroup;
      await sync.changeGroup(group, { replace: memberIds(members) ?? [] });
      return answer(request, reply, id, 201);
    },
  );

  api.put(
    '/scim/v2/Groups/:id',
    {
      bodyLimit,
      config: { action: 'user.write' },
      schema: { summary: 'As it is now', tags, params: ScimId, body: GroupBody, querystring: Wanted },
    },
    async (request, reply) => {
      const { displayName, externalId, members = [] } = request.body;
      return change(request, reply, request.params.id, {
        displayName,
        ...(externalId !== undefined && { externalId }),
        replace: memberIds(members) ?? [],
      });
    },
  );

  api.patch(
    '/scim/v2/Groups/:id',
    {
      bodyLimit,
      config: { action: 'user.write' },
      schema: { summary: 'What has changed', tags, params: ScimId, body: Patch, querystring: Wanted },
    },
    async (request, reply) => {
      const patch = readScimPatch(request.body.Operations);
      if (patch.kind === 'refused') return refuse(reply, 400, patch.detail, patch.scimType);
      const { set, addMembers, removeMembers, replaceMembers } = patch.change;
      const [displayName, externalId] = [set.get('displayname'), set.get('externalid')];
      return change(request, reply, request.params.id, {
        ...(typeof displayName === 'string' && displayName !== '' && { displayName: displayName.slice(0, 200) }),
        ...(typeof externalId === 'string' && { externalId: externalId.slice(0, 256) }),
        add: addMembers,
        remove: removeMembers,
        ...(replaceMembers !== undefined && { replace: replaceMembers }),
      });
    },
  );

  api.delete(
    '/scim/v2/Groups/:id',
    { config: { action: 'user.write' }, schema: { summary: 'No longer there', tags, params: ScimId } },
    async (request, reply) => {
      const group = await directory.findGroup(request.params.id);
      if (group === undefined) return notThere(reply);
      await sync.removeGroup(group);
      return reply.code(204).send();
    },
  );

  async function change(
    request: Parameters<typeof sendResource>[0],
    reply: Parameters<typeof refuse>[0],
    id: string,
    wanted: Omit<GroupChange, 'atMs'>,
  ) {
    const revision = revisionAsked(request);
    const group = await directory.findGroup(id);
    if (group === undefined) return notThere(reply);
    const outcome = revision === 'bad' ? 'stale' : await sync.changeGroup(group, wanted, revision);
    switch (outcome) {
      case 'changed':
        return answer(request, reply, id, 200);
      case 'stale':
        return refuse(reply, 412, 'Somebody changed it meanwhile.');
      case 'taken':
        return refuse(reply, 409, 'There is a group of that name.', 'uniqueness');
      case 'not-found':
        return notThere(reply);
      default:
        return outcome satisfies never;
    }
  }

  async function answer(
    request: Parameters<typeof sendResource>[0],
    reply: Parameters<typeof refuse>[0],
    id: string,
    status: 200 | 201,
  ) {
    const group = await directory.findGroup(id);
    return group === undefined ? notThere(reply) : sendResource(request, reply, groupResource(group, base()), status);
  }
}

const INDEXED: Readonly<Record<string, 'displayName' | 'externalId' | 'id'>> = {
  displayname: 'displayName',
  externalid: 'externalId',
  id: 'id',
};

const notThere = (reply: Parameters<typeof refuse>[0]) => refuse(reply, 404, 'There is no such group.');
