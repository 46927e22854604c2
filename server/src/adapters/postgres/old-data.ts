import type pg from 'pg';
import type { OldData, OldDataKind } from '../../ports/old-data.ts';
import { type LeftEntry, leaveForAudit, ownEntry } from './audit-pending.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';

interface Old {
  readonly before: Date;
  readonly limit: number;
}
type Forget = (pool: pg.Pool, old: Old) => Promise<number>;

export class PostgresOldData implements OldData {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async forget(kind: OldDataKind, { beforeMs, limit }: Parameters<OldData['forget']>[1]): Promise<number> {
    return await failing(() => FORGET[kind](this.#pool, { before: new Date(beforeMs), limit }));
  }
}

const FORGET: Readonly<Record<OldDataKind, Forget>> = {
  deliveries: forgetDeliveries,
  'workflow-histories': forgetHistories,
  vitals: forgetDays,
};

/** Of alarms that are over as long, and nothing that another delivery still names: that one goes first. */
async function forgetDeliveries(pool: pg.Pool, old: Old): Promise<number> {
  return await inTransaction(pool, (client) => forgetOldDeliveries(client, old));
}

async function forgetOldDeliveries(client: pg.PoolClient, { before, limit }: Old): Promise<number> {
  const deliveries = await client.query(
    `delete from delivery where id in (
       select id from delivery old
       where state <> 'pending' and updated_at < $1
         and not exists (
           select from alarm where alarm.id = old.alarm_id
             and (alarm.state <> 'resolved' or alarm.resolved_at is null or alarm.resolved_at >= $1)
         )
         and not exists (select from delivery other where other.summary_id = old.id)
         and not exists (select from delivery other where other.told_with = old.id)
       order by updated_at limit $2 for update skip locked
     )`,
    [before, limit],
  );
  const events = await client.query(
    `delete from outbox_event where id in (
       select id from outbox_event old
       where fanned_out_at < $1 and not exists (select from delivery where delivery.event_id = old.id)
       order by fanned_out_at limit $2 for update skip locked
     )`,
    [before, limit],
  );
  const counts = [deliveries.rowCount ?? 0, events.rowCount ?? 0] as const;
  await leaveForAudit(client, [
    ...forgotten('deliveries', { count: counts[0], before }),
    ...forgotten('outbox-events', { count: counts[1], before }),
  ]);
  return Math.max(...counts);
}

async function forgetHistories(pool: pg.Pool, { before, limit }: Old): Promise<number> {
  return await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ key: number }>(
      `delete from workflow_execution where key in (
         select key from workflow_execution where ended_at < $1 order by ended_at limit $2 for update skip locked
       ) returning key`,
      [before, limit],
    );
    await client.query('delete from workflow_history where execution = any ($1)', [rows.map(({ key }) => key)]);
    await leaveForAudit(client, forgotten('workflow-histories', { count: rows.length, before }));
    return rows.length;
  });
}

/** Whole days at a time: dropping a partition costs the same however much is in it. */
async function forgetDays(pool: pg.Pool, { before, limit }: Old): Promise<number> {
  const { rows } = await pool.query<{ name: string }>(
    `select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
     where inhparent = 'vitals'::regclass and relname ~ '^vitals_[0-9]{8}$'
       and (right(relname, 8)::date + 1)::timestamp at time zone 'UTC' <= $1
     order by relname limit $2`,
    [before, limit],
  );
  for (const { name } of rows) await dropDay(pool, name);
  return rows.length;
}

async function dropDay(pool: pg.Pool, name: string): Promise<void> {
  if (!/^vitals_\d{8}$/.test(name)) throw new TypeError('not a day of vitals');
  await inTransaction(pool, async (client) => {
    // Whoever reads the history holds it for seconds, and writers would queue behind us: the next round tries again.
    await client.query(`set local lock_timeout = '1s'`);
    await client.query(`select pg_advisory_xact_lock(hashtext('vitals_days'))`);
    await client.query(`alter table vitals detach partition ${name}`);
    await client.query(`drop table ${name}`);
    await leaveForAudit(client, [deletion({ resource: { kind: 'vitals', id: name }, detail: { days: 1 } })]);
  });
}

/** What went, how much of it, and from before when; in the transaction in which it goes. */
export function forgotten(
  kind: string,
  { count, before }: { readonly count: number; readonly before: Date },
): readonly LeftEntry[] {
  return count === 0 ? [] : [deletion({ resource: { kind }, detail: { count, before: before.toISOString() } })];
}

const deletion = (what: Pick<LeftEntry, 'resource' | 'detail'>): LeftEntry =>
  ownEntry('retention', { action: 'retention.delete', ...what });
