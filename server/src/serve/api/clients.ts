import { Client, ClientKey, ClientList, NewClient } from '@healthsync/contracts/openid';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { programMay } from '../../access/role-decisions.ts';
import { ACCOUNT_ROLES, ACTIONS, type Action, type Role } from '../../domain/access.ts';
import type { WardId } from '../../domain/ids.ts';
import { everyScope, parseFhirScope } from '../../domain/scope.ts';
import {
  CLIENT_KEYS_MAX,
  type ClientProblem,
  clientProblems,
  keyProblems,
  kidOf,
  type PublicKey,
  thumbprintOf,
  type WantedClient,
} from '../../identity/client-rules.ts';
import type { OAuthClient, OAuthClients } from '../../ports/oauth-clients.ts';
import { principalOf } from '../access-gate.ts';
import { accountsWithin, isWithin, reachesAccount, refuseBeyond } from '../account-reach.ts';
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
    async (request) => {
      const principal = principalOf(request);
      const within = accountsWithin(principal);
      const isShown = (one: OAuthClient) => one.tenantId === principal.tenantId && isWithin(within, one.wardIds);
      return {
        clients: (await clients.list()).filter(isShown).map(shown),
        scopes: shownScopes(),
        roles: [...ACCOUNT_ROLES],
      };
    },
  );

  api.post(
    '/api/clients',
    {
      config: { action: 'user.write' },
      schema: { summary: 'Register an app or a service account', tags, body: NewClient, response: { 201: Client } },
    },
    async (request, reply) => {
      if (!(await freshProof(request, reply))) return reply;
      const problems = clientProblems(request.body as WantedClient);
      if (problems.length > 0) return invalid(reply, problems.map(toFieldError));
      const principal = principalOf(request);
      const { id, kind, name, redirectUris = [], jwks, scopes, roles = [], wards = [] } = request.body;
      const { mustProveKey, mustPushRequests } = request.body;
      const wardIds = wards as readonly string[] as readonly WardId[];
      if (!reachesAccount(principal, wardIds)) return refuseBeyond(reply);
      const client: OAuthClient = {
        id,
        kind,
        name,
        redirectUris,
        ...(jwks !== undefined && { jwks }),
        scopes,
        roles: roles as readonly Role[],
        wardIds,
        tenantId: principal.tenantId,
        ...(mustProveKey === true && { mustProveKey }),
        ...(mustPushRequests === true && { mustPushRequests }),
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
      const client = await ourClient(request, request.params.id);
      const isEnded = client !== undefined && (await clients.disable(client.id, now()));
      return isEnded ? reply.code(204).send() : notFound(reply, 'app or service account');
    },
  );

  api.post(
    '/api/clients/:id/keys',
    {
      config: { action: 'user.write' },
      schema: {
        summary: 'One more public key, beside those there are: so a system changes its key without a gap',
        tags,
        params: ClientPath,
        body: ClientKey,
        response: { 201: Client },
      },
    },
    async (request, reply) => {
      if (!(await freshProof(request, reply))) return reply;
      const client = await ourClient(request, request.params.id);
      if (client === undefined || client.disabledAtMs !== undefined) return notFound(reply, 'app or service account');
      const key = request.body.key as PublicKey;
      const problems = keyProblems(key).map(({ field, detail }) => toFieldError({ field: `key.${field}`, detail }));
      const before = keysOf(client);
      if (before.some((each) => kidOf(each) === kidOf(key) || thumbprintOf(each) === thumbprintOf(key)))
        problems.push(toFieldError({ field: 'key.kid', detail: 'is there already' }));
      if (before.length >= CLIENT_KEYS_MAX)
        problems.push(
          toFieldError({ field: 'key', detail: `there are ${CLIENT_KEYS_MAX} already: take an old one away` }),
        );
      if (client.jwks === undefined)
        problems.push(toFieldError({ field: 'key', detail: 'was made without keys: a public app proves nothing' }));
      if (problems.length > 0) return invalid(reply, problems);
      return sendKeys(reply.code(201), client, [...before, key]);
    },
  );

  api.delete(
    '/api/clients/:id/keys/:kid',
    {
      config: { action: 'user.write' },
      schema: {
        summary: 'Take away a public key; not the last one',
        tags,
        params: Type.Object({ ...ClientPath.properties, kid: Type.String({ minLength: 1, maxLength: 128 }) }),
        response: { 200: Client },
      },
    },
    async (request, reply) => {
      if (!(await freshProof(request, reply))) return reply;
      const client = await ourClient(request, request.params.id);
      if (client === undefined || client.disabledAtMs !== undefined) return notFound(reply, 'app or service account');
      const left = keysOf(client).filter((key) => kidOf(key) !== request.params.kid);
      if (left.length === keysOf(client).length) return notFound(reply, 'key');
      if (left.length === 0)
        return sendProblem(reply, {
          status: 409,
          code: 'last-key',
          detail: 'It is the only one: add the next first, or end the account.',
        });
      return sendKeys(reply, client, left);
    },
  );

  /** Two who change the keys at once: the second is told to look again. */
  async function sendKeys(reply: FastifyReply, client: OAuthClient, keys: readonly PublicKey[]): Promise<FastifyReply> {
    const { jwks } = client;
    const isKept = jwks !== undefined && (await clients.putKeys(client.id, { from: jwks, to: { keys } }));
    if (isKept) return reply.send(shown({ ...client, jwks: { keys } }));
    return sendProblem(reply, {
      status: 409,
      code: 'changed-meanwhile',
      detail: 'Somebody changed its keys meanwhile. Look again.',
    });
  }

  /** Another organisation's are not there, nor those that reach further than whoever asks. */
  async function ourClient(request: FastifyRequest, id: string): Promise<OAuthClient | undefined> {
    const principal = principalOf(request);
    const client = await clients.find(id);
    return client?.tenantId === principal.tenantId && reachesAccount(principal, client.wardIds) ? client : undefined;
  }
}

