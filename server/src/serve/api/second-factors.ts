import {
  FactorAdded,
  FactorAnswer,
  FactorList,
  Me,
  NewPasskey,
  NewTotp,
  PasskeyQuestion,
  PasskeySignIn,
  RecoveryCodes,
  SignInStep,
  SignInWays,
  StepUp,
  TotpEnrolment,
} from '@healthsync/contracts/session';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Role } from '../../domain/access.ts';
import { demandsSecondFactor } from '../../domain/factor.ts';
import type { RelyingParty } from '../../identity/passkeys.ts';
import type { EnrolOutcome, SecondFactorDesk } from '../../identity/second-factors.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { SignIn } from '../../identity/sign-in.ts';
import type { Accounts, User } from '../../ports/accounts.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { hasFreshProof, refuseStale } from '../fresh-proof.ts';
import { surelyOwnHost } from '../own-host.ts';
import { notFound, sendProblem } from '../problem.ts';
import { fromOf, pendingOf, startSession } from '../session-cookies.ts';
import type { Api } from '../validation.ts';
import { refuseCredentials, refuseForNow, toMe } from './session.ts';

export interface SecondFactorServices {
  readonly desk: SecondFactorDesk;
  /** Whoever has one of these cannot go without. */
  readonly roles: readonly Role[];
  /** Under which of our names the browser reached us; undefined where a passkey cannot be bound to it. */
  readonly relyingParty: (host: string | undefined) => RelyingParty | undefined;
  readonly signIn: Pick<
    SignIn,
    | 'authenticate'
    | 'findPending'
    | 'answer'
    | 'signInWithPasskey'
    | 'enrolling'
    | 'enrolled'
    | 'enrolledHere'
    | 'removedHere'
    | 'stepUp'
  >;
  readonly accounts: Pick<Accounts, 'findUserById'>;
  /** People can also sign in through another provider. */
  readonly hasOutside: boolean;
  readonly now: () => number;
  readonly hooks?: { signIn?(outcome: string): void };
}

