import type { UserId } from '../domain/ids.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { TellOwner } from './account-notices.ts';
import { type Passwords, passwordFault } from './passwords.ts';
import type { Principal, Sessions } from './sessions.ts';
import type { SignIn, StepOutcome } from './sign-in.ts';
import { PASSWORD_TEXT } from './users.ts';

export type PasswordChangeOutcome =
  /** Everything else that was open is closed; this browser goes on with a session of its own. */
  | { readonly kind: 'changed'; readonly step: StepOutcome }
  /** The one they have is another, or they have none here. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'wait'; readonly retryAfterMs: number }
  | { readonly kind: 'unfit'; readonly detail: string };

/** Changing one's own password: with the one that is there, which is guessed no faster than at the door. */
export function createOwnPassword(parts: {
  readonly accounts: Pick<Accounts, 'findUser' | 'putPassword'>;
  readonly passwords: Pick<Passwords, 'hash'>;
  readonly sessions: Pick<Sessions, 'endAll'>;
  readonly signIn: Pick<SignIn, 'stepUp' | 'proceed'>;
  /** What somebody's apps hold. */
  readonly endApps: (userId: UserId) => Promise<void>;
  readonly tellOwner: TellOwner;
}) {
  const { accounts, passwords, sessions, signIn, endApps, tellOwner } = parts;
  return async (request: {
    readonly principal: Principal;
    readonly secret: string;
    readonly current: string;
    readonly wanted: string;
    readonly address: string;
    readonly browserMark?: string;
  }): Promise<PasswordChangeOutcome> => {
    const { principal, current, wanted, ...from } = request;
    const proven = await signIn.stepUp({ ...from, answer: { kind: 'password', password: current } });
    if (proven.kind !== 'proven') return proven;
    const user = await accounts.findUser(principal.name);
    if (user === undefined) return { kind: 'refused' };
    if (wanted === current) return { kind: 'unfit', detail: 'is the one you have' };
    const fault = await passwordFault(wanted, user.name);
    if (fault !== undefined) return { kind: 'unfit', detail: PASSWORD_TEXT[fault] };
    const passwordHash = await passwords.hash(wanted);
    if (passwordHash === undefined) return { kind: 'wait', retryAfterMs: 2_000 };
    if (!(await accounts.putPassword(user.id, passwordHash))) return { kind: 'refused' };
    // Whoever had the old one, and signed in with it, is out: also who was about to, and the apps they let in. Keys stay:
    // each has an end of its own, and is ended at "Sessions and keys".
    await endApps(user.id);
    await sessions.endAll(user.id, 'session');
    await tellOwner(user.id, 'password');
    const { factors, mfaAtMs } = proven.principal;
    // As the account is now: a role that was given or taken meanwhile counts.
    const changed = (await accounts.findUser(user.name)) ?? user;
    return {
      kind: 'changed',
      step: await signIn.proceed(changed, { factors, ...(mfaAtMs !== undefined && { mfaAtMs }) }),
    };
  };
}
