import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { DirectorySync } from '../../identity/directory-sync.ts';
import type { UserDirectory } from '../../ports/user-directory.ts';
import type { Api } from '../validation.ts';
import { registerScimGroups } from './scim-groups.ts';
import { GROUP_SCHEMA, SCIM, send, USER_SCHEMA } from './scim-shape.ts';
import { registerScimUsers } from './scim-users.ts';

export interface ScimServices {
  readonly directory: UserDirectory;
  readonly sync: DirectorySync;
  /** `https://…/scim/v2`. */
  readonly base: () => string;
  readonly newGroupId: () => string;
  readonly now: () => number;
}

/** SCIM 2.0 for the hospital's directory, which calls with a service account or a key of its own. */
export function registerScim(app: FastifyInstance, services: ScimServices): void {
  app.addContentTypeParser(SCIM, { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'));
  const api = app as unknown as Api;
  const tags = ['directory'];
  registerScimUsers(api, services, tags);
  registerScimGroups(api, services, tags);

  api.get(
    '/scim/v2/ServiceProviderConfig',
    { config: { action: 'user.read' }, schema: { summary: 'What of SCIM is spoken here', tags } },
    (_request, reply) => send(reply, 200, SERVICE_PROVIDER),
  );
  api.get(
    '/scim/v2/ResourceTypes',
    { config: { action: 'user.read' }, schema: { summary: 'Users and groups', tags } },
    (_request, reply) =>
      send(reply, 200, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
        totalResults: 2,
        Resources: [
          { ...RESOURCE_TYPE, id: 'User', name: 'User', endpoint: '/Users', schema: USER_SCHEMA },
          { ...RESOURCE_TYPE, id: 'Group', name: 'Group', endpoint: '/Groups', schema: GROUP_SCHEMA },
        ],
      }),
  );
}

/** Where pages begin, how large they are, and what is looked for. */
export const ListQuery = Type.Object({
  startIndex: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
  count: Type.Optional(Type.Integer({ minimum: 0, maximum: 200 })),
  filter: Type.Optional(Type.String({ maxLength: 400 })),
  attributes: Type.Optional(Type.String({ maxLength: 400 })),
  excludedAttributes: Type.Optional(Type.String({ maxLength: 400 })),
});
export const ScimId = Type.Object({ id: Type.String({ maxLength: 64 }) });
export const PAGE = 100;

export const Patch = Type.Object({
  schemas: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 10 })),
  Operations: Type.Array(
    Type.Object({
      op: Type.String({ maxLength: 10 }),
      path: Type.Optional(Type.String({ maxLength: 300 })),
      value: Type.Optional(Type.Unknown()),
    }),
    { minItems: 1, maxItems: 100 },
  ),
});

const RESOURCE_TYPE = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'] };

const SERVICE_PROVIDER = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: 200 },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: true },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'Service account or key',
      description: 'A token of /oidc/token by private_key_jwt, or a key, with the scopes user.read and user.write.',
      primary: true,
    },
  ],
};
