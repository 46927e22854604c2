import type { Role } from '../domain/access.ts';
import { type Factor, nextStep, type SecondFactor } from '../domain/factor.ts';
import type { UserId } from '../domain/ids.ts';
import type { Accounts, User } from '../ports/accounts.ts';
import type { TellOwner } from './account-notices.ts';
import type { RelyingParty } from './passkeys.ts';
import type { Passwords } from './passwords.ts';
import type { FactorAnswer, PasskeyAnswer, SecondFactorDesk } from './second-factors.ts';
import { createBrowserMarks, newSecret, sha256Of } from './secrets.ts';
import type { Pending, Principal, Proof, Sessions } from './sessions.ts';
import { type Attempt, CODE_BUDGETS, createSignInLimits, type SignInLimits } from './sign-in-limits.ts';
import { type NewUser, type PrepareUserOutcome, parseUserName, prepareUser } from './users.ts';

/** Signing in, by name and password or by whom another provider vouches for, and a second factor where one is due. */
export interface SignIn {
  /** Whose secret this is: see `Sessions`. */
  authenticate(secret: string): Promise<Principal | undefined>;
  signIn(request: From & { readonly name: string; readonly password: string }): Promise<SignInOutcome>;
  /** The first factor was judged elsewhere: by another provider. */
  proceed(user: User, proof: Proof): Promise<StepOutcome>;
  /** Who has shown a first factor and still owes the second. */
  findPending(secret: string): Promise<Pending | undefined>;
  /** The second factor. A pending secret that was answered is worth nothing any more. */
  answer(
    request: From & { readonly pending: string; readonly answer: FactorAnswer; readonly rp?: RelyingParty },
  ): Promise<AnswerOutcome>;
  /** A passkey alone: its user was verified on the device, so it is both factors at once. */
  signInWithPasskey(
    request: Pick<From, 'replaces'> & { readonly answer: PasskeyAnswer; readonly rp: RelyingParty },
  ): Promise<Opened | Refused>;
  /** Who owes a second factor and has none: they may enrol one now. Whoever has one must show it, not make another. */
  enrolling(pending: string): Promise<User | undefined>;
  /** The second factor that was owed has been enrolled just now, and with that shown. */
  enrolled(pending: string, factor: Factor): Promise<Opened | undefined>;
  /**
   * A second factor was enrolled in a session that is open, and with that shown. Whoever is in elsewhere by a password
   * alone is out: from now on that is not enough.
   */
  enrolledHere(secret: string, factor: Factor): Promise<void>;
  /** A second factor was given up in this session, lost perhaps: whatever else is open in a browser ends (ASVS 7.4.3). */
  removedHere(secret: string): Promise<void>;
  /** Once more, in a session that is open: for what asks for a fresh proof. */
  stepUp(
    request: From & {
      readonly secret: string;
      readonly answer: FactorAnswer | { readonly kind: 'password'; readonly password: string };
      readonly rp?: RelyingParty;
    },
  ): Promise<{ readonly kind: 'proven'; readonly principal: Principal } | Refused | Wait>;
  signOut(secret: string): Promise<void>;
  /** The code of the one-time link `/setup#code`, while nobody can sign in; undefined once somebody can. */
  offerSetup(): Promise<{ readonly code: string; readonly expiresAtMs: number } | undefined>;
  /** Makes the first account with that code. */
  setUp(request: {
    readonly code: string;
    readonly name: string;
    readonly displayName: string;
    readonly password: string;
    readonly address: string;
  }): Promise<SetupOutcome>;
}

interface From {
  /** Where the attempt comes from: the peer's address. */
  readonly address: string;
  /** What an earlier success gave this browser, if it still has it. */
  readonly browserMark?: string;
  /** The session that this browser had until now: it ends with the one that takes its place. */
  readonly replaces?: string;
}

export interface Opened {
  readonly kind: 'signed-in';
  /** For the cookie. */
  readonly secret: string;
  readonly principal: Principal;
  /** For a cookie of its own that outlives the session: see `createBrowserMarks`. */
  readonly browserMark: string;
}

/** The password is right, and that is not enough. */
export type Owed =
  | { readonly kind: 'second-factor'; readonly pending: string; readonly methods: readonly SecondFactor[] }
  | { readonly kind: 'enrol'; readonly pending: string };

/** Unknown name, wrong password, no password or a disabled account: nobody is told which. */
interface Refused {
  readonly kind: 'refused';
}
interface Wait {
  readonly kind: 'wait';
  readonly retryAfterMs: number;
}

export type StepOutcome = Opened | Owed;
export type SignInOutcome = StepOutcome | Refused | Wait;
export type AnswerOutcome =
  | Opened
  | Refused
  | Wait /** The first factor was too long ago. */
  | { readonly kind: 'too-old' };

export type SetupOutcome =
  | { readonly kind: 'made'; readonly step: StepOutcome }
  /** The code is wrong, used or too old, or there are users already. */
  | Refused
  | { readonly kind: 'unfit'; readonly field: 'name' | 'password'; readonly detail: string }
  | Wait;

