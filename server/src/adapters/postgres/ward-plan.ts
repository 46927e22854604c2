import type pg from 'pg';
import type { WardId } from '../../domain/ids.ts';
import type { Bed, Ward } from '../../ports/registry.ts';
import type { WardPlan } from '../../ports/ward-plan.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';

/** Wards and beds in PostgreSQL. */
export class PostgresWardPlan implements WardPlan {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async addWard({ id, name, departmentId }: Ward): ReturnType<WardPlan['addWard']> {
    const { rowCount } = await failing(() =>
      this.#pool.query('insert into ward (id, name, department_id) values ($1, $2, $3) on conflict (id) do nothing', [
        id,
        name,
        departmentId ?? null,
      ]),
    );
    return rowCount === 1 ? 'added' : 'taken';
  }

  async changeWard({ id, name, departmentId }: Ward): ReturnType<WardPlan['changeWard']> {
    const { rowCount } = await failing(() =>
      this.#pool.query('update ward set name = $2, department_id = $3 where id = $1', [id, name, departmentId ?? null]),
    );
    return rowCount === 1 ? 'changed' : 'not-found';
  }

  async removeWard(id: WardId): ReturnType<WardPlan['removeWard']> {
    return await inTransaction(this.#pool, async (client) => {
      // Nobody puts a bed into it meanwhile: that would wait for this row.
      const ward = await client.query('select from ward where id = $1 for update', [id]);
      if (ward.rowCount !== 1) return 'not-found';
      const { rows } = await client.query<{ isUsed: boolean }>(
        `select exists (select from bed where ward_id = $1)
             or exists (select from app_user where $1 = any(ward_ids))
             or exists (select from oauth_client where $1 = any(ward_ids))
             or exists (select from care_assignment where ward_id = $1)
             or exists (select from ward_shifts where ward_id = $1)
             or exists (select from quiet_hours where owner_kind = 'ward' and owner_id = $1)
             or exists (select from rota where $1 = any(ward_ids))
             or exists (select from rule_set where scope = 'ward' and scope_id = $1)
             or exists (select from rule_override where scope = 'ward' and scope_id = $1)
             or exists (select from rule_proposal where scope = 'ward' and scope_id = $1)
             or exists (select from topic_subscription where right(topic, length($1) + 1) = '.' || $1)
             or exists (select from event_subscription
                        where routes @> jsonb_build_array(jsonb_build_object('wardIds', jsonb_build_array($1::text)))) as "isUsed"`,
        [id],
      );
      if (rows[0]?.isUsed === true) return 'in-use';
      await client.query('delete from ward where id = $1', [id]);
      return 'removed';
    });
  }

  async addBed({ id, wardId, label }: Bed): ReturnType<WardPlan['addBed']> {
    return await inTransaction(this.#pool, async (client) => {
      const refusal = await lockLabels(client, { id, wardId, label });
      if (refusal !== undefined) return refusal;
      const { rowCount } = await client.query(
        'insert into bed (id, ward_id, label) values ($1, $2, $3) on conflict (id) do nothing',
        [id, wardId, label],
      );
      return rowCount === 1 ? 'added' : 'taken';
    });
  }

  async changeBed({ bed, from, nowMs }: Parameters<WardPlan['changeBed']>[0]): ReturnType<WardPlan['changeBed']> {
    const { id, wardId, label } = bed;
    return await inTransaction(this.#pool, async (client) => {
      const found = await lockBed(client, { id, from, nowMs });
      if (found === undefined) return 'not-found';
      const refusal = await lockLabels(client, bed);
      if (refusal !== undefined) return refusal;
      if (found.isUsed && from !== wardId) return 'in-use';
      await client.query('update bed set ward_id = $2, label = $3 where id = $1', [id, wardId, label]);
      return 'changed';
    });
  }

  async removeBed(request: Parameters<WardPlan['removeBed']>[0]): ReturnType<WardPlan['removeBed']> {
    return await inTransaction(this.#pool, async (client) => {
      const found = await lockBed(client, request);
      if (found === undefined) return 'not-found';
      if (found.isUsed) return 'in-use';
      await client.query('delete from bed where id = $1', [request.id]);
      return 'removed';
    });
  }
}

/** Nobody is laid into it meanwhile: that would wait for this row. */
async function lockBed(client: pg.PoolClient, { id, from, nowMs }: Parameters<WardPlan['removeBed']>[0]) {
  const found = await client.query('select from bed where id = $1 and ward_id = $2 for update', [id, from]);
  if (found.rowCount !== 1) return undefined;
  // Asked only now: whoever was laid into it while we waited is seen.
  const { rows: used } = await client.query<{ isUsed: boolean }>(
    `select exists (select from patient where bed_id = $1)
         or exists (select from care_assignment
                    where $1 = any(bed_ids) and ended_at is null and (to_at is null or to_at > $2)) as "isUsed"`,
    [id, new Date(nowMs)],
  );
  return { isUsed: used[0]?.isUsed === true };
}

/** One at a time per ward, so that no two beds come to be called the same. */
async function lockLabels(client: pg.PoolClient, { id, wardId, label }: Bed) {
  const ward = await client.query('select from ward where id = $1 for no key update', [wardId]);
  if (ward.rowCount !== 1) return 'no-ward' as const;
  const { rowCount } = await client.query(
    'select from bed where ward_id = $1 and lower(label) = lower($2) and id <> $3 limit 1',
    [wardId, label, id],
  );
  return rowCount === 0 ? undefined : ('label-taken' as const);
}
