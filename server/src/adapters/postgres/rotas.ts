import type pg from 'pg';
import type { RotaId } from '../../domain/ids.ts';
import type { Interval } from '../../domain/zoned-time.ts';
import type { KeptOverride, KeptRota, Rotas } from '../../ports/rotas.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/** On-call rotas in PostgreSQL. */
export class PostgresRotas implements Rotas {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async list(): Promise<readonly KeptRota[]> {
    return this.#query(
      `select ${FIELDS} from (
         select distinct on (rota_id) * from rota order by rota_id, version desc
       ) as newest where not retired order by name, rota_id`,
    );
  }

  async find(id: RotaId): Promise<KeptRota | undefined> {
    const [newest] = await this.#query(
      `select ${FIELDS} from rota where rota_id = $1 order by version desc limit 1`,
      id,
    );
    return newest;
  }

  async versions(id: RotaId): Promise<readonly KeptRota[]> {
    return this.#query(`select ${FIELDS} from rota where rota_id = $1 order by version desc`, id);
  }

  async put(change: Parameters<Rotas['put']>[0]): ReturnType<Rotas['put']> {
    const { rota, from, retired, by, reason, atMs } = change;
    return await inTransaction(this.#pool, async (client) => {
      // Two people at once: the second sees the first's version. There is no row yet to lock for a new one.
      await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [LOCK, rota.id]);
      const { rows } = await client.query<{ version: number; by: string; atMs: number }>(
        'select version, set_by as by, set_at as "atMs" from rota where rota_id = $1 order by version desc limit 1',
        [rota.id],
      );
      const before = rows[0]?.version ?? 0;
      if (from !== undefined && from !== before)
        return { kind: 'changed-meanwhile', ...(rows[0] ?? { version: before }) };
      const kept = { ...rota, version: before + 1, retired, setBy: by, setAtMs: atMs, reason };
      const { rowCount } = await client.query(
        `insert into rota (rota_id, version, name, ward_ids, zone, layers, retired, set_by, reason, set_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`,
        [
          rota.id,
          kept.version,
          rota.name,
          rota.wardIds,
          rota.zone,
          JSON.stringify(rota.layers),
          retired,
          by,
          reason,
          new Date(atMs),
        ],
      );
      // Another organisation has a rota of this id: of it is told that it is there, and nothing else.
      if (rowCount === 0) return { kind: 'changed-meanwhile', version: 0 };
      return { kind: 'kept', rota: kept };
    });
  }

  async overrides({ fromMs, toMs }: Interval): Promise<readonly KeptOverride[]> {
    const { rows } = await failing(() =>
      this.#pool.query<KeptOverride>(
        `select id, rota_id as "rotaId", layer, user_id as "userId", from_at as "fromMs", to_at as "toMs", reason,
           made_by as "madeBy", made_at as "madeAtMs"
         from rota_override where withdrawn_at is null and from_at < $2 and to_at > $1 order by from_at, made_at, id`,
        [new Date(fromMs), new Date(toMs)],
      ),
    );
    return rows;
  }

  async addOverride(override: KeptOverride): Promise<void> {
    const { id, rotaId, layer, userId, fromMs, toMs, reason, madeBy, madeAtMs } = override;
    await failing(() =>
      this.#pool.query(
        `insert into rota_override (id, rota_id, layer, user_id, from_at, to_at, reason, made_by, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [id, rotaId, layer, userId, new Date(fromMs), new Date(toMs), reason, madeBy, new Date(madeAtMs)],
      ),
    );
  }

  async withdrawOverride({ rotaId, id, by, atMs }: Parameters<Rotas['withdrawOverride']>[0]): Promise<boolean> {
    const { rowCount } = await failing(() =>
      this.#pool.query(
        `update rota_override set withdrawn_at = $3, withdrawn_by = $4
         where id = $1 and rota_id = $2 and withdrawn_at is null`,
        [id, rotaId, new Date(atMs), by],
      ),
    );
    return rowCount === 1;
  }

  async #query(sql: string, ...values: readonly unknown[]): Promise<readonly KeptRota[]> {
    const { rows } = await failing(() => this.#pool.query<KeptRota>(sql, [...values]));
    return rows.map((row) => withoutNulls(row) as unknown as KeptRota);
  }
}

const FIELDS = `rota_id as id, version, name, ward_ids as "wardIds", zone, layers, retired, set_by as "setBy",
  set_at as "setAtMs", reason, nullif(tenant_id, 'default') as "tenantId"`;
/** Any number that no other advisory lock of ours uses. */
const LOCK = 4_840_117;