const ClientPath = Type.Object({ id: Type.String({ maxLength: 64 }) });

const keysOf = ({ jwks }: OAuthClient): readonly PublicKey[] => (jwks?.keys ?? []) as readonly PublicKey[];

const toFieldError = ({ field, detail }: ClientProblem): FieldError => ({ code: 'invalid-value', field, detail });

/** Neither the many of FHIR nor what the policies refuse to every program. */
const shownScopes = () =>
  everyScope()
    .filter((scope) => parseFhirScope(scope) === undefined && (!isAction(scope) || programMay(ACCOUNT_ROLES, scope)))
    .map((scope) => ({ scope, ...(isAction(scope) && { words: ACTIONS[scope].words }) }));

function isAction(scope: string): scope is Action {
  return scope in ACTIONS;
}

function shown(client: OAuthClient): Client {
  const { id, kind, name, redirectUris, jwks, scopes, roles, wardIds, createdAtMs, createdBy } = client;
  const { disabledAtMs, lastUsedAtMs } = client;
  return {
    id,
    kind,
    name,
    redirectUris: [...redirectUris],
    hasKey: jwks !== undefined,
    keys: keysOf(client).map((key) => ({
      kid: kidOf(key),
      kty: key.kty,
      ...(key.alg !== undefined && { alg: key.alg }),
      thumbprint: thumbprintOf(key),
    })),
    scopes: [...scopes],
    roles: [...roles],
    wards: [...wardIds],
    createdAt: rfc3339(createdAtMs),
    createdBy,
    ...(client.mustProveKey === true && { mustProveKey: true }),
    ...(client.mustPushRequests === true && { mustPushRequests: true }),
    ...(disabledAtMs !== undefined && { disabledAt: rfc3339(disabledAtMs) }),
    ...(lastUsedAtMs !== undefined && { lastUsedAt: rfc3339(lastUsedAtMs) }),
  };
}
