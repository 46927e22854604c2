import { ACCOUNT_ROLES, type Role } from '../domain/access.ts';
import { parseWardId, type TenantId, type UserId, type WardId } from '../domain/ids.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { UserDirectory, UserRecord } from '../ports/user-directory.ts';
import type { TellOwner } from './account-notices.ts';
import type { Passwords } from './passwords.ts';
import { passwordFault, passwordProblem } from './passwords.ts';
import type { SecondFactorDesk } from './second-factors.ts';
import { newSecret, sha256Of } from './secrets.ts';
import type { Sessions } from './sessions.ts';
import type { SignIn, StepOutcome } from './sign-in.ts';
import { DISPLAY_NAME, NAME_EXPECTED, newUserId, PASSWORD_TEXT, parseUserName } from './users.ts';

/** Making, changing, disabling accounts; one set of rules for the app, the command line and the directory. */
export interface UserAdmin {
  /** Makes an account and the invitation with which its owner sets a password. */
  add(wanted: WantedUser): Promise<AddOutcome>;
  change(id: UserId, change: UserEdit, by: { readonly userId?: UserId }): Promise<ChangeOutcome>;
  /** For whoever forgot the password, or never had one. */
  invite(id: UserId): Promise<Invited | undefined>;
  acceptInvitation(code: string, password: string): Promise<AcceptOutcome>;
  /** Lost phone: all second factors go, and whatever is open ends. */
  resetFactors(id: UserId): Promise<boolean>;
  endAll(id: UserId): Promise<number>;
}

export interface WantedUser {
  readonly name: string;
  readonly displayName: string;
  readonly roles: readonly string[];
  readonly wards: readonly string[];
  readonly tenantId: TenantId;
}

export interface UserEdit {
  readonly revision: number;
  readonly displayName?: string;
  readonly roles?: readonly string[];
  readonly wards?: readonly string[];
  readonly disabled?: boolean;
}

export interface Invited {
  readonly code: string;
  readonly expiresAtMs: number;
}

export interface FieldProblem {
  readonly field: string;
  readonly detail: string;
}

export type AddOutcome =
  | { readonly kind: 'added'; readonly user: UserRecord; readonly invited: Invited }
  | { readonly kind: 'refused'; readonly problems: readonly FieldProblem[] }
  | { readonly kind: 'taken' };

export type ChangeOutcome =
  | { readonly kind: 'changed'; readonly user: UserRecord }
  | { readonly kind: 'refused'; readonly problems: readonly FieldProblem[] }
  /** Nobody takes from themselves what it needs to give it back. */
  | { readonly kind: 'own-admin' }
  /** Nor gives themselves what they have not: whoever manages accounts sees nothing of patients by that. */
  | { readonly kind: 'own-rights' }
  /** Another system looks after this account; here it would be changed back. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'not-found' | 'stale' };

export type AcceptOutcome =
  | { readonly kind: 'accepted'; readonly step: StepOutcome }
  | { readonly kind: 'refused' | 'busy' }
  | { readonly kind: 'unfit'; readonly detail: string };

/** A weekend and a day off. */
const INVITATION_MS = 4 * 86_400_000;
/** For trying again where the server was busy. */
const AGAIN_MS = 3_600_000;

