import { Me, SignInStep } from '@healthsync/contracts/session';
import {
  AcceptInvitation,
  ChangeUser,
  Invitation,
  NewUser,
  User,
  UserAdded,
  UserList,
} from '@healthsync/contracts/user';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { ACCOUNT_ROLES, type Role } from '../../domain/access.ts';
import { demandsSecondFactor } from '../../domain/factor.ts';
import { parseUserId, type WardId } from '../../domain/ids.ts';
import type { SecondFactorDesk } from '../../identity/second-factors.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { ChangeOutcome, FieldProblem, Invited, UserAdmin } from '../../identity/user-admin.ts';
import type { UserDirectory, UserRecord } from '../../ports/user-directory.ts';
import { principalOf } from '../access-gate.ts';
import { accountsWithin, reachesAccount, refuseBeyond } from '../account-reach.ts';
import { rfc3339 } from '../alert-shape.ts';
import type { FreshProof } from '../fresh-proof.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import type { Api } from '../validation.ts';
import { refuseForNow, sendStep } from './session.ts';

export interface UserServices {
  readonly admin: UserAdmin;
  readonly directory: Pick<UserDirectory, 'find' | 'list'>;
  readonly desk: Pick<SecondFactorDesk, 'methodsOf'>;
  /** Whoever has one of these cannot go without a second factor. */
  readonly secondFactorRoles: readonly Role[];
  readonly freshProof: FreshProof;
}

/** Accounts, for whoever manages them, and invitations. */
export function registerUsers(app: FastifyInstance, services: UserServices): void {
  const { admin, directory, freshProof, desk } = services;
  const api = app as unknown as Api;
  const tags = ['users'];

  api.get(
    '/api/users',
    {
      config: { action: 'user.read' },
      schema: {
        summary: 'Accounts that one may manage or see, by name',
        tags,
        querystring: Page,
        response: { 200: UserList },
      },
    },
    async (request) => {
      const { offset = 0, limit = 100, q = '' } = request.query;
      const principal = principalOf(request);
      const within = accountsWithin(principal);
      const { total, users } = await directory.list({
        tenantId: principal.tenantId,
        ...(within !== undefined && { within }),
        words: wordsOf(q),
        offset,
        limit,
      });
      return { total, users: await Promise.all(users.map(shown)), roles: [...ACCOUNT_ROLES] };
    },
  );

  api.get(
    '/api/users/:id',
    { config: { action: 'user.read' }, schema: { summary: 'One account', tags, params: Id, response: { 200: User } } },
    async (request, reply) => {
      const user = await reached(request.params.id, principalOf(request));
      return user === undefined ? notFound(reply, 'user') : shown(user);
    },
  );

  api.post(
    '/api/users',
    {
      config: { action: 'user.write' },
      schema: { summary: 'Make an account, and invite its owner', tags, body: NewUser, response: { 201: UserAdded } },
    },
    async (request, reply) => {
      if (!(await freshProof(request, reply))) return reply;
      const principal = principalOf(request);
      const { wards = [] } = request.body;
      if (!reachesAccount(principal, wards as readonly string[] as readonly WardId[])) return refuseBeyond(reply);
      const outcome = await admin.add({ ...request.body, wards, tenantId: principal.tenantId });
      switch (outcome.kind) {
        case 'added':
          return reply.code(201).send({ user: await shown(outcome.user), invitation: invitationOf(outcome.invited) });
        case 'refused':
          return refuseFields(reply, outcome.problems);
        case 'taken':
          return sendProblem(reply, { status: 409, code: 'taken', detail: 'There is a user of that name already.' });
        default:
          return outcome satisfies never;
      }
    },
  );

  api.patch(
    '/api/users/:id',
    {
      config: { action: 'user.write' },
      schema: { summary: 'Change an account', tags, params: Id, body: ChangeUser, response: { 200: User } },
    },
    async (request, reply) => {
      if (!(await freshProof(request, reply))) return reply;
      const principal = principalOf(request);
      const user = await reached(request.params.id, principal);
      if (user === undefined) return notFound(reply, 'user');
      const { wards } = request.body;
      if (wards !== undefined && !reachesAccount(principal, wards as readonly string[] as readonly WardId[]))
        return refuseBeyond(reply);
      const outcome = await admin.change(user.id, request.body, { userId: principal.userId });
      return outcome.kind === 'changed' ? shown(outcome.user) : refuseChange(reply, outcome);
    },
  );

  api.post(
    '/api/users/:id/invitation',
    {
      config: { action: 'user.write' },
      schema: { summary: 'A link to set a new password', tags, params: Id, response: { 201: Invitation } },
    },
    async (request, reply) => {
      if (!(await freshProof(request, reply))) return reply;
      const user = await reached(request.params.id, principalOf(request));
      const invited = user && (await admin.invite(user.id));
      return invited === undefined ? notFound(reply, 'enabled user') : reply.code(201).send(invitationOf(invited));
    },
  );

  for (const [path, summary, act] of [
    ['reset-factors', 'Take away all second factors, and end what is open', admin.resetFactors],
    ['end-sessions', 'End all sessions, keys and apps', admin.endAll],
  ] as const)
    api.post(
      `/api/users/:id/${path}`,
      { config: { action: 'user.write' }, schema: { summary, tags, params: Id } },
      async (request, reply) => {
        if (!(await freshProof(request, reply))) return reply;
        const user = await reached(request.params.id, principalOf(request));
        if (user === undefined) return notFound(reply, 'user');
        await act(user.id);
        return reply.code(204).send();
      },
    );

  api.post(
    '/api/invitations/accept',
    {
      config: { public: true },
      schema: {
        summary: 'Set one’s own password with an invitation',
        tags,
        body: AcceptInvitation,
        response: { 200: Me, 202: SignInStep },
      },
    },
    async (request, reply) => {
      const outcome = await admin.acceptInvitation(request.body.code, request.body.password);
      switch (outcome.kind) {
        case 'accepted':
          return sendStep(reply, outcome.step, 200);
        case 'unfit':
          return invalid(reply, [{ code: 'invalid-value', field: 'password', detail: outcome.detail }]);
        case 'busy':
          return refuseForNow(reply, 2_000);
        case 'refused':
          return sendProblem(reply, {
            status: 403,
            code: 'invitation-refused',
            detail: 'The link was used already, is too old, or is not ours.',
          });
        default:
          return outcome satisfies never;
      }
    },
  );

  /** Another organisation's accounts are not there, nor those that reach further than whoever asks. */
  async function reached(id: string, principal: Principal): Promise<UserRecord | undefined> {
    const userId = parseUserId(id);
    const user = userId && (await directory.find(userId));
    return user?.tenantId === principal.tenantId && reachesAccount(principal, user.wardIds) ? user : undefined;
  }

  async function shown(user: UserRecord): Promise<User> {
    const { id, name, displayName, roles, wardIds, source, disabledAtMs, hasPassword, revision } = user;
    return {
      id,
      name,
      displayName,
      roles: [...roles],
      wards: [...wardIds],
      source,
      ...(disabledAtMs !== undefined && { disabledAt: rfc3339(disabledAtMs) }),
      hasPassword,
      secondFactors: [...(await desk.methodsOf(id))],
      isSecondFactorRequired: demandsSecondFactor(roles, services.secondFactorRoles),
      revision,
      createdAt: rfc3339(user.createdAtMs),
      changedAt: rfc3339(user.changedAtMs),
    };
  }
}

