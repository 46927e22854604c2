import { randomBytes } from 'node:crypto';
import type { Factor, SecondFactor } from '../domain/factor.ts';
import type { UserId } from '../domain/ids.ts';
import type { User } from '../ports/accounts.ts';
import type { SecondFactors, StoredFactor, StoredPasskey } from '../ports/second-factors.ts';
import type { TellOwner } from './account-notices.ts';
import {
  assertedCounter,
  createdPasskey,
  creationOptions,
  credentialIdOf,
  type RelyingParty,
  requestOptions,
} from './passkeys.ts';
import { newRecoveryCodes, recoveryHash } from './recovery-codes.ts';
import type { Seal } from './seal.ts';
import type { Ticket, Tickets } from './tickets.ts';
import { newTotpSecret, totpStep, totpUri } from './totp.ts';

/** Second factors: enrolling them, and judging what is shown. */
export interface SecondFactorDesk {
  /** What this person can show, the strongest first. */
  methodsOf(userId: UserId): Promise<readonly SecondFactor[]>;
  factorsOf(userId: UserId): Promise<{
    readonly factors: readonly Omit<StoredFactor, 'secret' | 'publicKey'>[];
    readonly recoveryCodesLeft: number;
  }>;
  /** Whether the answer is right; each right answer is right once. */
  judge(user: User, answer: FactorAnswer, rp: RelyingParty | undefined): Promise<boolean>;
  /** A challenge for this person's passkeys, or for any passkey of ours in the browser. */
  askPasskey(userId: UserId | undefined, rp: RelyingParty): Promise<PasskeyQuestion>;
  /** Whose passkey answered a challenge that named nobody. */
  passkeyOwner(answer: PasskeyAnswer, rp: RelyingParty): Promise<UserId | undefined>;

  beginTotp(user: User): Promise<TotpEnrolment>;
  confirmTotp(user: User, answer: NewTotp): Promise<EnrolOutcome>;
  beginPasskey(user: User, rp: RelyingParty): Promise<PasskeyQuestion>;
  confirmPasskey(user: User, answer: NewPasskey, rp: RelyingParty): Promise<EnrolOutcome>;
  /** New codes; the old ones are worthless from now on. Shown once. */
  renewRecoveryCodes(userId: UserId): Promise<readonly string[]>;
  remove(userId: UserId, id: string): Promise<boolean>;
  clear(userId: UserId): Promise<void>;
}

export type FactorAnswer =
  | { readonly kind: 'totp'; readonly code: string }
  | { readonly kind: 'recovery'; readonly code: string }
  | PasskeyAnswer;

export interface PasskeyAnswer {
  readonly kind: 'passkey';
  readonly ticket: string;
  /** As the browser made it. */
  readonly response: unknown;
}

export interface PasskeyQuestion {
  readonly ticket: string;
  /** For the browser as it is. */
  readonly options: object;
}

export interface TotpEnrolment {
  readonly ticket: string;
  /** Base32, for typing. */
  readonly secret: string;
  readonly uri: string;
}

export interface NewTotp {
  readonly ticket: string;
  readonly code: string;
  readonly label: string;
}

export interface NewPasskey {
  readonly ticket: string;
  readonly response: unknown;
  readonly label: string;
}

export type EnrolOutcome =
  /** With the first factor come recovery codes. */
  | { readonly kind: 'added'; readonly factor: Factor; readonly recoveryCodes?: readonly string[] }
  | { readonly kind: 'wrong' | 'too-old' | 'taken' | 'too-many' };

/** A phone, a badge and a key at home, twice over. */
const FACTORS_MAX = 10;

