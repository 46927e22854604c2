import { DEFAULT_TENANT } from '../../domain/ids.ts';
import type { Tenant, Tenants } from '../../ports/tenants.ts';
import type { Connections, DatabaseAddress } from './connection.ts';
import { failing } from './database-failure.ts';
import { makeTenantLogins } from './tenant-logins.ts';

/** The organisations in PostgreSQL: a row and a login each. */
export class PostgresTenants implements Tenants {
  readonly #pool: Connections['pool'];
  readonly #address: DatabaseAddress;

  constructor({ pool }: Pick<Connections, 'pool'>, address: DatabaseAddress) {
    this.#pool = pool;
    this.#address = address;
  }

  async list(): Promise<readonly Tenant[]> {
    const { rows } = await failing(() =>
      this.#pool.query<Tenant>(
        `select id, name, created_at as "createdAtMs", role_name is not null as "hasLogin" from tenant order by id`,
      ),
    );
    return rows;
  }

  async add({ id, name }: Parameters<Tenants['add']>[0]): ReturnType<Tenants['add']> {
    if ((await this.makeLogins()) === 'none') return 'no-logins';
    const { rowCount } = await failing(() =>
      this.#pool.query('insert into tenant (id, name) values ($1, $2) on conflict do nothing', [id, name]),
    );
    if (rowCount === 0) return 'taken';
    await this.makeLogins();
    return 'added';
  }

  /** The first organisation's; the others' are called alike. */
  async firstLogin(): Promise<string | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<{ role: string | null }>('select role_name as role from tenant where id = $1', [DEFAULT_TENANT]),
    );
    return rows[0]?.role ?? undefined;
  }

  /** At every start: a database that was restored on another server has none of its logins. */
  makeLogins(): Promise<'made' | 'none'> {
    return failing(() => makeTenantLogins(this.#pool, this.#address));
  }
}
