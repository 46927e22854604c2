import type pg from 'pg';
import type { AlarmChange } from '../../domain/alarm.ts';
import type { Delivery, DeliveryRecord, Outbox } from '../../ports/outbox.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

type Routes = Parameters<Outbox['fanOut']>[0];

/** The outbox in PostgreSQL: events are written by the alarm store, deliveries here. */
export class PostgresOutbox implements Outbox {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async take({ nowMs, leaseUntilMs, limit }: Parameters<Outbox['take']>[0]): Promise<readonly Delivery[]> {
    // Two notifiers skip each other's rows instead of waiting; a lease that ran out is anybody's.
    const { rows } = await failing(() =>
      this.#pool.query<Delivery>(
        `with due as (
           select id from delivery
           where state = 'pending' and next_at <= $1 and (leased_until is null or leased_until <= $1)
           order by next_at, event_id limit $3 for update skip locked
         ), taken as (
           update delivery set leased_until = $2, attempts = attempts + 1, updated_at = $1
           from due where delivery.id = due.id returning delivery.*
         )
         select taken.id as "deliveryId", change, channel, recipient, attempts as attempt
         from taken join outbox_event on outbox_event.id = event_id
         order by next_at, event_id`,
        [new Date(nowMs), new Date(leaseUntilMs), limit],
      ),
    );
    return rows;
  }

  async record(result: Parameters<Outbox['record']>[0]): Promise<void> {
    const { deliveryId, attempt, outcome, detail, atMs, nextAtMs } = result;
    if (outcome === 'retry' && nextAtMs === undefined) throw new TypeError('a retry needs its time');
    const state = outcome === 'retry' ? 'pending' : outcome;
    await failing(() =>
      this.#pool.query(
        // An attempt whose lease ran out must not undo what a later one does; but delivered is delivered.
        `update delivery set state = $2, last_detail = $3, updated_at = $4, next_at = coalesce($5, next_at), leased_until = null
         where id = $1 and state = 'pending' and (attempts = $6 or $2 = 'delivered')`,
        [deliveryId, state, detail, new Date(atMs), nextAtMs === undefined ? null : new Date(nextAtMs), attempt],
      ),
    );
  }

  async fanOut(routes: Routes, nowMs: number): Promise<number> {
    let made = 0;
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const done = await inTransaction(this.#pool, (client) => fanOutSome(client, routes, nowMs));
      made += done.made;
      if (done.events < EVENTS_PER_BATCH) break;
    }
    return made;
  }

  async deliveries(alarmId: string): Promise<readonly DeliveryRecord[]> {
    const { rows } = await failing(() =>
      this.#pool.query<object>(
        `select id as "deliveryId", channel, recipient, state, attempts, last_detail as "lastDetail",
           updated_at as "updatedAtMs"
         from delivery where alarm_id = $1 order by event_id, channel, recipient`,
        [alarmId],
      ),
    );
    return rows.map((row) => withoutNulls(row) as DeliveryRecord);
  }
}

/** One transaction each, so that a flood of alarms holds no locks for long; the rest comes with the next call. */
const EVENTS_PER_BATCH = 500;
const BATCHES_MAX = 100;

async function fanOutSome(client: pg.PoolClient, routes: Routes, nowMs: number) {
  const { rows } = await client.query<{ id: number; alarmId: string; change: AlarmChange }>(
    `select id, alarm_id as "alarmId", change from outbox_event
     where fanned_out_at is null order by id limit $1 for update skip locked`,
    [EVENTS_PER_BATCH],
  );
  const at = new Date(nowMs);
  const deliveries = rows.flatMap(({ id, alarmId, change }) =>
    routes(change).map(({ channel, recipient }) => ({ event_id: id, alarm_id: alarmId, channel, recipient })),
  );
  const { rowCount } = await client.query(
    `insert into delivery (event_id, alarm_id, channel, recipient, next_at, updated_at)
     select event_id, alarm_id, channel, recipient, $2, $2 from jsonb_populate_recordset(null::delivery, $1::jsonb)
     on conflict do nothing`,
    [JSON.stringify(deliveries), at],
  );
  await client.query('update outbox_event set fanned_out_at = $2 where id = any($1)', [rows.map(({ id }) => id), at]);
  return { events: rows.length, made: rowCount ?? 0 };
}
