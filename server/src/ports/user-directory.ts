import type { Role } from '../domain/access.ts';
import type { TenantId, UserId, WardId } from '../domain/ids.ts';
import type { User } from './accounts.ts';

/** Accounts as they are managed: by people, by the hospital's directory, by what another provider says. */
export interface UserDirectory {
  find(id: UserId): Promise<UserRecord | undefined>;
  /** By name; a page of them, and how many there are. */
  list(query: UserQuery): Promise<{ readonly total: number; readonly users: readonly UserRecord[] }>;
  /** `taken`: there is a user of that name. */
  add(user: NewUserRecord): Promise<{ readonly kind: 'added'; readonly user: UserRecord } | { readonly kind: 'taken' }>;
  /** Changes what is named. With a `revision` only if nobody changed the user since: `stale` otherwise. */
  change(id: UserId, change: UserChange, revision?: number): Promise<ChangeUserOutcome>;

  /** The same person at another provider. */
  findFederated(issuer: string, subject: string): Promise<UserRecord | undefined>;
  link(identity: { readonly issuer: string; readonly subject: string; readonly userId: UserId }): Promise<void>;

  /** A code with which this person sets a password; those before are worthless from now on. */
  putInvitation(invitation: {
    readonly sha256: string;
    readonly userId: UserId;
    readonly expiresAtMs: number;
  }): Promise<void>;
  /** Whose it is: once, in its time, and only of a user who is not disabled. */
  claimInvitation(sha256: string, nowMs: number): Promise<UserRecord | undefined>;

  groups(query: GroupQuery): Promise<{ readonly total: number; readonly groups: readonly DirectoryGroup[] }>;
  findGroup(id: string): Promise<DirectoryGroup | undefined>;
  addGroup(group: {
    readonly id: string;
    readonly displayName: string;
    readonly externalId?: string;
    readonly atMs: number;
  }): Promise<'added' | 'taken'>;
  /** Members that are not there are left out: a directory may name people before it sends them. */
  changeGroup(id: string, change: GroupChange, revision?: number): Promise<'changed' | 'stale' | 'taken' | 'not-found'>;
  removeGroup(id: string): Promise<boolean>;
  /** The names of the groups somebody is in. */
  groupsOf(userId: UserId): Promise<readonly { readonly id: string; readonly displayName: string }[]>;
}

export interface UserRecord extends User {
  readonly tenantId: TenantId;
  /** Who looks after this account: we, another OpenID provider, or the hospital's directory (SCIM). */
  readonly source: UserSource;
  readonly externalId?: string;
  readonly profile: UserProfile;
  /** Grows with every change. */
  readonly revision: number;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  readonly hasPassword: boolean;
}

export type UserSource = 'local' | 'federated' | 'directory';

export interface UserProfile {
  readonly givenName?: string;
  readonly familyName?: string;
  readonly email?: string;
  /** The directory took this person away; the account stays, because what they did stays. */
  readonly isRemoved?: true;
}

export interface NewUserRecord extends User {
  readonly tenantId: TenantId;
  readonly source: UserSource;
  readonly externalId?: string;
  readonly profile: UserProfile;
}

export interface UserChange {
  readonly name?: string;
  readonly displayName?: string;
  readonly roles?: readonly Role[];
  readonly wardIds?: readonly WardId[];
  /** `null`: enabled again. */
  readonly disabledAtMs?: number | null;
  readonly source?: UserSource;
  readonly externalId?: string | null;
  readonly profile?: UserProfile;
}

export type ChangeUserOutcome =
  | { readonly kind: 'changed'; readonly user: UserRecord }
  | { readonly kind: 'not-found' | 'stale' | 'taken' };

export interface UserQuery {
  readonly tenantId?: TenantId;
  /** With `directory`, those it has taken away again are left out. */
  readonly source?: UserSource;
  readonly by?: { readonly field: 'id' | 'name' | 'externalId'; readonly value: string };
  /** All of these, in any case, somewhere in their names, roles (with or without hyphens) or wards. */
  readonly words?: readonly string[];
  /** Those who were given some of these wards and none besides; so nobody who was given none. */
  readonly within?: readonly WardId[];
  readonly offset: number;
  readonly limit: number;
}

export interface GroupQuery {
  readonly by?: { readonly field: 'id' | 'displayName' | 'externalId'; readonly value: string };
  readonly offset: number;
  readonly limit: number;
}

export interface DirectoryGroup {
  readonly id: string;
  readonly displayName: string;
  readonly externalId?: string;
  readonly revision: number;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  readonly members: readonly { readonly id: UserId; readonly displayName: string }[];
}

export interface GroupChange {
  readonly displayName?: string;
  readonly externalId?: string;
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  /** Exactly these from now on. */
  readonly replace?: readonly string[];
  readonly atMs: number;
}
