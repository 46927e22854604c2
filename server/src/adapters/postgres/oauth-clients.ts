import type { ClientKeys, OAuthClient, OAuthClients } from '../../ports/oauth-clients.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { withoutNulls } from './without-nulls.ts';

/** Apps and service accounts in PostgreSQL. */
export class PostgresOAuthClients implements OAuthClients {
  readonly #pool: Connections['pool'];

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async find(id: string): Promise<OAuthClient | undefined> {
    const { rows } = await failing(() => this.#pool.query(`${SELECT} where id = $1`, [id]));
    return rows[0] && clientOf(rows[0]);
  }

  async list(): Promise<readonly OAuthClient[]> {
    const { rows } = await failing(() => this.#pool.query(`${SELECT} order by id`));
    return rows.map(clientOf);
  }

  async add(client: OAuthClient): Promise<'added' | 'taken'> {
    const { rowCount } = await failing(() =>
      this.#pool.query(
        `insert into oauth_client
           (id, kind, name, redirect_uris, jwks, scopes, roles, ward_ids, tenant_id, created_at, created_by,
            must_prove_key, must_push_requests)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (id) do nothing`,
        [
          client.id,
          client.kind,
          client.name,
          client.redirectUris,
          client.jwks === undefined ? null : JSON.stringify(client.jwks),
          client.scopes,
          client.roles,
          client.wardIds,
          client.tenantId,
          new Date(client.createdAtMs),
          client.createdBy,
          client.mustProveKey === true ? true : null,
          client.mustPushRequests === true ? true : null,
        ],
      ),
    );
    return rowCount === 1 ? 'added' : 'taken';
  }

  async disable(id: string, atMs: number): Promise<boolean> {
    const { rowCount } = await failing(() =>
      this.#pool.query('update oauth_client set disabled_at = $2 where id = $1 and disabled_at is null', [
        id,
        new Date(atMs),
      ]),
    );
    return rowCount === 1;
  }

  async putKeys(id: string, { from, to }: { readonly from: ClientKeys; readonly to: ClientKeys }): Promise<boolean> {
    const { rowCount } = await failing(() =>
      this.#pool.query('update oauth_client set jwks = $3 where id = $1 and jwks = $2::jsonb and disabled_at is null', [
        id,
        JSON.stringify(from),
        JSON.stringify(to),
      ]),
    );
    return rowCount === 1;
  }

  async noteUse(id: string, atMs: number): Promise<void> {
    await failing(() =>
      this.#pool.query(
        `update oauth_client set last_used_at = $2
         where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')`,
        [id, new Date(atMs)],
      ),
    );
  }
}

const SELECT = `
  select id, kind, name, redirect_uris as "redirectUris", jwks, scopes, roles, ward_ids as "wardIds",
         tenant_id as "tenantId", created_at as "createdAtMs", created_by as "createdBy", disabled_at as "disabledAtMs",
         last_used_at as "lastUsedAtMs", must_prove_key as "mustProveKey", must_push_requests as "mustPushRequests"
  from oauth_client`;

const clientOf = (row: object): OAuthClient => withoutNulls(row) as unknown as OAuthClient;