export function createUserAdmin(parts: {
  readonly directory: UserDirectory;
  readonly accounts: Pick<Accounts, 'putPassword'>;
  readonly passwords: Passwords;
  readonly sessions: Pick<Sessions, 'endAll'>;
  readonly desk: Pick<SecondFactorDesk, 'clear'>;
  readonly signIn: Pick<SignIn, 'proceed'>;
  /** What somebody's apps hold ends as well. */
  readonly endApps: (userId: UserId) => Promise<void>;
  readonly tellOwner: TellOwner;
  readonly now: () => number;
}): UserAdmin {
  const { directory, accounts, passwords, sessions, desk, signIn, endApps, tellOwner, now } = parts;

  async function invite(userId: UserId): Promise<Invited> {
    const code = newSecret('setup');
    const expiresAtMs = now() + INVITATION_MS;
    await directory.putInvitation({ sha256: sha256Of(code), userId, expiresAtMs });
    return { code, expiresAtMs };
  }

  async function endAll(userId: UserId): Promise<number> {
    await endApps(userId);
    return sessions.endAll(userId);
  }

  return {
    endAll,
    async add(wanted) {
      const name = parseUserName(wanted.name);
      const problems = [
        ...(name === undefined ? [{ field: 'name', detail: NAME_EXPECTED }] : []),
        ...problemsOf(wanted),
      ];
      if (name === undefined || problems.length > 0) return { kind: 'refused', problems };
      const outcome = await directory.add({
        id: newUserId(),
        name,
        displayName: wanted.displayName.trim(),
        roles: wanted.roles as readonly Role[],
        wardIds: wanted.wards as readonly string[] as readonly WardId[],
        tenantId: wanted.tenantId,
        source: 'local',
        profile: {},
      });
      if (outcome.kind === 'taken') return outcome;
      return { kind: 'added', user: outcome.user, invited: await invite(outcome.user.id) };
    },

    async change(id, { revision, displayName, roles, wards, disabled }, by) {
      const before = await directory.find(id);
      if (before === undefined) return { kind: 'not-found' };
      if (before.source !== 'local' && (displayName ?? roles ?? wards) !== undefined) return { kind: 'elsewhere' };
      const losesAdmin = roles !== undefined && before.roles.includes('admin') && !roles.includes('admin');
      if (by.userId === id && (losesAdmin || disabled === true)) return { kind: 'own-admin' };
      if (by.userId === id && givesMore(before, { roles, wards })) return { kind: 'own-rights' };
      const problems = problemsOf({
        ...(displayName !== undefined && { displayName }),
        ...(roles !== undefined && { roles }),
        ...(wards !== undefined && { wards }),
      });
      if (problems.length > 0) return { kind: 'refused', problems };
      const outcome = await directory.change(
        id,
        {
          ...(displayName !== undefined && { displayName: displayName.trim() }),
          ...(roles !== undefined && { roles: roles as readonly Role[] }),
          ...(wards !== undefined && { wardIds: wards as readonly string[] as readonly WardId[] }),
          ...(disabled !== undefined && { disabledAtMs: disabled ? (before.disabledAtMs ?? now()) : null }),
        },
        revision,
      );
      if (outcome.kind === 'taken') throw new Error('a change without a name cannot meet another name');
      // What was given up must not live on in what is open: sessions read roles anew, apps and keys end with the person.
      if (outcome.kind === 'changed' && disabled === true) await endAll(id);
      return outcome as ChangeOutcome;
    },

    async invite(id) {
      const user = await directory.find(id);
      if (user === undefined || user.disabledAtMs !== undefined) return undefined;
      const invited = await invite(id);
      await tellOwner(id, 'invitation');
      return invited;
    },

    async acceptInvitation(code, password) {
      const tooWeak = passwordProblem(password, '');
      if (tooWeak !== undefined) return { kind: 'unfit', detail: PASSWORD_TEXT[tooWeak] };
      // Claimed before anything is hashed: whoever has no invitation must not keep the slots for hashing busy.
      const sha256 = sha256Of(code);
      const user = await directory.claimInvitation(sha256, now());
      if (user === undefined) return { kind: 'refused' };
      const again = () => directory.putInvitation({ sha256, userId: user.id, expiresAtMs: now() + AGAIN_MS });
      const fault = await passwordFault(password, user.name);
      if (fault !== undefined) {
        await again();
        return { kind: 'unfit', detail: PASSWORD_TEXT[fault] };
      }
      const passwordHash = await passwords.hash(password);
      if (passwordHash === undefined) {
        await again();
        return { kind: 'busy' };
      }
      if (!(await accounts.putPassword(user.id, passwordHash))) return { kind: 'refused' };
      await endAll(user.id);
      await tellOwner(user.id, 'password');
      return { kind: 'accepted', step: await signIn.proceed(user, { factors: ['password'] }) };
    },

    async resetFactors(id) {
      if ((await directory.find(id)) === undefined) return false;
      await desk.clear(id);
      await endAll(id);
      await tellOwner(id, 'factors-reset');
      return true;
    },
  };
}

/** A role that was not there, or a ward; no wards are all wards. */
function givesMore(
  before: Pick<UserRecord, 'roles' | 'wardIds'>,
  {
    roles = [],
    wards,
  }: { readonly roles?: readonly string[] | undefined; readonly wards?: readonly string[] | undefined },
): boolean {
  const [had, seen] = [new Set<string>(before.roles), new Set<string>(before.wardIds)];
  if (roles.some((role) => !had.has(role))) return true;
  if (wards === undefined || seen.size === 0) return false;
  return wards.length === 0 || wards.some((ward) => !seen.has(ward));
}

function problemsOf(wanted: Partial<Pick<WantedUser, 'displayName' | 'roles' | 'wards'>>): readonly FieldProblem[] {
  const { displayName, roles = [], wards = [] } = wanted;
  const problems: FieldProblem[] = [];
  if (displayName !== undefined && !DISPLAY_NAME.test(displayName.trim()))
    problems.push({ field: 'displayName', detail: 'expected 1 to 100 printable characters' });
  for (const [index, role] of roles.entries())
    if (!ACCOUNT_ROLES.includes(role as Role))
      problems.push({ field: `roles.${index}`, detail: `must be one of ${ACCOUNT_ROLES.join(', ')}` });
  for (const [index, ward] of wards.entries())
    if (parseWardId(ward) === undefined) problems.push({ field: `wards.${index}`, detail: 'is no id of a ward' });
  return problems;
}
