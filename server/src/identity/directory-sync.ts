import type { TenantId, UserId } from '../domain/ids.ts';
import { meaningOfGroups, type RoleGroup } from '../domain/role-groups.ts';
import type {
  ChangeUserOutcome,
  DirectoryGroup,
  GroupChange,
  UserDirectory,
  UserProfile,
  UserRecord,
} from '../ports/user-directory.ts';
import type { TellOwner } from './account-notices.ts';
import { newUserId, parseUserName } from './users.ts';

/** The hospital's directory sends people and groups; what they are here follows from the groups they are in. */
export interface DirectorySync {
  addUser(user: DirectoryUser & { readonly tenantId: TenantId }): Promise<UserRecord | 'taken' | 'bad-name'>;
  changeUser(user: UserRecord, change: DirectoryUserChange, revision?: number): Promise<SyncOutcome>;
  /** It takes them away: they come in no more, and what they did stays. */
  removeUser(user: UserRecord, revision?: number): Promise<ChangeUserOutcome['kind']>;
  changeGroup(
    group: DirectoryGroup,
    change: Omit<GroupChange, 'atMs'>,
    revision?: number,
  ): ReturnType<UserDirectory['changeGroup']>;
  removeGroup(group: DirectoryGroup): Promise<void>;
}

export interface DirectoryUser {
  readonly userName: string;
  readonly displayName?: string;
  readonly externalId?: string;
  readonly profile: UserProfile;
  readonly isActive: boolean;
}

/** `null`: it has none there any more. */
export type DirectoryUserChange = Partial<Omit<DirectoryUser, 'externalId'>> & { readonly externalId?: string | null };

export type SyncOutcome = ChangeUserOutcome | { readonly kind: 'bad-name' };

export function createDirectorySync(parts: {
  readonly directory: UserDirectory;
  readonly roleGroups: readonly RoleGroup[];
  /** Ends what somebody has open. */
  readonly endAll: (userId: UserId) => Promise<unknown>;
  readonly tellOwner: TellOwner;
  readonly now: () => number;
}): DirectorySync {
  const { directory, roleGroups, endAll, tellOwner, now } = parts;

  /** Roles and wards anew, for whoever's groups have changed. */
  async function mean(userIds: readonly string[]): Promise<void> {
    for (const id of new Set(userIds)) {
      const groups = await directory.groupsOf(id as UserId);
      const user = await directory.find(id as UserId);
      // An account of ours that a group happens to name is ours to give roles to.
      if (user?.source !== 'directory') continue;
      const meant = meaningOfGroups(
        roleGroups,
        groups.map(({ displayName }) => displayName),
      );
      const isSame = sameSet(user.roles, meant.roles) && sameSet(user.wardIds, meant.wardIds);
      if (!isSame) await directory.change(user.id, meant);
    }
  }

  async function addUser(wanted: DirectoryUser & { readonly tenantId: TenantId }) {
    const name = parseUserName(wanted.userName);
    if (name === undefined) return 'bad-name';
    const { externalId, profile, tenantId, isActive } = wanted;
    const displayName = shownName(wanted, name);
    const outcome = await directory.add({
      id: newUserId(),
      name,
      displayName,
      roles: [],
      wardIds: [],
      tenantId,
      source: 'directory',
      profile,
      ...(externalId !== undefined && { externalId }),
      ...(!isActive && { disabledAtMs: now() }),
    });
    return outcome.kind === 'added' ? outcome.user : revived(name, wanted, displayName);
  }

  /** It sends again whom it had taken away: the same account, with nothing of the roles it had. */
  async function revived(name: string, wanted: DirectoryUser & { readonly tenantId: TenantId }, displayName: string) {
    const { tenantId, externalId, profile, isActive } = wanted;
    const { users } = await directory.list({ tenantId, by: { field: 'name', value: name }, offset: 0, limit: 1 });
    const [found] = users;
    if (found?.source !== 'directory' || found.profile.isRemoved !== true) return 'taken';
    const outcome = await directory.change(found.id, {
      displayName,
      profile,
      externalId: externalId ?? null,
      disabledAtMs: isActive ? null : now(),
      roles: [],
      wardIds: [],
    });
    return outcome.kind === 'changed' ? outcome.user : 'taken';
  }

  return {
    addUser,
    async changeUser(user, { userName, displayName, externalId, profile, isActive }, revision) {
      const name = userName === undefined ? undefined : parseUserName(userName);
      if (userName !== undefined && name === undefined) return { kind: 'bad-name' };
      const outcome = await directory.change(
        user.id,
        {
          ...(name !== undefined && { name }),
          ...(displayName !== undefined && { displayName: shownName({ displayName, profile: {} }, user.name) }),
          ...(externalId !== undefined && { externalId }),
          ...(profile !== undefined && { profile }),
          ...(isActive !== undefined && { disabledAtMs: isActive ? null : (user.disabledAtMs ?? now()) }),
        },
        revision,
      );
      if (outcome.kind !== 'changed') return outcome;
      if (isActive === false) await endAll(user.id);
      if (outcome.user.name !== user.name) await tellOwner(user.id, 'name');
      return outcome;
    },

    async removeUser(user, revision) {
      const outcome = await directory.change(
        user.id,
        {
          roles: [],
          wardIds: [],
          externalId: null,
          profile: { ...user.profile, isRemoved: true },
          disabledAtMs: user.disabledAtMs ?? now(),
        },
        revision,
      );
      if (outcome.kind !== 'changed') return outcome.kind;
      await endAll(user.id);
      // Sent again some day, they are in no group until the directory says so.
      for (const { id } of await directory.groupsOf(user.id))
        await directory.changeGroup(id, { remove: [user.id], atMs: now() });
      return outcome.kind;
    },

    async changeGroup(group, change, revision) {
      const outcome = await directory.changeGroup(group.id, { ...change, atMs: now() }, revision);
      if (outcome !== 'changed') return outcome;
      const { add = [], remove = [], replace } = change;
      const isRenamed = change.displayName !== undefined && change.displayName !== group.displayName;
      const after = (await directory.findGroup(group.id))?.members ?? [];
      // Only who was in it or is now: whoever is named besides may be another organisation's, and is none of its business.
      const members = [...group.members, ...after].map(({ id }) => id);
      const touched = new Set<string>([...add, ...remove]);
      await mean(replace !== undefined || isRenamed ? members : members.filter((id) => touched.has(id)));
      return outcome;
    },

    async removeGroup(group) {
      await directory.removeGroup(group.id);
      await mean(group.members.map(({ id }) => id));
    },
  };
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one) => b.includes(one));

/** What a directory calls somebody may be anything; what stands beside an acknowledgement must be readable. */
function shownName({ displayName, profile }: Pick<DirectoryUser, 'displayName' | 'profile'>, name: string): string {
  const full = [profile.givenName, profile.familyName].filter((part) => part !== undefined && part !== '').join(' ');
  const clean = (displayName ?? full).replaceAll(/\p{C}/gu, '').trim().slice(0, 100);
  return clean === '' ? name : clean;
}
