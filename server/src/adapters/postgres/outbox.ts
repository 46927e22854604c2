import type pg from 'pg';
import type { Alarm } from '../../domain/alarm.ts';
import type { AlarmId } from '../../domain/ids.ts';
import { rankOf } from '../../domain/notification-worth.ts';
import type {
  ChannelTraffic,
  Delivery,
  DeliveryOrder,
  DeliveryRecord,
  DeliveryResult,
  Outbox,
} from '../../ports/outbox.ts';
import { ALARM_FIELDS, toAlarm } from './alarm-rows.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { CALLS, EVENTS_PER_BATCH, fanOut, tellApart } from './outbox-fan-out.ts';
import { EARLIER, LATELY, type RecordRow, TAKEN_FIELDS, type TakenRow, toDelivery, toRecord } from './outbox-rows.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/** Of so many events each; a flood beyond is left to the next call. */
const BATCHES_MAX = 100;

/** The outbox in PostgreSQL: events are written by the alarm store, deliveries here. */
export class PostgresOutbox implements Outbox {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async fanOut(plan: Parameters<Outbox['fanOut']>[0], nowMs: number): Promise<number> {
    let made = 0;
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const done = await failing(() => fanOut(this.#pool, plan, nowMs));
      made += done.made;
      if (done.events < EVENTS_PER_BATCH) break;
    }
    return made;
  }

  async enqueue(orders: readonly DeliveryOrder[], nowMs: number): Promise<number> {
    if (orders.length === 0) return 0;
    const { rowCount } = await failing(() =>
      this.#pool.query(
        `insert into delivery (alarm_id, event, rank, channel, recipient, user_id, dedupe_key, insists, next_at, updated_at,
           ordered_at)
         select alarm.id, event, case alarm.priority when 'high' then 0 when 'medium' then 1 else 2 end,
           channel, recipient, wanted."userId", "dedupeKey", coalesce(wanted.insists, false), $2, $2, $2
         from jsonb_to_recordset($1::jsonb) as wanted
           ("alarmId" text, event text, channel text, recipient text, "userId" text, "dedupeKey" text, insists boolean)
           join alarm on alarm.id = "alarmId"
         on conflict do nothing`,
        [JSON.stringify(orders), new Date(nowMs)],
      ),
    );
    return rowCount ?? 0;
  }

