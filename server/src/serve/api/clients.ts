import { Client, ClientList, NewClient } from '@healthsync/contracts/openid';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { ACCOUNT_ROLES, type Role } from '../../domain/access.ts';
import { parseWardId, type WardId } from '../../domain/ids.ts';
import { covers, everyScope } from '../../domain/scope.ts';
import type { OAuthClient, OAuthClients } from '../../ports/oauth-clients.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import type { FreshProof } from '../fresh-proof.ts';
import { type FieldError, invalid, notFound, sendProblem } from '../problem.ts';
import type { Api } from '../validation.ts';

/** Apps that people sign in to, and service accounts that sign in by themselves. */
export function registerClients(
  app: FastifyInstance,
  services: { readonly clients: OAuthClients; readonly freshProof: FreshProof; readonly now: () => number },
): void {
  const { clients, freshProof, now } = services;
  const api = app as unknown as Api;
  const tags = ['users'];

  api.get(
    '/api/clients',
    {
      config: { action: 'user.read' },
      schema: { summary: 'Apps and service accounts', tags, response: { 200: ClientList } },
    },
    async () => ({ clients: (await clients.list()).map(shown) }),
  );

  api.post(
    '/api/clients',
    {
      config: { action: 'user.write' },
      schema: { summary: 'Register an app or a service account', tags, body: NewClient, response: { 201: Client } },
    },
    async (request, reply) => {
      if (!(await freshProof(request, reply))) return reply;
      const errors = problemsOf(request.body);
      if (errors.length > 0) return invalid(reply, errors);
      const principal = principalOf(request);
      const { id, kind, name, redirectUris = [], jwks, scopes, roles = [], wards = [] } = request.body;
      const client: OAuthClient = {
        id,
        kind,
        name,
        redirectUris,
        ...(jwks !== undefined && { jwks }),
        scopes,
        roles: roles as readonly Role[],
        wardIds: wards as readonly string[] as readonly WardId[],
        tenantId: principal.tenantId,
        createdAtMs: now(),
        createdBy: principal.name,
      };
      if ((await clients.add(client)) === 'taken')
        return sendProblem(reply, { status: 409, code: 'taken', detail: 'There is one of that id already.' });
      return reply.code(201).send(shown(client));
    },
  );

  api.delete(
    '/api/clients/:id',
    {
      config: { action: 'user.write' },
      schema: {
        summary: 'End an app or a service account, with all it holds',
        tags,
        params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
      },
    },
    async (request, reply) => {
      if (!(await freshProof(request, reply))) return reply;
      const isEnded = await clients.disable(request.params.id, now());
      return isEnded ? reply.code(204).send() : notFound(reply, 'app or service account');
    },
  );
}

/** Everything that is wrong, all at once. */
function problemsOf(wanted: NewClient): FieldError[] {
  const { kind, redirectUris = [], jwks, scopes, roles = [], wards = [] } = wanted;
  const errors: FieldError[] = [];
  const wrong = (field: string, detail: string) => errors.push({ code: 'invalid-value', field, detail });
  if (kind === 'service') {
    if (jwks === undefined) wrong('jwks', 'is needed: a service account proves itself by its key');
    if (redirectUris.length > 0) wrong('redirectUris', 'are for apps');
    if (roles.length === 0) wrong('roles', 'at least one is needed: a service account has no user’s');
  } else {
    if (redirectUris.length === 0) wrong('redirectUris', 'at least one is needed');
    if (roles.length > 0) wrong('roles', 'are for service accounts: an app may what its user may');
    if (wards.length > 0) wrong('wards', 'are for service accounts: an app sees what its user sees');
  }
  for (const [index, uri] of redirectUris.entries())
    if (!isRedirect(uri)) wrong(`redirectUris.${index}`, 'must be https, or http on the loopback address, without #');
  for (const [index, scope] of scopes.entries())
    if (!isScope(scope)) wrong(`scopes.${index}`, 'is no scope that is known here');
  for (const [index, role] of roles.entries())
    if (!ACCOUNT_ROLES.includes(role as Role)) wrong(`roles.${index}`, `must be one of ${ACCOUNT_ROLES.join(', ')}`);
  for (const [index, ward] of wards.entries())
    if (parseWardId(ward) === undefined) wrong(`wards.${index}`, 'is no id of a ward');
  return errors;
}

const SCOPES = new Set(everyScope());
const isScope = (scope: string): boolean => SCOPES.has(scope) && covers([scope], scope);

/** RFC 9700 2.1: exact, over TLS; native apps listen on the loopback address (RFC 8252 7.3). */
function isRedirect(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || text.includes('#') || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && /^(127\.0\.0\.1|\[::1\])$/.test(url.hostname));
}

function shown(client: OAuthClient): Client {
  const { id, kind, name, redirectUris, jwks, scopes, roles, wardIds, createdAtMs, createdBy, disabledAtMs } = client;
  return {
    id,
    kind,
    name,
    redirectUris: [...redirectUris],
    hasKey: jwks !== undefined,
    scopes: [...scopes],
    roles: [...roles],
    wards: [...wardIds],
    createdAt: rfc3339(createdAtMs),
    createdBy,
    ...(disabledAtMs !== undefined && { disabledAt: rfc3339(disabledAtMs) }),
  };
}
