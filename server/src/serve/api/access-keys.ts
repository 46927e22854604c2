import { AccessList, ApiKeyList, ApiKeyMade, KeyScopes, NewApiKey } from '@healthsync/contracts/user';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { programMay } from '../../access/role-decisions.ts';
import { ACTION_NAMES, ACTIONS } from '../../domain/access.ts';
import { everyScope } from '../../domain/scope.ts';
import type { TellOwner } from '../../identity/account-notices.ts';
import { sha256Of } from '../../identity/secrets.ts';
import type { Sessions } from '../../identity/sessions.ts';
import type { Accounts } from '../../ports/accounts.ts';
import { principalOf } from '../access-gate.ts';
import { accountsWithin, isWithin, reachesAccount } from '../account-reach.ts';
import { rfc3339 } from '../alert-shape.ts';
import type { FreshProof } from '../fresh-proof.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import type { Api } from '../validation.ts';

export interface AccessKeyServices {
  readonly accounts: Pick<Accounts, 'tokensOf' | 'revokeToken' | 'findUserById' | 'apiKeys'>;
  readonly sessions: Pick<Sessions, 'createApiToken'>;
  readonly freshProof: FreshProof;
  readonly tellOwner: TellOwner;
  readonly now: () => number;
}

/** Sessions and keys: one's own, seen, made and ended by oneself; and everybody's keys, for whoever manages accounts. */
export function registerAccessKeys(app: FastifyInstance, services: AccessKeyServices): void {
  const { accounts, sessions, freshProof, tellOwner, now } = services;
  const api = app as unknown as Api;
  const tags = ['users'];

  api.get(
    '/api/me/access',
    { config: { signedIn: true }, schema: { summary: 'My sessions and keys', tags, response: { 200: AccessList } } },
    async (request) => {
      const mine = request.credential === undefined ? undefined : sha256Of(request.credential.secret);
      const open = await accounts.tokensOf(principalOf(request).userId, now());
      return {
        open: open
          .filter(({ kind }) => kind !== 'pending')
          .map(({ sha256, kind, label, factors = [], scopes, createdAtMs, expiresAtMs, lastUsedAtMs }) => ({
            id: sha256.slice(0, ID_LENGTH),
            kind: kind as 'session' | 'api',
            ...(label !== undefined && { label }),
            factors: [...factors],
            ...(scopes !== undefined && { scopes: [...scopes] }),
            createdAt: rfc3339(createdAtMs),
            expiresAt: rfc3339(expiresAtMs),
            ...(lastUsedAtMs !== undefined && { lastUsedAt: rfc3339(lastUsedAtMs) }),
            isThis: sha256 === mine,
          })),
      };
    },
  );

  api.post(
    '/api/me/keys',
    {
      config: { action: 'own.reach' },
      schema: { summary: 'Make a key for a script', tags, body: NewApiKey, response: { 201: ApiKeyMade } },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      // A key that makes keys would outlive its own end.
      if (principal.kind !== 'session')
        return sendProblem(reply, { status: 403, code: 'session-needed', detail: 'Sign in to make a key.' });
      if (!(await freshProof(request, reply))) return reply;
      const { label, scopes, days } = request.body;
      const unknown = scopes.findIndex((scope) => !API_SCOPES.has(scope));
      if (unknown >= 0)
        return invalid(reply, [
          { code: 'invalid-value', field: `scopes.${unknown}`, detail: 'is no scope of the API' },
        ]);
      const open = await accounts.tokensOf(principal.userId, now());
      if (open.filter(({ kind }) => kind === 'api').length >= KEYS_MAX)
        return sendProblem(reply, { status: 409, code: 'too-many-keys', detail: `End one of your ${KEYS_MAX} first.` });
      const user = await accounts.findUserById(principal.userId);
      if (user === undefined) return notFound(reply, 'user');
      const made = await sessions.createApiToken(user, days * 86_400_000, { scopes, label, shown: principal.factors });
      await tellOwner(user.id, 'key');
      return reply.code(201).send({
        id: sha256Of(made.secret).slice(0, ID_LENGTH),
        token: made.secret,
        expiresAt: rfc3339(made.expiresAtMs),
      });
    },
  );

  api.delete(
    '/api/me/access/:id',
    { config: { signedIn: true }, schema: { summary: 'End one of them', tags, params: Id } },
    async (request, reply) => {
      const open = await accounts.tokensOf(principalOf(request).userId, now());
      const found = open.find(({ sha256 }) => sha256.slice(0, ID_LENGTH) === request.params.id);
      if (found === undefined) return notFound(reply, 'session or key');
      await accounts.revokeToken(found.sha256, now());
      return reply.code(204).send();
    },
  );

  api.get(
    '/api/me/key-scopes',
    {
      config: { signedIn: true },
      schema: { summary: 'What a key of mine can be narrowed to', tags, response: { 200: KeyScopes } },
    },
    async (request) => {
      const { roles } = principalOf(request);
      return {
        scopes: ACTION_NAMES.filter((action) => programMay(roles, action)).map((action) => ({
          scope: action,
          words: ACTIONS[action].words,
        })),
      };
    },
  );

  api.get(
    '/api/api-keys',
    {
      config: { action: 'user.read' },
      schema: { summary: 'Everybody’s keys that still open something', tags, response: { 200: ApiKeyList } },
    },
    async (request) => {
      const principal = principalOf(request);
      const within = accountsWithin(principal);
      const found = await accounts.apiKeys({ tenantId: principal.tenantId, nowMs: now() });
      const shown = found.filter(({ owner }) => isWithin(within, owner.wardIds));
      return {
        keys: shown.map(({ token, owner }) => ({
          id: token.sha256.slice(0, ID_LENGTH),
          ...(token.label !== undefined && { label: token.label }),
          owner: { userId: owner.id, name: owner.name, displayName: owner.displayName },
          ...(token.scopes !== undefined && { scopes: [...token.scopes] }),
          createdAt: rfc3339(token.createdAtMs),
          expiresAt: rfc3339(token.expiresAtMs),
          ...(token.lastUsedAtMs !== undefined && { lastUsedAt: rfc3339(token.lastUsedAtMs) }),
        })),
      };
    },
  );

  api.delete(
    '/api/api-keys/:id',
    { config: { action: 'user.write' }, schema: { summary: 'End somebody’s key', tags, params: Id } },
    async (request, reply) => {
      if (!(await freshProof(request, reply))) return reply;
      const principal = principalOf(request);
      const all = await accounts.apiKeys({ tenantId: principal.tenantId, nowMs: now() });
      const found = all.find(({ token }) => token.sha256.slice(0, ID_LENGTH) === request.params.id);
      if (found === undefined || !reachesAccount(principal, found.owner.wardIds)) return notFound(reply, 'key');
      await accounts.revokeToken(found.token.sha256, now());
      return reply.code(204).send();
    },
  );
}

/** One for every script of somebody who writes many; more is a script that makes keys. */
const KEYS_MAX = 50;

const Id = Type.Object({ id: Type.String({ maxLength: 64 }) });
/** Of the hash of a secret: enough to tell one from another, nothing to find it by. */
const ID_LENGTH = 16;
const API_SCOPES = new Set(everyScope().filter((scope) => /^(\*|[a-z-]+\.(\*|[a-z-]+))$/.test(scope)));
