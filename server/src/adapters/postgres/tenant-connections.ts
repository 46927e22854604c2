import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { DEFAULT_TENANT, type TenantId } from '../../domain/ids.ts';
import { Failure } from '../../ports/failure.ts';
import { type Connections, connect, type DatabaseAddress } from './connection.ts';
import { asFailure } from './database-failure.ts';
import type { Schema } from './schema.ts';
import { loginName, renewTenantPassword, tenantAddress } from './tenant-logins.ts';
import type { LoginKind } from './tenant-rights.ts';

/** The database as whoever asks sees it. */
export type AskingConnections = Pick<Connections, 'pool' | 'kysely'>;

/**
 * The database as requests have it: each query goes out under the login of the organisation whose request it belongs to.
 * Outside of any request they refuse: what the program does by itself says so by using its own connections.
 */
export interface TenantConnections {
  /** What an organisation's care needs. */
  readonly asking: AskingConnections;
  /** Its accounts, contacts and apps; no patient. */
  readonly accounts: AskingConnections;
  /** Who asks, before that is known: accounts of all organisations and what proves them, and nothing else. */
  readonly signIn: AskingConnections;
  /** `accounts` of whoever has signed in, and `signIn` before: for what serves both. */
  readonly people: AskingConnections;
  /** Where and as whom the request that is being answered reaches the database, for a process of its own. */
  addressNow(): DatabaseAddress;
  /** Rejects with what to do where PostgreSQL does not let the logins in that were made. */
  requireEntry(): Promise<void>;
  close(): Promise<void>;
}

export function connectByTenant(options: {
  readonly house: Connections;
  readonly address: DatabaseAddress;
  /** The first organisation's login; undefined: there are no logins, and no other organisation. */
  readonly firstLogin: string | undefined;
  /** Whose request this is. */
  readonly tenantNow: () => TenantId | undefined;
}): TenantConnections {
  const { house, address, firstLogin, tenantNow } = options;
  const opened = new Map<string, Promise<Connections>>();

  function connectionsOf(kind: LoginKind, tenantId: TenantId): Promise<Connections> {
    const key = `${kind} ${tenantId}`;
    const known = opened.get(key);
    if (known !== undefined) return known;
    const opening = open(kind, tenantId);
    opened.set(key, opening);
    // What failed is tried again by whoever asks next.
    opening.catch(() => opened.delete(key));
    return opening;
  }

  async function open(kind: LoginKind, tenantId: TenantId): Promise<Connections> {
    await requireTenant(tenantId);
    if (firstLogin === undefined) return house;
    const role = loginName(firstLogin, kind, tenantId);
    const connections = connect(tenantAddress(address, role), {
      connectionsMax: CONNECTIONS_MAX[kind],
      // By their keys: a database that hangs must not hold up whoever was known a moment ago, and may go on.
      ...(kind === 'sign-in' && { statementTimeoutMs: 5_000 }),
    });
    try {
      await knock(connections, role);
      return connections;
    } catch (error) {
      await connections.close();
      throw error;
    }
  }

  async function requireTenant(tenantId: TenantId): Promise<void> {
    const { rowCount } = await house.pool.query('select from tenant where id = $1 and ($2 or role_name is not null)', [
      tenantId,
      tenantId === DEFAULT_TENANT,
    ]);
    if (rowCount === 1) return;
    throw new Failure('database-rejected', 'There is no such organisation in this installation.', { retryable: false });
  }

  async function knock({ pool }: Connections, role: string): Promise<void> {
    try {
      await pool.query('select 1');
    } catch (error) {
      // 28P01, invalid password: ours was changed since, and theirs are made from it.
      if (!(error instanceof pg.DatabaseError) || error.code !== '28P01') throw error;
      await renewTenantPassword(house.pool, address, role);
      await pool.query('select 1');
    }
  }

  function required(): TenantId {
    const tenantId = tenantNow();
    if (tenantId === undefined) throw new TypeError('the database was asked for an organisation outside of a request');
    return tenantId;
  }

  async function requireEntry(): Promise<void> {
    try {
      await signIn();
    } catch (error) {
      const code = error instanceof pg.DatabaseError ? error.code : undefined;
      if (code === undefined || !REFUSED.includes(code)) throw asFailure(error);
      throw new Failure(
        'configuration-invalid',
        `DATABASE_URL: PostgreSQL refuses the logins that its login has made for organisations (${firstLogin?.slice(0, 11)}…, SQLSTATE ${code}). pg_hba.conf must let them into this database by password, as it does that one, and they need CONNECT. See docs/identity.md.`,
        { retryable: false, cause: error },
      );
    }
  }

  const signIn = () => connectionsOf('sign-in', DEFAULT_TENANT);
  return {
    asking: connectionsFrom(async () => connectionsOf('care', required())),
    accounts: connectionsFrom(async () => connectionsOf('accounts', required())),
    signIn: connectionsFrom(signIn),
    people: connectionsFrom(() => {
      const tenantId = tenantNow();
      return tenantId === undefined ? signIn() : connectionsOf('accounts', tenantId);
    }),
    addressNow() {
      const tenantId = required();
      return firstLogin === undefined ? address : tenantAddress(address, loginName(firstLogin, 'care', tenantId));
    },
    requireEntry,
    async close() {
      const all = await Promise.allSettled(opened.values());
      opened.clear();
      for (const each of all) if (each.status === 'fulfilled' && each.value !== house) await each.value.close();
    },
  };
}

/** Not let in: no entry in pg_hba.conf, another password, no right to connect. */
const REFUSED: readonly (string | undefined)[] = ['28000', '28P01', '42501'];

/** A pool that is several: each query asks anew which. */
function connectionsFrom(connectionsNow: () => Promise<Connections>): AskingConnections {
  // Adapters use of a pool what is here, and nothing else.
  const pool = {
    query: async (...asked: Parameters<pg.Pool['query']>) => (await connectionsNow()).pool.query(...asked),
    connect: async () => (await connectionsNow()).pool.connect(),
    end: async () => undefined,
  } as unknown as pg.Pool;
  return { pool, kysely: new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }) };
}

/**
 * Of each login: people's requests are short, few of them are about accounts, and whoever has signed in is known for
 * seconds without asking. Idle ones are given back after half a minute.
 */
const CONNECTIONS_MAX: Readonly<Record<LoginKind, number>> = { care: 6, accounts: 3, 'sign-in': 6 };
