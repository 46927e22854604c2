import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { strictJsonParser } from '../json-body.ts';
import type { Api } from '../validation.ts';
import { seesWholeHouse } from '../ward-scope.ts';
import { registerScimGroups } from './scim-groups.ts';
import type { ScimServices } from './scim-query.ts';
import { SCHEMAS } from './scim-schemas.ts';
import { asScimError, GROUP_SCHEMA, refuse, SCIM, send, USER_SCHEMA } from './scim-shape.ts';
import { registerScimUsers } from './scim-users.ts';

/** SCIM 2.0 for the hospital's directory, which calls with a service account or a key of its own. */
export function registerScim(app: FastifyInstance, services: ScimServices): void {
  app.addContentTypeParser(SCIM, { parseAs: 'string' }, strictJsonParser(app));
  app.addHook('onSend', async (request, reply, payload) =>
    request.url.startsWith('/scim/') ? asScimError(reply, payload) : payload,
  );
  // Its groups say who is what in every ward.
  app.addHook('preHandler', async (request, reply) => {
    const { principal, routeOptions } = request;
    if (routeOptions.url?.startsWith('/scim/') !== true || principal === undefined || seesWholeHouse(principal)) return;
    await refuse(reply, 403, 'A directory speaks for all wards: its account or key is given none in particular.');
  });
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
    (_request, reply) => send(reply, 200, listOf(RESOURCE_TYPES)),
  );
  api.get(
    '/scim/v2/ResourceTypes/:id',
    { config: { action: 'user.read' }, schema: { summary: 'One of these', tags, params: PublishedId } },
    (request, reply) => sendPublished(reply, RESOURCE_TYPES, request.params.id),
  );
  api.get(
    '/scim/v2/Schemas',
    { config: { action: 'user.read' }, schema: { summary: 'What is kept of users and groups', tags } },
    (_request, reply) => send(reply, 200, listOf(SCHEMAS)),
  );
  api.get(
    '/scim/v2/Schemas/:id',
    { config: { action: 'user.read' }, schema: { summary: 'Of one of these', tags, params: PublishedId } },
    (request, reply) => sendPublished(reply, SCHEMAS, request.params.id),
  );
}

const PublishedId = Type.Object({ id: Type.String({ maxLength: 100 }) });

const RESOURCE_TYPE = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'] };
const RESOURCE_TYPES = [
  { ...RESOURCE_TYPE, id: 'User', name: 'User', endpoint: '/Users', schema: USER_SCHEMA },
  { ...RESOURCE_TYPE, id: 'Group', name: 'Group', endpoint: '/Groups', schema: GROUP_SCHEMA },
];

function listOf(resources: readonly object[]) {
  const { length } = resources;
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:ListResponse'];
  return { schemas, totalResults: length, startIndex: 1, itemsPerPage: length, Resources: resources };
}

function sendPublished(reply: FastifyReply, all: readonly { readonly id: string }[], id: string) {
  const found = all.find((one) => one.id === id);
  return found === undefined ? refuse(reply, 404, 'There is none of that name.') : send(reply, 200, found);
}

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