  async enqueueSystem(...[alarm, recipients, nowMs]: Parameters<Outbox['enqueueSystem']>): Promise<number> {
    if (recipients.length === 0) return 0;
    const { rowCount } = await failing(() =>
      this.#pool.query(
        `insert into delivery (about, event, rank, channel, recipient, user_id, dedupe_key, next_at, updated_at, ordered_at)
         select $2, 'raised', $3, channel, recipient, wanted."userId",
           concat_ws(':', 'system', $4::text, $5::bigint, channel, recipient), $6, $6, $6
         from jsonb_to_recordset($1::jsonb) as wanted (channel text, recipient text, "userId" text)
         on conflict do nothing`,
        [
          JSON.stringify(recipients),
          JSON.stringify({ kind: 'system', alarm }),
          rankOf(alarm.priority),
          alarm.id,
          alarm.raisedAtMs,
          new Date(nowMs),
        ],
      ),
    );
    return rowCount ?? 0;
  }

  async take(request: Parameters<Outbox['take']>[0]): Promise<readonly Delivery[]> {
    const { nowMs, leaseUntilMs, limit, togetherMs = 0 } = request;
    // Two notifiers skip each other's rows instead of waiting; a lease that ran out is anybody's.
    const { rows } = await failing(() =>
      this.#pool.query<TakenRow>(
        `with due as (
           select id from delivery
           where state = 'pending' and next_at <= $1 and (leased_until is null or leased_until <= $1)
           order by rank, next_at, sequence limit $3 for update skip locked
         ), taken as (
           update delivery set leased_until = $2, attempts = attempts + 1, updated_at = $1
           from due where delivery.id = due.id returning delivery.*
         )
         select ${TAKEN_FIELDS}, lately.others, lately."takenAtMs"
         from taken left join outbox_event on outbox_event.id = event_id ${EARLIER} ${LATELY}
         order by rank, next_at, sequence`,
        [new Date(nowMs), new Date(leaseUntilMs), limit, togetherMs],
      ),
    );
    const alarms = await this.#alarms(rows.flatMap(({ alarmId }) => alarmId ?? []));
    return rows.map((row) => toDelivery(row, alarms));
  }

  async tellWith({ deliveryId, attempt, toldWith, atMs }: Parameters<Outbox['tellWith']>[0]): Promise<boolean> {
    // The other and its alarm are locked: whoever takes that alarm, or hears that the other failed, does so before this,
    // which is then seen here, or after, and then finds this one.
    const { rowCount } = await failing(() =>
      this.#pool.query(
        `with standing as (
           select told.id from delivery as told join alarm on alarm.id = told.alarm_id
           where told.id = $3 and told.state = 'delivered' and ${CALLS} for share
         )
         update delivery set state = 'dropped', last_detail = 'told-with', told_with = $3, updated_at = $4,
           leased_until = null, attempts = attempts - 1
         where id = $1 and state = 'pending' and attempts = $2 and exists (select from standing)`,
        [deliveryId, attempt, toldWith, new Date(atMs)],
      ),
    );
    return rowCount === 1;
  }

  async record({ deliveryId, attempt, outcome, atMs }: DeliveryResult): Promise<void> {
    const isOver = outcome.kind !== 'retry' && outcome.kind !== 'deferred';
    const nextAtMs = outcome.kind === 'retry' ? outcome.nextAtMs : outcome.kind === 'deferred' ? outcome.untilMs : null;
    await failing(() =>
      this.#pool.query(
        // An attempt whose lease ran out must not undo what a later one does; but delivered is delivered.
        `update delivery set state = $2, last_detail = $3, updated_at = $4, next_at = coalesce($5, next_at),
           leased_until = null, attempts = attempts - $7, receipt = $8,
           delivered_at = case when $2 = 'delivered' then $4::timestamptz end
         where id = $1 and state = 'pending' and (attempts = $6 or $2 = 'delivered')`,
        [
          deliveryId,
          isOver ? outcome.kind : 'pending',
          outcome.kind === 'delivered' ? 'delivered' : outcome.reason,
          new Date(atMs),
          nextAtMs === null ? null : new Date(nextAtMs),
          attempt,
          outcome.kind === 'deferred' ? 1 : 0,
          outcome.kind === 'delivered' ? (outcome.receipt ?? null) : null,
        ],
      ),
    );
  }

  async summarise(request: Parameters<Outbox['summarise']>[0]): Promise<Delivery | undefined> {
    const { delivery, events, neverHigh, atLeast, nowMs, leaseUntilMs } = request;
    return await inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<{ id: string; rank: number; userId: string | null }>(
        `select id, rank, user_id as "userId" from delivery
         where state = 'pending' and channel = $1 and recipient = $2 and not is_follow_up
           and event = any($3) and not (rank = 0 and event = any($4))
           and (leased_until is null or leased_until <= $5 or id = $6)
           and exists (
             select from alarm where alarm.id = alarm_id and alarm.state = 'active' and alarm.acknowledged_at is null
           )
         order by sequence for update skip locked`,
        [delivery.channel, delivery.recipient, events, neverHigh, new Date(nowMs), delivery.deliveryId],
      );
      const [first] = rows;
      if (first === undefined || rows.length < atLeast) return undefined;
      const made = await client.query<TakenRow>(
        `insert into delivery (about, event, rank, channel, recipient, user_id, attempts, leased_until, next_at, updated_at, ordered_at)
         values ($1, 'summary', $2, $3, $4, $5, 1, $6, $7, $7, $7)
         returning id as "deliveryId", event, rank, channel, recipient, user_id as "userId", attempts as attempt,
           ordered_at as "orderedAtMs", is_follow_up as "isFollowUp", insists, about, null as "alarmId", null as change`,
        [
          JSON.stringify({ kind: 'summary', count: rows.length }),
          Math.min(...rows.map(({ rank }) => rank)),
          delivery.channel,
          delivery.recipient,
          first.userId,
          new Date(leaseUntilMs),
          new Date(nowMs),
        ],
      );
      const summary = made.rows[0] as TakenRow;
      await client.query(
        `update delivery set state = 'dropped', last_detail = 'summarised', summary_id = $2, leased_until = null, updated_at = $3
         where id = any($1)`,
        [rows.map(({ id }) => id), summary.deliveryId, new Date(nowMs)],
      );
      return toDelivery(summary, new Map());
    });
  }

  async noteReceipt(receipt: Parameters<Outbox['noteReceipt']>[0]): ReturnType<Outbox['noteReceipt']> {
    const { channel, state, detail, atMs } = receipt;
    return await inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<{ deliveryId: string; recipient: string; isNew: boolean }>(
        // Opened is the most that can be said, and a failure reported late does not undo an arrival.
        `with found as (
           select id, recipient from delivery where channel = $1 and receipt = $2 order by sequence desc limit 1
         ), noted as (
           update delivery set receipt_state = $3, receipt_at = $4,
             state = case when $3 = 'failed' then 'failed' when state = 'failed' then 'delivered' else state end,
             last_detail = case when $3 = 'failed' then $5 else last_detail end,
             updated_at = case when $3 = 'failed' then $4 else updated_at end
           from found where delivery.id = found.id
             and (receipt_state is null or (receipt_state <> 'read' and receipt_state <> $3 and $3 <> 'failed'))
           returning delivery.id
         )
         select found.id as "deliveryId", found.recipient, noted.id is not null as "isNew" from found left join noted using (id)`,
        [channel, receipt.receipt, state, new Date(atMs), detail ?? 'failed later'],
      );
      const [noted] = rows;
      if (noted?.isNew && state === 'failed') await tellApart(client, 'told.id = any($1)', [noted.deliveryId], atMs);
      return noted;
    });
  }

  async latestTo({ channel, recipient }: Parameters<Outbox['latestTo']>[0]): ReturnType<Outbox['latestTo']> {
    const { rows } = await failing(() =>
      this.#pool.query<{ alarmId: AlarmId | null; event: Delivery['event']; atMs: number }>(
        `select alarm_id as "alarmId", event, delivered_at as "atMs" from delivery
         where channel = $1 and recipient = $2 and delivered_at is not null
         order by delivered_at desc, sequence desc limit 1`,
        [channel, recipient],
      ),
    );
    return rows[0] && withoutNulls(rows[0]);
  }

  async wasTold({ alarmId, channel, recipient }: Parameters<Outbox['wasTold']>[0]): Promise<boolean> {
    const { rows } = await failing(() =>
      this.#pool.query<{ told: boolean }>(
        `select exists (
           select 1 from delivery where alarm_id = $1 and channel = $2 and attempts > 0 and ($3::text is null or recipient = $3)
         ) as told`,
        [alarmId, channel, recipient ?? null],
      ),
    );
    return rows[0]?.told === true;
  }

  async deliveries(alarmId: string): Promise<readonly DeliveryRecord[]> {
    const { rows } = await failing(() =>
      this.#pool.query<RecordRow>(
        `select own.id as "deliveryId", own.event, own.channel, own.recipient, own.user_id as "userId",
           coalesce(stood.state, own.state) as state, own.attempts, own.last_detail as "lastDetail",
           own.ordered_at as "orderedAtMs", own.updated_at as "updatedAtMs",
           coalesce(stood.delivered_at, own.delivered_at) as "deliveredAtMs",
           coalesce(stood.receipt, own.receipt) as receipt,
           coalesce(stood.receipt_state, own.receipt_state) as "receiptState",
           coalesce(stood.receipt_at, own.receipt_at) as "receiptAtMs", own.dedupe_key as "dedupeKey",
           case when own.told_with is not null then stood.alarm_id end as "toldWithAlarm",
           case when own.told_with is not null then stood.ordered_at end as "toldWithAtMs"
         from delivery own left join delivery stood on stood.id = coalesce(own.summary_id, own.told_with)
         where own.alarm_id = $1 order by own.sequence`,
        [alarmId],
      ),
    );
    return rows.map(toRecord);
  }

  async traffic(): Promise<readonly ChannelTraffic[]> {
    const { rows } = await failing(() =>
      this.#pool.query<object>(
        // Each part by an index of its own, so that it costs the same after years of deliveries.
        `with recursive used as (
           (select channel from delivery order by channel limit 1)
           union all
           select (select channel from delivery where channel > used.channel order by channel limit 1)
           from used where used.channel is not null
         )
         select used.channel, waiting.*, delivered.*, failed.* from used
           cross join lateral (
             select count(*)::int as waiting, min(ordered_at) as "oldestWaitingAtMs"
             from delivery where state = 'pending' and delivery.channel = used.channel
           ) as waiting
           left join lateral (
             select delivered_at as "lastDeliveredAtMs" from delivery
             where delivery.channel = used.channel and delivered_at is not null order by delivered_at desc limit 1
           ) as delivered on true
           left join lateral (
             select updated_at as "lastFailedAtMs", last_detail as "lastFailure" from delivery
             where delivery.channel = used.channel and state = 'failed' order by updated_at desc limit 1
           ) as failed on true
         where used.channel is not null order by used.channel`,
      ),
    );
    return rows.map((row) => withoutNulls(row) as ChannelTraffic);
  }

  async #alarms(ids: readonly string[]): Promise<ReadonlyMap<string, Alarm>> {
    if (ids.length === 0) return new Map();
    const { rows } = await failing(() =>
      this.#pool.query<object>(`select ${ALARM_FIELDS} from alarm where id = any($1)`, [ids]),
    );
    return new Map(rows.map(toAlarm).map((alarm) => [alarm.id, alarm]));
  }
}
