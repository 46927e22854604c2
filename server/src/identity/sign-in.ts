import type { Role } from '../domain/access.ts';
import type { Accounts, User } from '../ports/accounts.ts';
import type { Passwords } from './passwords.ts';
import { createBrowserMarks, newSecret, sha256Of } from './secrets.ts';
import type { Principal, Sessions } from './sessions.ts';
import { type Attempt, createSignInLimits, type SignInLimits } from './sign-in-limits.ts';
import { type NewUser, type PrepareUserOutcome, parseUserName, prepareUser } from './users.ts';

/** Signing in with name and password, and making the first account. OpenID Connect can replace it as a whole. */
export interface SignIn {
  /** Whose secret this is: see `Sessions`. */
  authenticate(secret: string): Promise<Principal | undefined>;
  signIn(request: {
    readonly name: string;
    readonly password: string;
    /** Where the attempt comes from: the peer's address. */
    readonly address: string;
    /** What an earlier success gave this browser, if it still has it. */
    readonly browserMark?: string;
  }): Promise<SignInOutcome>;
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

export type SignInOutcome =
  | {
      readonly kind: 'signed-in';
      /** For the cookie. */
      readonly secret: string;
      readonly principal: Principal;
      /** For a cookie of its own that outlives the session: see `createBrowserMarks`. */
      readonly browserMark: string;
    }
  /** Unknown name, wrong password, no password or a disabled account: nobody is told which. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'wait'; readonly retryAfterMs: number };

export type SetupOutcome =
  | { readonly kind: 'made'; readonly secret: string; readonly principal: Principal; readonly browserMark: string }
  /** The code is wrong, used or too old, or there are users already. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unfit'; readonly field: 'name' | 'password'; readonly detail: string }
  | { readonly kind: 'wait'; readonly retryAfterMs: number };

/** Who sets an installation up must be able to see that it works: administration, operation, and the wall itself. */
export const FIRST_USER_ROLES: readonly Role[] = ['admin', 'operator', 'charge-nurse'];

export function createSignIn(options: {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly now: () => number;
  readonly limits?: SignInLimits;
}): SignIn {
  const { accounts, sessions, passwords, now } = options;
  const limits = options.limits ?? createSignInLimits({ now });
  const marks = createBrowserMarks();

  async function opened(user: User) {
    return { ...(await sessions.open(user)), browserMark: marks.markFor(user.name) };
  }

  return {
    authenticate: sessions.authenticate,
    signOut: sessions.end,
    async signIn({ name: text, password, address, browserMark }) {
      const name = parseUserName(text);
      const attempt = attemptOf(name ?? '', address, name === undefined ? undefined : marks.nonceOf(browserMark, name));
      const permission = limits.begin(attempt);
      if (permission.kind === 'wait') return permission;
      const user = name === undefined ? undefined : await accounts.findUser(name);
      const verdict = await passwords.verify(password, user?.passwordHash);
      if (verdict.kind === 'busy') return BUSY;
      if (verdict.kind === 'wrong' || user === undefined || user.disabledAtMs !== undefined) return { kind: 'refused' };
      limits.succeeded(attempt);
      if (verdict.rehash) await storeAnew(accounts, passwords, user, password);
      return { kind: 'signed-in', ...(await opened(user)) };
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
      const attempt = attemptOf('', address, undefined);
      const permission = limits.begin(attempt);
      if (permission.kind === 'wait') return permission;
      // Everything that can be wrong is found, and the hash made, before the code is used up.
      const prepared = await prepareUser(passwords, wanted);
      if (prepared.kind === 'busy') return BUSY;
      if (prepared.kind === 'refused') return unfit(prepared);
      if (!(await accounts.claimSetup(sha256Of(code), now()))) return { kind: 'refused' };
      limits.succeeded(attempt);
      await accounts.putUser(prepared.user);
      return { kind: 'made', ...(await opened(prepared.user)) };
    },
  };
}

function unfit({ field, detail }: Refusal): SetupOutcome {
  return field === 'displayName'
    ? { kind: 'unfit', field: 'name', detail: `for the name to show: ${detail}` }
    : { kind: 'unfit', field, detail };
}

type Refusal = Extract<PrepareUserOutcome, { kind: 'refused' }>;

/** A day to find the first start's output again; every start without users prints a new one. */
const SETUP_MS = 24 * 3_600_000;

/** All hashing slots and places to wait are taken; they turn over in seconds. */
const BUSY = { kind: 'wait', retryAfterMs: 2_000 } as const;

function attemptOf(name: string, address: string, browserNonce: string | undefined): Attempt {
  return browserNonce === undefined ? { name, address } : { name, address, browserNonce };
}

/** Best effort: the sign-in stands even if the new hash could not be made or stored. */
async function storeAnew(accounts: Accounts, passwords: Passwords, user: User, password: string): Promise<void> {
  const passwordHash = await passwords.hash(password);
  if (passwordHash !== undefined) await accounts.putUser({ ...user, passwordHash }).catch(() => undefined);
}
