import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { DEFAULT_TENANT, type TenantId } from '../../domain/ids.ts';
import { Failure } from '../../ports/failure.ts';
import { type Connections, connect, type DatabaseAddress } from './connection.ts';
import type { Schema } from './schema.ts';
import { renewTenantPassword, tenantAddress } from './tenant-logins.ts';

/** The database as the organisation whose request is being answered sees it. */
export type TenantConnections = Pick<Connections, 'pool' | 'kysely' | 'close'>;

/**
 * A pool that is several: each query goes out under the login of the organisation whose request it belongs to. Outside of
 * any request it refuses: what the program does by itself says so by using its own connections.
 */
export function connectByTenant(options: {
  readonly house: Connections;
  readonly address: DatabaseAddress;
  /** Whose request this is. */
  readonly tenantNow: () => TenantId | undefined;
  readonly connectionsMax?: number;
}): TenantConnections {
  const { house, address, tenantNow, connectionsMax = CONNECTIONS_MAX } = options;
  const opened = new Map<TenantId, Promise<Connections>>();

  function connectionsNow(): Promise<Connections> {
    const tenantId = tenantNow();
    if (tenantId === undefined) throw new TypeError('the database was asked for an organisation outside of a request');
    const known = opened.get(tenantId);
    if (known !== undefined) return known;
    const opening = open(tenantId);
    opened.set(tenantId, opening);
    // What failed is tried again by whoever asks next.
    opening.catch(() => opened.delete(tenantId));
    return opening;
  }

  async function open(tenantId: TenantId): Promise<Connections> {
    const { rows } = await house.pool.query<{ role: string | null }>(
      'select role_name as role from tenant where id = $1',
      [tenantId],
    );
    const role = rows[0]?.role ?? undefined;
    if (role === undefined) {
      // No logins can be made here: there is but the first organisation.
      if (tenantId === DEFAULT_TENANT) return house;
      throw new Failure('database-rejected', 'There is no such organisation in this installation.', {
        retryable: false,
      });
    }
    const connections = connect(tenantAddress(address, role), { connectionsMax });
    try {
      await knock(connections, role);
      return connections;
    } catch (error) {
      await connections.close();
      throw error;
    }
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

  // Adapters use of a pool what `Pool` below has, and nothing else.
  const pool = {
    query: async (...asked: Parameters<pg.Pool['query']>) => (await connectionsNow()).pool.query(...asked),
    connect: async () => (await connectionsNow()).pool.connect(),
    end: async () => undefined,
  } as unknown as pg.Pool;
  return {
    pool,
    kysely: new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }),
    async close() {
      const all = await Promise.allSettled(opened.values());
      opened.clear();
      for (const each of all) if (each.status === 'fulfilled' && each.value !== house) await each.value.close();
    },
  };
}

/** Of each organisation: people's requests are short. Idle ones are given back after half a minute. */
const CONNECTIONS_MAX = 6;
