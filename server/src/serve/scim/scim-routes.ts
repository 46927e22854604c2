import type { FastifyInstance } from 'fastify';
import { strictJsonParser } from '../json-body.ts';
import type { Api } from '../validation.ts';
import { registerScimGroups } from './scim-groups.ts';
import type { ScimServices } from './scim-query.ts';
import { GROUP_SCHEMA, SCIM, send, USER_SCHEMA } from './scim-shape.ts';
import { registerScimUsers } from './scim-users.ts';

/** SCIM 2.0 for the hospital's directory, which calls with a service account or a key of its own. */
export function registerScim(app: FastifyInstance, services: ScimServices): void {
  app.addContentTypeParser(SCIM, { parseAs: 'string' }, strictJsonParser(app));
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