export function createSecondFactorDesk(options: {
  readonly store: SecondFactors;
  readonly seal: Seal;
  readonly tickets: Tickets;
  readonly now: () => number;
  readonly tellOwner?: TellOwner;
}): SecondFactorDesk {
  const { store, seal, tickets, now, tellOwner = async () => undefined } = options;

  async function judgeTotp(user: User, code: string): Promise<boolean> {
    for (const factor of await store.list(user.id)) {
      if (factor.kind !== 'totp') continue;
      const step = totpStep(secretOf(factor.id, factor.secret), code, now());
      if (step !== undefined && (await store.useStep({ id: factor.id, step, atMs: now() }))) return true;
    }
    return false;
  }

  async function judgeRecovery(userId: UserId, typed: string): Promise<boolean> {
    const sha256 = recoveryHash(typed);
    const isRight = sha256 !== undefined && (await store.useRecoveryCode({ userId, sha256, atMs: now() }));
    if (isRight) await tellOwner(userId, 'recovery-code-used');
    return isRight;
  }

  async function judgePasskey(
    answer: PasskeyAnswer,
    ticket: Ticket<Asked>,
    rp: RelyingParty,
    isOwner: (userId: UserId) => boolean,
  ): Promise<UserId | undefined> {
    const id = credentialIdOf(answer.response);
    const passkey = id === undefined ? undefined : await store.findPasskey(id);
    if (passkey === undefined || !isOwner(passkey.userId)) return undefined;
    const counter = await assertedCounter(answer.response, passkey, { challenge: ticket.data.challenge, rp });
    if (counter === undefined || !(await ticket.spend())) return undefined;
    return (await store.usePasskey({ id: passkey.id, counter, atMs: now() })) ? passkey.userId : undefined;
  }

  function secretOf(id: string, sealed: string): string {
    const opened = seal.open(`totp:${id}`, sealed) as { readonly secret: string } | undefined;
    // Sealed with other keys: the data folder's are not the database's. Nobody can be let in by guessing what was meant.
    if (opened === undefined) throw new Error('a second factor was sealed with another key');
    return opened.secret;
  }

  async function added(factor: StoredFactor): Promise<EnrolOutcome> {
    const before = await store.list(factor.userId);
    if (before.length >= FACTORS_MAX) return { kind: 'too-many' };
    if ((await store.add(factor)) === 'taken') return { kind: 'taken' };
    await tellOwner(factor.userId, 'factor-added');
    if (before.length > 0) return { kind: 'added', factor: factor.kind };
    return { kind: 'added', factor: factor.kind, recoveryCodes: await makeRecoveryCodes(factor.userId) };
  }

  async function makeRecoveryCodes(userId: UserId): Promise<readonly string[]> {
    const codes = newRecoveryCodes();
    await store.putRecoveryCodes(
      userId,
      codes.map((code) => recoveryHash(code) as string),
    );
    return codes;
  }

  const passkeysOf = async (userId: UserId) =>
    (await store.list(userId)).filter((factor): factor is StoredPasskey => factor.kind === 'passkey');
  const stored = (userId: UserId, label: string) => ({ id: newFactorId(), userId, label, createdAtMs: now() });

  return {
    async methodsOf(userId) {
      const kinds = new Set((await store.list(userId)).map(({ kind }) => kind));
      if (kinds.size === 0) return [];
      const methods: SecondFactor[] = (['passkey', 'totp'] as const).filter((kind) => kinds.has(kind));
      return (await store.recoveryCodesLeft(userId)) > 0 ? [...methods, 'recovery'] : methods;
    },
    async factorsOf(userId) {
      const [all, recoveryCodesLeft] = await Promise.all([store.list(userId), store.recoveryCodesLeft(userId)]);
      const factors = all.map((factor) => {
        const { id, kind, label, createdAtMs, usedAtMs } = factor;
        return { id, userId, kind, label, createdAtMs, ...(usedAtMs !== undefined && { usedAtMs }) } as StoredFactor;
      });
      return { factors, recoveryCodesLeft };
    },
    async judge(user, answer, rp) {
      switch (answer.kind) {
        case 'totp':
          return judgeTotp(user, answer.code);
        case 'recovery':
          return judgeRecovery(user.id, answer.code);
        case 'passkey': {
          const ticket = tickets.read<Asked>(ASK, answer.ticket);
          // A challenge that named nobody is not good for a named person's second factor, nor the other way round.
          if (ticket === undefined || rp === undefined || ticket.data.userId !== user.id) return false;
          return (await judgePasskey(answer, ticket, rp, (owner) => owner === user.id)) !== undefined;
        }
        default:
          return answer satisfies never;
      }
    },
    async askPasskey(userId, rp) {
      const request = await requestOptions(rp, userId === undefined ? [] : await passkeysOf(userId));
      const asked: Asked = { challenge: request.challenge, ...(userId !== undefined && { userId }) };
      return { ticket: tickets.issue(ASK, asked).ticket, options: request };
    },
    async passkeyOwner(answer, rp) {
      const ticket = tickets.read<Asked>(ASK, answer.ticket);
      if (ticket === undefined || ticket.data.userId !== undefined) return undefined;
      return judgePasskey(answer, ticket, rp, () => true);
    },

    async beginTotp(user) {
      const secret = newTotpSecret();
      const { ticket } = tickets.issue(NEW_TOTP, { userId: user.id, secret });
      return { ticket, secret, uri: totpUri(secret, user.name, 'HealthSync') };
    },
    async confirmTotp(user, { ticket: text, code, label }) {
      const ticket = tickets.read<{ userId: UserId; secret: string }>(NEW_TOTP, text);
      if (ticket === undefined || ticket.data.userId !== user.id) return { kind: 'too-old' };
      const step = totpStep(ticket.data.secret, code, now());
      if (step === undefined) return { kind: 'wrong' };
      if (!(await ticket.spend())) return { kind: 'too-old' };
      const own = stored(user.id, label);
      const secret = seal.seal(`totp:${own.id}`, { secret: ticket.data.secret });
      const outcome = await added({ ...own, kind: 'totp', secret });
      // The code that confirmed it was used by that.
      if (outcome.kind === 'added') await store.useStep({ id: own.id, step, atMs: now() });
      return outcome;
    },
    async beginPasskey(user, rp) {
      const creation = await creationOptions(user, rp, await passkeysOf(user.id));
      return {
        ticket: tickets.issue(NEW_PASSKEY, { userId: user.id, challenge: creation.challenge }).ticket,
        options: creation,
      };
    },
    async confirmPasskey(user, { ticket: text, response, label }, rp) {
      const ticket = tickets.read<{ userId: UserId; challenge: string }>(NEW_PASSKEY, text);
      if (ticket === undefined || ticket.data.userId !== user.id) return { kind: 'too-old' };
      const made = await createdPasskey(response, { challenge: ticket.data.challenge, rp });
      if (made === undefined) return { kind: 'wrong' };
      if (!(await ticket.spend())) return { kind: 'too-old' };
      return added({ ...stored(user.id, label), kind: 'passkey', ...made });
    },
    async renewRecoveryCodes(userId) {
      const codes = await makeRecoveryCodes(userId);
      await tellOwner(userId, 'recovery-codes');
      return codes;
    },
    async remove(userId, id) {
      const isRemoved = await store.remove({ userId, id });
      if (isRemoved) await tellOwner(userId, 'factor-removed');
      return isRemoved;
    },
    clear: (userId) => store.clear(userId),
  };
}

interface Asked {
  readonly challenge: string;
  readonly userId?: UserId;
}

const ASK = 'passkey';
const NEW_TOTP = 'new-totp';
const NEW_PASSKEY = 'new-passkey';

const newFactorId = (): string => `f-${randomBytes(12).toString('hex')}`;
