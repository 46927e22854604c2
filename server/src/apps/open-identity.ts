import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresSecondFactors } from '../adapters/postgres/second-factors.ts';
import { ROLES, type Role } from '../domain/access.ts';
import { openIdentityKeys } from '../identity/identity-keys.ts';
import { createPasswords } from '../identity/passwords.ts';
import { relyingParties } from '../identity/relying-party.ts';
import { createSeal } from '../identity/seal.ts';
import { createSecondFactorDesk } from '../identity/second-factors.ts';
import { createSessions, type Sessions } from '../identity/sessions.ts';
import { createSignIn, type SignIn } from '../identity/sign-in.ts';
import { createTickets } from '../identity/tickets.ts';
import type { Accounts } from '../ports/accounts.ts';
import { registerSecondFactors } from '../serve/api/second-factors.ts';
import { acceptEmptyBodies } from '../serve/http-server.ts';
import type { Settings } from './settings.ts';

export interface OpenedIdentity {
  readonly sessions: Sessions;
  readonly signIn: SignIn;
  readonly routes: (app: FastifyInstance) => void;
}

/** Who may come in, and how they prove it. */
export async function openIdentity(parts: {
  readonly settings: Settings;
  readonly dataFolder: string;
  readonly database: Connections;
  readonly accounts: Accounts;
  readonly now: () => number;
  readonly hooks: { signIn(outcome: string): void };
}): Promise<OpenedIdentity> {
  const { settings, dataFolder, database, accounts, now, hooks } = parts;
  const keys = await openIdentityKeys(join(dataFolder, 'pki', 'identity-keys.json'), now);
  const seal = createSeal(keys.seal);
  const store = new PostgresSecondFactors(database);
  const desk = createSecondFactorDesk({ store, seal, tickets: createTickets({ seal, store, now }), now });
  const sessions = createSessions({ accounts, now, limits: sessionLimitsOf(settings) });
  const roles = secondFactorRolesOf(settings);
  const signIn = createSignIn({ accounts, sessions, passwords: createPasswords(), now, secondFactor: { desk, roles } });
  const relyingParty = relyingParties({
    names: settings.serverNames,
    ...(settings.publicUrl !== undefined && { publicUrl: settings.publicUrl }),
  });

  return {
    sessions,
    signIn,
    routes(app) {
      acceptEmptyBodies(app);
      registerSecondFactors(app, { desk, roles, relyingParty, signIn, accounts, now, hooks });
    },
  };
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
