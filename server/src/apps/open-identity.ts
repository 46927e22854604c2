import { hkdfSync, randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { createOutsideProvider } from '../adapters/openid/outside-provider.ts';
import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { PostgresOAuthClients } from '../adapters/postgres/oauth-clients.ts';
import { PostgresOpenIdRecords } from '../adapters/postgres/openid-records.ts';
import { PostgresSecondFactors } from '../adapters/postgres/second-factors.ts';
import { PostgresUserDirectory } from '../adapters/postgres/user-directory.ts';
import { ROLES, type Role } from '../domain/access.ts';
import type { UserId } from '../domain/ids.ts';
import { parseRoleGroup } from '../domain/role-groups.ts';
import type { TellOwner } from '../identity/account-notices.ts';
import { createAppsLetIn } from '../identity/apps-let-in.ts';
import { createDirectorySync } from '../identity/directory-sync.ts';
import { createProofOfKey } from '../identity/dpop.ts';
import { createFederation } from '../identity/federation.ts';
import { type IdentityKeys, LOOK_EVERY_MS, openIdentityKeys } from '../identity/identity-keys.ts';
import { createOpenIdProvider, type OpenIdProvider } from '../identity/openid-provider.ts';
import { createOwnPassword } from '../identity/own-password.ts';
import { createPasswords } from '../identity/passwords.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import { relyingParties } from '../identity/relying-party.ts';
import { createSeal } from '../identity/seal.ts';
import { createSecondFactorDesk } from '../identity/second-factors.ts';
import { createSessions, type Sessions } from '../identity/sessions.ts';
import { createSignIn, type SignIn } from '../identity/sign-in.ts';
import { createTickets } from '../identity/tickets.ts';
import { createUserAdmin } from '../identity/user-admin.ts';
import { parseUserName } from '../identity/users.ts';
import { repeat } from '../pacing/repeating.ts';
import type { KeptSecret } from '../ports/kept-secret.ts';
import type { OutsideProvider } from '../ports/outside-provider.ts';
import { registerAccessKeys } from '../serve/api/access-keys.ts';
import { registerClients } from '../serve/api/clients.ts';
import { registerOwnApps } from '../serve/api/own-apps.ts';
import { registerOwnPassword } from '../serve/api/own-password.ts';
import { registerSecondFactors } from '../serve/api/second-factors.ts';
import { registerUsers } from '../serve/api/users.ts';
import { createFreshProof } from '../serve/fresh-proof.ts';
import { acceptEmptyBodies } from '../serve/json-body.ts';
import { registerFederation } from '../serve/oidc/federation-routes.ts';
import { registerOpenId } from '../serve/oidc/openid-routes.ts';
import { registerScim } from '../serve/scim/scim-routes.ts';
import type { Services } from '../serve/services.ts';
import type { Log } from '../telemetry/log.ts';
import type { OpenedTenants } from './open-tenants.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

export interface OpenedIdentity {
  readonly sessions: Sessions;
  readonly signIn: SignIn & Pick<Services['signIn'], 'holdsKey'>;
  /** The sign-in name of the account that was meant, however it was typed; undefined: there is none. */
  knownAccount(typed: string): Promise<string | undefined>;
  readonly routes: (app: FastifyInstance) => void;
}

/** Who may come in, and how they prove it. */
export async function openIdentity(parts: {
  readonly settings: Settings;
  readonly identityKeys: KeptSecret;
  readonly tenants: Pick<OpenedTenants, 'accounts' | 'people' | 'signIn'>;
  readonly view: () => RegistryView;
  /** The port that was opened, once it is. */
  readonly port: () => number;
  readonly log: Log;
  readonly now: () => number;
  readonly hooks: { signIn(outcome: string): void };
  readonly tellOwner: TellOwner;
  readonly undo: ReturnType<typeof undoStack>;
}): Promise<OpenedIdentity> {
  const { settings, identityKeys, tenants, view, port, log, now, hooks, tellOwner, undo } = parts;
  let keys = await openIdentityKeys(identityKeys, now);
  const seal = createSeal(keys.seal);
  // Who asks is found out among all organisations; whatever they ask for then is their own organisation's.
  const proofs = new PostgresAccounts(tenants.signIn);
  const accounts = new PostgresAccounts(tenants.people);
  const store = new PostgresSecondFactors(tenants.people);
  const spending = new PostgresSecondFactors(tenants.signIn);
  const tickets = createTickets({ seal, store: spending, now });
  const proofOfKey = createProofOfKey({ store: spending, now });
  const desk = createSecondFactorDesk({ store, seal, tickets, now, tellOwner });
  const roles = secondFactorRolesOf(settings);
  const sessions = createSessions({ accounts, now, limits: sessionLimitsOf(settings), secondFactorRoles: roles });
  const passwords = createPasswords();
  const directory = new PostgresUserDirectory(tenants.people);
  const signIn = createSignIn({
    accounts: proofs,
    sessions,
    passwords,
    now,
    secondFactor: { desk, roles },
    isVouchedFor: async (userId) => (await directory.find(userId))?.source === 'federated',
    tellOwner,
    browserMarkKey: Buffer.from(hkdfSync('sha256', keys.seal, '', 'healthsync browser marks', 32)),
  });
  const relyingParty = relyingParties({
    names: settings.serverNames,
    ...(settings.publicUrl !== undefined && { publicUrl: settings.publicUrl }),
  });
  const records = new PostgresOpenIdRecords(tenants.signIn);
  const freshProof = createFreshProof({
    hasFactor: async (userId) => (await desk.methodsOf(userId)).length > 0,
    now,
  });

  // Its address is part of what it signs, and known once the port is.
  let made: OpenIdProvider | undefined;
  const base = () => outsideAddress(settings, port());
  const fhirBase = () => `${base()}/fhir`;
  const provider = () => {
    made ??= createOpenIdProvider({
      issuer: `${base()}/oidc`,
      fhirBase: fhirBase(),
      keys,
      seal,
      records,
      clients,
      accounts: proofs,
      secondFactorRoles: roles,
      now,
      onError: (error) => log.error('the OpenID provider failed', { error }),
    });
    return made;
  };

  const clients = new PostgresOAuthClients(tenants.signIn);
  const endApps = (userId: UserId) => records.removeAccount(userId);
  const admin = createUserAdmin({ directory, accounts, passwords, sessions, desk, signIn, endApps, tellOwner, now });
  const roleGroups = settings.roleGroups.flatMap((text) => parseRoleGroup(text) ?? []);
  const outside = outsideProviderOf(settings, () => keys, base);

  // Another server, or a command, may have made new ones; and theirs begin to sign.
  const looking = repeat(
    async () => {
      const again = await openIdentityKeys(identityKeys, now);
      if (kidsOf(again) === kidsOf(keys)) return;
      keys = again;
      made = undefined;
    },
    { everyMs: LOOK_EVERY_MS, onError: (error) => log.warn('the keys for signing in could not be reread', { error }) },
  );
  undo.push('keys for signing in', () => looking.stop());

  return {
    sessions,
    signIn: {
      ...signIn,
      authenticate: async (secret) => (await signIn.authenticate(secret)) ?? provider().principalOf(secret),
      // As the app calls us: by our address, or by another of our names (`request-guard.ts` has looked at it).
      holdsKey: ({ host, path, ...shown }) =>
        proofOfKey({ ...shown, urls: [`${base()}${path}`, `https://${host}${path}`] }),
    },
    async knownAccount(typed) {
      // Only what can be a name is looked for: the database takes not every text, and the attempt must be written down.
      const name = parseUserName(typed);
      return name && (await proofs.findUser(name))?.name;
    },
    routes(app) {
      acceptEmptyBodies(app);
      registerSecondFactors(app, {
        desk,
        roles,
        relyingParty,
        signIn,
        accounts,
        hasOutside: outside !== undefined,
        now,
        hooks,
      });
      registerUsers(app, {
        admin,
        directory,
        desk,
        secondFactorRoles: roles,
        freshProof,
      });
      registerOwnPassword(app, {
        change: createOwnPassword({ accounts: proofs, passwords, sessions, signIn, endApps, tellOwner }),
        freshProof,
      });
      registerAccessKeys(app, { accounts, sessions, freshProof, tellOwner, now });
      registerOwnApps(app, { apps: createAppsLetIn({ records, clients, seal, now }) });
      registerClients(app, { clients: new PostgresOAuthClients(tenants.accounts), freshProof, now });
      const sync = createDirectorySync({ directory, roleGroups, endAll: admin.endAll, tellOwner, now });
      const newGroupId = () => `g-${randomBytes(12).toString('hex')}`;
      registerScim(app, { directory, sync, base: () => `${base()}/scim/v2`, newGroupId, now });
      if (outside !== undefined) {
        const federation = createFederation({
          provider: outside,
          directory,
          signIn,
          tickets,
          roleGroups,
          endAll: admin.endAll,
        });
        registerFederation(app, { federation, hooks });
      }
      registerOpenId(app, { provider, fhirBase, tickets, view, now });
    },
  };
}

const kidsOf = ({ signing }: IdentityKeys): string => signing.map(({ jwk }) => jwk.kid).join();

/** The hospital's own provider, where one is configured; made at the first use, when our own address is known. */
function outsideProviderOf(
  settings: Settings,
  keys: () => IdentityKeys,
  base: () => string,
): OutsideProvider | undefined {
  const { oidcIssuer, oidcClientId, oidcClientSecret, oidcScopes, oidcGroupsClaim, oidcNameClaim, oidcAuthority } =
    settings;
  if (oidcIssuer === undefined || oidcClientId === undefined) return undefined;
  let made: { readonly kid: string; readonly provider: OutsideProvider } | undefined;
  const provider = () => {
    const key = keys().signing.find(({ jwk }) => jwk.alg === 'ES256');
    const kid = key?.jwk.kid ?? '';
    if (made?.kid === kid) return made.provider;
    const provider = createOutsideProvider({
      issuer: oidcIssuer,
      clientId: oidcClientId,
      proof: oidcClientSecret === undefined ? { jwk: key?.jwk ?? {} } : { secret: oidcClientSecret },
      redirectUri: `${base()}/api/session/outside/callback`,
      scopes: oidcScopes,
      groupsClaim: oidcGroupsClaim,
      nameClaim: oidcNameClaim,
      ...(oidcAuthority !== undefined && { ca: oidcAuthority }),
    });
    made = { kid, provider };
    return provider;
  };
  return { begin: () => provider().begin(), finish: (callback, checks) => provider().finish(callback, checks) };
}

/** How browsers and apps reach this server. */
function outsideAddress({ publicUrl, serverNames }: Settings, port: number): string {
  return publicUrl === undefined ? `https://${serverNames[0] ?? 'localhost'}:${port}` : new URL(publicUrl).origin;
}

function sessionLimitsOf(settings: Settings) {
  return {
    idleMs: settings.sessionIdleMinutes * 60_000,
    maxMs: settings.sessionMaxHours * 3_600_000,
    kioskIdleMs: 12 * 3_600_000,
    kioskMaxMs: settings.kioskSessionMaxDays * 86_400_000,
  };
}

function secondFactorRolesOf({ secondFactorRoles }: Settings): readonly Role[] {
  return ROLES.filter((role) => secondFactorRoles.includes(role));
}