const Id = Type.Object({ id: Type.String({ maxLength: 64 }) });
const Page = Type.Object({
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  q: Type.Optional(Type.String({ maxLength: 100, description: 'Words of names, roles or wards; all must be there.' })),
});

/** What a name cannot hold parts words, too. */
const wordsOf = (text: string): readonly string[] => text.split(/[\s\p{C}]+/u).filter((word) => word !== '');

const invitationOf = ({ code, expiresAtMs }: Invited): Invitation => ({
  // Behind the #, so that it reaches no server's log.
  path: `/invitation#${code}`,
  expiresAt: rfc3339(expiresAtMs),
});

function refuseFields(reply: FastifyReply, problems: readonly FieldProblem[]): FastifyReply {
  return invalid(
    reply,
    problems.map((problem) => ({ code: 'invalid-value', ...problem })),
  );
}

function refuseChange(reply: FastifyReply, outcome: Exclude<ChangeOutcome, { kind: 'changed' }>): FastifyReply {
  switch (outcome.kind) {
    case 'refused':
      return refuseFields(reply, outcome.problems);
    case 'not-found':
      return notFound(reply, 'user');
    case 'stale':
      return sendProblem(reply, { status: 409, code: 'changed-meanwhile', detail: 'Somebody changed it meanwhile.' });
    case 'elsewhere':
      return sendProblem(reply, {
        status: 409,
        code: 'managed-elsewhere',
        detail: 'Another system looks after this account: change it there. Here it can be disabled.',
      });
    case 'own-rights':
      return sendProblem(reply, {
        status: 409,
        code: 'own-rights',
        detail: 'You cannot give yourself more than you have: another administrator can.',
      });
    case 'own-admin':
      return sendProblem(reply, {
        status: 409,
        code: 'own-admin',
        detail: 'You cannot take administration from yourself: another administrator can.',
      });
    default:
      return outcome satisfies never;
  }
}