/** Who sets an installation up must be able to see that it works: administration, operation, and the wall itself. */
export const FIRST_USER_ROLES: readonly Role[] = ['admin', 'operator', 'charge-nurse'];

export function createSignIn(options: {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly now: () => number;
  readonly limits?: SignInLimits;
  readonly codeLimits?: SignInLimits;
  /** Without it nobody has or needs a second factor. */
  readonly secondFactor?: { readonly desk: SecondFactorDesk; readonly roles: readonly Role[] };
  /** Another provider must vouch for them each time: a passkey of ours is their second factor, and lets nobody in alone. */
  readonly isVouchedFor?: (userId: UserId) => Promise<boolean>;
  /** With it, browsers stay known over a restart and by every server: see `createBrowserMarks`. */
  readonly browserMarkKey?: Uint8Array;
  readonly tellOwner?: TellOwner;
}): SignIn {
  const { accounts, sessions, passwords, now, secondFactor, isVouchedFor, tellOwner = async () => {} } = options;
  const limits = options.limits ?? createSignInLimits({ now });
  const codeLimits = options.codeLimits ?? createSignInLimits({ now, budgets: CODE_BUDGETS });
  const marks = createBrowserMarks(options.browserMarkKey);

  async function opened(user: User, proof: Proof, { replaces }: Pick<From, 'replaces'> = {}): Promise<Opened> {
    if (replaces !== undefined) await sessions.end(replaces);
    return { kind: 'signed-in', ...(await sessions.open(user, proof)), browserMark: marks.markFor(user.name) };
  }

  async function proceed(user: User, proof: Proof, from: Pick<From, 'replaces'> = {}): Promise<StepOutcome> {
    if (secondFactor === undefined || proof.mfaAtMs !== undefined) return opened(user, proof, from);
    const { desk, roles: rolesWithSecondFactor } = secondFactor;
    const methods = await desk.methodsOf(user.id);
    const next = nextStep({ roles: user.roles, rolesWithSecondFactor, methods });
    if (next.kind === 'done') return opened(user, proof, from);
    return { ...next, pending: await sessions.openPending(user, proof.factors) };
  }

  function attemptOf(name: string, { address, browserMark }: From): Attempt {
    const browser = name === '' ? undefined : marks.countedAs(browserMark, name);
    return browser === undefined ? { name, address } : { name, address, browser };
  }

  /** Too many at once: whoever was not heard has not guessed. */
  function turnedAway(attempt: Attempt) {
    limits.takeBack(attempt);
    return BUSY;
  }

  /** One try at something that can be guessed, counted before it is judged. */
  async function judged(user: User, from: From, answer: FactorAnswer, rp: RelyingParty | undefined) {
    // A signature, and a recovery code of 80 bits or more, cannot be guessed: whoever has one is never made to wait by
    // who guesses codes.
    const attempt = answer.kind === 'totp' ? attemptOf(user.name, from) : undefined;
    const permission = attempt === undefined ? ({ kind: 'go' } as const) : codeLimits.begin(attempt);
    if (permission.kind === 'wait') return permission;
    if (!(await secondFactor?.desk.judge(user, answer, rp))) {
      if (attempt !== undefined && codeLimits.failures(attempt) === CODES_TOLD)
        void tellOwner(user.id, 'password-known');
      return { kind: 'refused' } as const;
    }
    if (attempt !== undefined) codeLimits.succeeded(attempt);
    return { kind: 'right' } as const;
  }

  return {
    authenticate: sessions.authenticate,
    signOut: sessions.end,
    findPending: sessions.findPending,
    proceed,
    async signIn({ name: text, password, ...from }) {
      const name = parseUserName(text);
      const attempt = attemptOf(name ?? '', from);
      const permission = limits.begin(attempt);
      if (permission.kind === 'wait') return permission;
      const user = name === undefined ? undefined : await accounts.findUser(name);
      const verdict = await passwords.verify(password, user?.passwordHash, turnOf(attempt));
      if (verdict.kind === 'busy') return turnedAway(attempt);
      const failures = limits.failures(attempt);
      if (verdict.kind === 'wrong' || user === undefined || user.disabledAtMs !== undefined) {
        // Not waited for: how long an answer takes must not tell whether there is such a name.
        if (user !== undefined && failures === GUESSES_TOLD) void tellOwner(user.id, 'guessed-at');
        return { kind: 'refused' };
      }
      if (failures > GUESSES_TOLD) void tellOwner(user.id, 'signed-in-after-guesses');
      limits.succeeded(attempt);
      if (verdict.rehash) await storeAnew(accounts, passwords, user, password);
      return proceed(user, { factors: ['password'] }, from);
    },

    async answer({ pending: secret, answer, rp, ...from }) {
      const pending = await sessions.findPending(secret);
      if (pending === undefined) return { kind: 'too-old' };
      const verdict = await judged(pending.user, from, answer, rp);
      if (verdict.kind !== 'right') return verdict;
      await sessions.end(secret);
      return opened(pending.user, { factors: [...pending.factors, answer.kind], mfaAtMs: now() }, from);
    },

    async signInWithPasskey({ answer, rp, ...from }) {
      // Nothing here can be guessed, so nobody is made to wait: a pause would only keep others out.
      const owner = await secondFactor?.desk.passkeyOwner(answer, rp);
      const user = owner === undefined ? undefined : await accounts.findUserById(owner);
      if (user === undefined || user.disabledAtMs !== undefined) return { kind: 'refused' };
      // Whom their own provider has shut out may still hold the key.
      if ((await isVouchedFor?.(user.id)) === true) return { kind: 'refused' };
      return opened(user, { factors: ['passkey'], mfaAtMs: now() }, from);
    },

    async enrolling(secret) {
      const pending = await sessions.findPending(secret);
      if (pending === undefined || secondFactor === undefined) return undefined;
      return (await secondFactor.desk.methodsOf(pending.user.id)).length === 0 ? pending.user : undefined;
    },

    async enrolled(secret, factor) {
      const pending = await sessions.findPending(secret);
      if (pending === undefined) return undefined;
      await sessions.end(secret);
      return opened(pending.user, { factors: [...pending.factors, factor], mfaAtMs: now() });
    },

    async enrolledHere(secret, factor) {
      const principal = await sessions.prove(secret, factor);
      if (principal !== undefined) await sessions.endOthers(principal.userId, { kept: secret, which: 'by-one-factor' });
    },

    async removedHere(secret) {
      const principal = await sessions.authenticate(secret);
      if (principal !== undefined) await sessions.endOthers(principal.userId, { kept: secret, which: 'all' });
    },

    async stepUp({ secret, answer, rp, ...from }) {
      const principal = await sessions.authenticate(secret);
      const user = principal === undefined ? undefined : await accounts.findUser(principal.name);
      if (principal?.kind !== 'session' || user === undefined) return { kind: 'refused' };
      const verdict =
        answer.kind === 'password'
          ? await passwordOnceMore(user, answer.password, from)
          : await judged(user, from, answer, rp);
      if (verdict.kind !== 'right') return verdict;
      const proven = await sessions.prove(secret, answer.kind);
      return proven === undefined ? { kind: 'refused' } : { kind: 'proven', principal: proven };
    },

    async offerSetup() {
      if (await accounts.hasUsers()) return undefined;
      const code = newSecret('setup');
      const expiresAtMs = now() + SETUP_MS;
      await accounts.putSetup(sha256Of(code), expiresAtMs);
      return { code, expiresAtMs };
    },

    async setUp({ code, address, ...rest }) {
      const wanted: NewUser = { ...rest, roles: FIRST_USER_ROLES, wardIds: [] };
      const attempt = attemptOf('', { address });
      const permission = limits.begin(attempt);
      if (permission.kind === 'wait') return permission;
      // Everything that can be wrong is found, and the hash made, before the code is used up.
      const prepared = await prepareUser(passwords, wanted);
      if (prepared.kind === 'busy') return BUSY;
      if (prepared.kind === 'refused') return unfit(prepared);
      if (!(await accounts.claimSetup(sha256Of(code), now()))) return { kind: 'refused' };
      limits.succeeded(attempt);
      await accounts.putUser(prepared.user);
      return { kind: 'made', step: await proceed(prepared.user, { factors: ['password'] }) };
    },
  };

  async function passwordOnceMore(user: User & { readonly passwordHash?: string }, password: string, from: From) {
    const attempt = attemptOf(user.name, from);
    const permission = limits.begin(attempt);
    if (permission.kind === 'wait') return permission;
    // In a session that is open: no stranger.
    const verdict = await passwords.verify(password, user.passwordHash, 'first');
    if (verdict.kind === 'busy') return turnedAway(attempt);
    if (verdict.kind === 'wrong') return { kind: 'refused' } as const;
    limits.succeeded(attempt);
    return { kind: 'right' } as const;
  }
}

const turnOf = ({ browser }: Attempt) => (browser === undefined ? 'in-order' : 'first');

function unfit({ field, detail }: Refusal): SetupOutcome {
  return field === 'displayName'
    ? { kind: 'unfit', field: 'name', detail: `for the name to show: ${detail}` }
    : { kind: 'unfit', field, detail };
}

type Refusal = Extract<PrepareUserOutcome, { kind: 'refused' }>;

/** Nobody mistypes so often without noticing: their owner is told, once until an hour was quiet. */
const GUESSES_TOLD = 10;
const CODES_TOLD = 3;

/** A day to find the first start's output again; every start without users prints a new one. */
const SETUP_MS = 24 * 3_600_000;

/** All hashing slots and places to wait are taken; they turn over in seconds. */
const BUSY = { kind: 'wait', retryAfterMs: 2_000 } as const;

/** Best effort: the sign-in stands even if the new hash could not be made or stored. */
async function storeAnew(accounts: Accounts, passwords: Passwords, user: User, password: string): Promise<void> {
  const passwordHash = await passwords.hash(password);
  if (passwordHash !== undefined) await accounts.putPassword(user.id, passwordHash).catch(() => undefined);
}