/** Showing a second factor, enrolling one, and showing it once more for what asks for it afresh. */
export function registerSecondFactors(app: FastifyInstance, services: SecondFactorServices): void {
  const { desk, signIn, relyingParty, accounts, now, hooks } = services;
  const api = app as unknown as Api;
  const tags = ['session'];

  api.get(
    '/api/session/ways',
    { config: { public: true }, schema: { summary: 'How one can sign in', tags, response: { 200: SignInWays } } },
    () => ({ outside: services.hasOutside }),
  );

  api.get(
    '/api/session/pending',
    {
      config: { public: true },
      schema: { summary: 'What is still owed, after a first factor', tags, response: { 200: SignInStep } },
    },
    async (request, reply) => {
      const pending = await signIn.findPending(pendingOf(request) ?? '');
      if (pending === undefined) return refuseLate(reply);
      const methods = [...(await desk.methodsOf(pending.user.id))];
      return { next: methods.length === 0 ? ('enrol' as const) : ('second-factor' as const), methods };
    },
  );

  api.post(
    '/api/session/second-factor',
    {
      config: { public: true },
      schema: { summary: 'The second factor, after the password', tags, body: FactorAnswer, response: { 200: Me } },
    },
    async (request, reply) => {
      const rp = relyingParty(surelyOwnHost(request));
      const outcome = await signIn.answer({
        ...fromOf(request),
        pending: pendingOf(request) ?? '',
        answer: request.body,
        ...(rp !== undefined && { rp }),
      });
      hooks?.signIn?.(outcome.kind);
      switch (outcome.kind) {
        case 'signed-in':
          return startSession(reply, outcome).send(toMe(outcome.principal));
        case 'refused':
          return refuseFactor(reply);
        case 'too-old':
          return refuseLate(reply);
        case 'wait':
          return refuseForNow(reply, outcome.retryAfterMs);
        default:
          return outcome satisfies never;
      }
    },
  );

  api.post(
    '/api/session/passkey-options',
    {
      config: { public: true },
      schema: {
        summary: 'A challenge for a passkey: of whoever has shown a password or is signed in, or of anybody',
        tags,
        response: { 200: PasskeyQuestion },
      },
    },
    async (request, reply) => {
      const rp = relyingParty(surelyOwnHost(request));
      if (rp === undefined) return refuseAddress(reply);
      const pending = await signIn.findPending(pendingOf(request) ?? '');
      const principal = pending === undefined ? await sessionOf(request) : undefined;
      return desk.askPasskey(pending?.user.id ?? principal?.userId, rp);
    },
  );

  api.post(
    '/api/session/passkey',
    {
      config: { public: true },
      schema: { summary: 'Sign in with a passkey alone', tags, body: PasskeySignIn, response: { 200: Me } },
    },
    async (request, reply) => {
      const rp = relyingParty(surelyOwnHost(request));
      if (rp === undefined) return refuseAddress(reply);
      const outcome = await signIn.signInWithPasskey({
        ...fromOf(request),
        answer: { kind: 'passkey', ...request.body },
        rp,
      });
      hooks?.signIn?.(outcome.kind);
      if (outcome.kind === 'refused') return refuseCredentials(reply);
      return startSession(reply, outcome).send(toMe(outcome.principal));
    },
  );

  api.post(
    '/api/session/step-up',
    {
      config: { signedIn: true },
      schema: { summary: 'Show a factor once more', tags, body: StepUp, response: { 200: Me } },
    },
    async (request, reply) => {
      const rp = relyingParty(surelyOwnHost(request));
      const outcome = await signIn.stepUp({
        ...fromOf(request),
        secret: request.credential?.secret ?? '',
        answer: request.body,
        ...(rp !== undefined && { rp }),
      });
      if (outcome.kind === 'wait') return refuseForNow(reply, outcome.retryAfterMs);
      return outcome.kind === 'proven' ? toMe(outcome.principal) : refuseFactor(reply);
    },
  );

  api.get(
    '/api/session/factors',
    { config: { signedIn: true }, schema: { summary: 'My second factors', tags, response: { 200: FactorList } } },
    async (request) => listOf(principalOf(request)),
  );

  api.post(
    '/api/session/factors/check',
    { config: { public: true }, schema: { summary: 'Whether I may change my second factors now', tags } },
    async (request, reply) => ((await enroller(request, reply)) === undefined ? reply : reply.code(204).send()),
  );

  api.post(
    '/api/session/factors/totp',
    {
      config: { public: true },
      schema: { summary: 'A new secret for one-time passwords', tags, response: { 200: TotpEnrolment } },
    },
    async (request, reply) => {
      const who = await enroller(request, reply);
      return who === undefined ? reply : desk.beginTotp(who.user);
    },
  );

  api.post(
    '/api/session/factors/totp/confirm',
    {
      config: { public: true },
      schema: { summary: 'Confirm it with a first code', tags, body: NewTotp, response: { 201: FactorAdded } },
    },
    async (request, reply) => {
      const who = await enroller(request, reply);
      return who === undefined ? reply : finish(reply, who, await desk.confirmTotp(who.user, request.body));
    },
  );

  api.post(
    '/api/session/factors/passkey',
    {
      config: { public: true },
      schema: { summary: 'What to make a passkey with', tags, response: { 200: PasskeyQuestion } },
    },
    async (request, reply) => {
      const who = await enroller(request, reply);
      if (who === undefined) return reply;
      const rp = relyingParty(surelyOwnHost(request));
      return rp === undefined ? refuseAddress(reply) : desk.beginPasskey(who.user, rp);
    },
  );

  api.post(
    '/api/session/factors/passkey/confirm',
    {
      config: { public: true },
      schema: { summary: 'The passkey that was made', tags, body: NewPasskey, response: { 201: FactorAdded } },
    },
    async (request, reply) => {
      const who = await enroller(request, reply);
      if (who === undefined) return reply;
      const rp = relyingParty(surelyOwnHost(request));
      return rp === undefined
        ? refuseAddress(reply)
        : finish(reply, who, await desk.confirmPasskey(who.user, request.body, rp));
    },
  );

  api.delete(
    '/api/session/factors/:id',
    {
      config: { signedIn: true },
      schema: { summary: 'Give up a second factor', tags, params: Type.Object({ id: Type.String({ maxLength: 64 }) }) },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      if (!(await isFreshEnough(principal))) return refuseStale(reply);
      const { factors, isRequired } = await listOf(principal);
      if (!factors.some(({ id }) => id === request.params.id)) return notFound(reply, 'second factor');
      if (isRequired && factors.length === 1)
        return sendProblem(reply, {
          status: 409,
          code: 'last-second-factor',
          detail: 'Your roles demand a second factor. Add another one before you give this one up.',
        });
      await desk.remove(principal.userId, request.params.id);
      if (request.credential !== undefined) await signIn.removedHere(request.credential.secret);
      return reply.code(204).send();
    },
  );

  api.post(
    '/api/session/recovery-codes',
    {
      config: { signedIn: true },
      schema: {
        summary: 'New recovery codes; those before are worthless from now on',
        tags,
        response: { 200: RecoveryCodes },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      if (!(await isFreshEnough(principal))) return refuseStale(reply);
      if ((await desk.methodsOf(principal.userId)).length === 0) return notFound(reply, 'second factor');
      return { recoveryCodes: [...(await desk.renewRecoveryCodes(principal.userId))] };
    },
  );

  interface Enroller {
    readonly user: User;
    /** They have shown a password only, and are in once they have a factor. */
    readonly pending?: string;
    /** They are signed in by this. */
    readonly session?: string;
  }

  /** Whoever is signed in and has just proven it, or who may not sign in before they have a second factor. */
  async function enroller(request: FastifyRequest, reply: FastifyReply): Promise<Enroller | undefined> {
    const pending = pendingOf(request);
    const owing = pending === undefined ? undefined : await signIn.enrolling(pending);
    if (pending !== undefined && owing !== undefined) return { user: owing, pending };
    const principal = await sessionOf(request);
    if (principal === undefined) await refuseLate(reply);
    else if (!(await isFreshEnough(principal))) await refuseStale(reply);
    else {
      const user = await accounts.findUserById(principal.userId);
      const session = request.credential?.secret;
      if (user !== undefined && session !== undefined) return { user, session };
      await refuseLate(reply);
    }
    return undefined;
  }

  /** A key or token makes no factors: what a script holds must not become a way in for a person. */
  async function sessionOf(request: FastifyRequest): Promise<Principal | undefined> {
    if (request.credential?.by !== 'cookie') return undefined;
    const principal = await signIn.authenticate(request.credential.secret);
    return principal?.kind === 'session' ? principal : undefined;
  }

  async function isFreshEnough(principal: Principal): Promise<boolean> {
    const hasFactor = (await desk.methodsOf(principal.userId)).length > 0;
    return hasFreshProof(principal, { hasFactor, nowMs: now() });
  }

  async function finish(reply: FastifyReply, who: Enroller, outcome: EnrolOutcome): Promise<FastifyReply> {
    if (outcome.kind !== 'added') return refuseEnrolment(reply, outcome.kind);
    const codes = outcome.recoveryCodes === undefined ? {} : { recoveryCodes: outcome.recoveryCodes };
    if (who.session !== undefined) await signIn.enrolledHere(who.session, outcome.factor);
    if (who.pending === undefined) return reply.code(201).send(codes);
    const opened = await signIn.enrolled(who.pending, outcome.factor);
    if (opened === undefined) return reply.code(201).send(codes); // ten minutes were over meanwhile: signing in again does
    return startSession(reply, opened)
      .code(201)
      .send({ ...codes, me: toMe(opened.principal) });
  }

  async function listOf(principal: Principal): Promise<FactorList> {
    const { factors, recoveryCodesLeft } = await desk.factorsOf(principal.userId);
    return {
      factors: factors.map(({ id, kind, label, createdAtMs, usedAtMs }) => ({
        id,
        kind,
        label,
        addedAt: rfc3339(createdAtMs),
        ...(usedAtMs !== undefined && { usedAt: rfc3339(usedAtMs) }),
      })),
      recoveryCodesLeft,
      isRequired: demandsSecondFactor(principal.roles, services.roles),
    };
  }
}

function refuseFactor(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, {
    status: 401,
    code: 'wrong-credentials',
    detail: 'That is not right, or was used already. A code is good once.',
  });
}

function refuseLate(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, { status: 401, code: 'sign-in-again', detail: 'Sign in again: the password comes first.' });
}

function refuseAddress(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, {
    status: 409,
    code: 'no-passkey-here',
    detail:
      'Passkeys need one of the server’s own names and its own port in the address, not a number; or HEALTHSYNC_PUBLIC_URL.',
  });
}

function refuseEnrolment(reply: FastifyReply, why: Exclude<EnrolOutcome['kind'], 'added'>): FastifyReply {
  switch (why) {
    case 'wrong':
      return sendProblem(reply, {
        status: 422,
        code: 'factor-not-confirmed',
        detail: 'That does not match. Try again.',
      });
    case 'too-old':
      return sendProblem(reply, { status: 409, code: 'enrolment-too-old', detail: 'That took too long. Begin again.' });
    case 'taken':
      return sendProblem(reply, { status: 409, code: 'passkey-known', detail: 'This passkey is known already.' });
    case 'too-many':
      return sendProblem(reply, { status: 409, code: 'too-many-factors', detail: 'Give up one of yours first.' });
    default:
      return why satisfies never;
  }
}
