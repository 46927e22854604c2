import { DEFAULT_TENANT, type UserId } from '../domain/ids.ts';
import { meaningOfGroups, type RoleGroup } from '../domain/role-groups.ts';
import type { OutsideChecks, OutsideProvider, VouchedFor } from '../ports/outside-provider.ts';
import type { UserDirectory, UserRecord } from '../ports/user-directory.ts';
import type { SignIn, StepOutcome } from './sign-in.ts';
import type { Tickets } from './tickets.ts';
import { DISPLAY_NAME, newUserId, parseUserName } from './users.ts';

/** Signing in by the word of another provider. */
export interface Federation {
  /** Where the browser goes; `ticket` is to come back with it. */
  begin(): Promise<{ readonly url: string; readonly ticket: string }>;
  finish(callback: URL, ticket: string | undefined): Promise<FederationOutcome>;
}

export type FederationOutcome =
  | StepOutcome
  /** What came back is no answer to what this browser began. */
  | { readonly kind: 'refused' }
  /** They are who they say, and nothing here is for them; or their name is somebody else's here. */
  | { readonly kind: 'nobody-here' | 'name-taken' };

export function createFederation(parts: {
  readonly provider: OutsideProvider;
  readonly directory: UserDirectory;
  readonly signIn: Pick<SignIn, 'proceed'>;
  readonly tickets: Tickets;
  readonly roleGroups: readonly RoleGroup[];
  /** Ends what somebody has open. */
  readonly endAll: (userId: UserId) => Promise<unknown>;
}): Federation {
  const { provider, directory, signIn, tickets, roleGroups, endAll } = parts;
  return {
    async begin() {
      const { url, checks } = await provider.begin();
      return { url, ticket: tickets.issue(PURPOSE, checks).ticket };
    },
    async finish(callback, text) {
      // The ticket lies with the browser that began: an answer that was put into another browser's mouth finds none.
      const ticket = text === undefined ? undefined : tickets.read<OutsideChecks>(PURPOSE, text);
      if (ticket === undefined || !(await ticket.spend())) return { kind: 'refused' };
      const vouched = await provider.finish(callback, ticket.data);
      if (vouched === undefined) return { kind: 'refused' };
      const user = await accountOf(vouched);
      if (typeof user === 'string') return { kind: user };
      return signIn.proceed(user, {
        factors: ['federated'],
        ...(vouched.mfaAtMs !== undefined && { mfaAtMs: vouched.mfaAtMs }),
      });
    },
  };

  async function accountOf(vouched: VouchedFor): Promise<UserRecord | 'nobody-here' | 'name-taken'> {
    const known = await directory.findFederated(vouched.issuer, vouched.subject);
    if (known !== undefined) return known.disabledAtMs === undefined ? refreshed(known, vouched) : 'nobody-here';
    const provisioned = await provisionedBy(vouched);
    if (provisioned === 'name-taken' || provisioned !== undefined) return provisioned;
    return made(vouched);
  }

  /** The hospital's directory has sent this person before: its account and its provider speak of the same names. */
  async function provisionedBy({ issuer, subject, name }: VouchedFor): Promise<UserRecord | 'name-taken' | undefined> {
    const parsed = parseUserName(name ?? '');
    if (parsed === undefined) return undefined;
    const { users } = await directory.list({ by: { field: 'name', value: parsed }, offset: 0, limit: 1 });
    const [found] = users;
    if (found === undefined) return undefined;
    // An account of ours is never handed over to whoever bears its name elsewhere; nor one that another organisation's
    // directory sent: this provider speaks for the organisation that runs the installation.
    if (found.source !== 'directory' || found.tenantId !== DEFAULT_TENANT) return 'name-taken';
    if (found.disabledAtMs !== undefined) return 'name-taken';
    await directory.link({ issuer, subject, userId: found.id });
    return found;
  }

  /** What the provider says of them now; an account of the directory is the directory's to change. */
  async function refreshed(user: UserRecord, { groups, displayName }: VouchedFor): Promise<UserRecord | 'nobody-here'> {
    if (user.source !== 'federated') return user;
    const { roles, wardIds } = meaningOfGroups(roleGroups, groups);
    if (roles.length === 0) {
      // What they have open here, by another browser or a key, must not outlive what they were let in by.
      if (user.roles.length > 0) await directory.change(user.id, { roles: [], wardIds: [] });
      await endAll(user.id);
      return 'nobody-here';
    }
    const shown = displayName !== undefined && DISPLAY_NAME.test(displayName) ? { displayName } : {};
    const outcome = await directory.change(user.id, { roles, wardIds, ...shown });
    return outcome.kind === 'changed' ? outcome.user : 'nobody-here';
  }

  async function made(vouched: VouchedFor): Promise<UserRecord | 'nobody-here' | 'name-taken'> {
    const { issuer, subject, displayName, email } = vouched;
    const name = parseUserName(vouched.name ?? '');
    const { roles, wardIds } = meaningOfGroups(roleGroups, vouched.groups);
    if (name === undefined || roles.length === 0) return 'nobody-here';
    const outcome = await directory.add({
      id: newUserId(),
      name,
      displayName: displayName !== undefined && DISPLAY_NAME.test(displayName) ? displayName : name,
      roles,
      wardIds,
      tenantId: DEFAULT_TENANT,
      source: 'federated',
      profile: email === undefined ? {} : { email },
    });
    if (outcome.kind === 'taken') return 'name-taken';
    await directory.link({ issuer, subject, userId: outcome.user.id });
    return outcome.user;
  }
}

const PURPOSE = 'outside-sign-in';
