import type pg from 'pg';
import type { AlarmChange } from '../../domain/alarm.ts';
import { rankOf } from '../../domain/notification-worth.ts';
import { TAKEN_GRACE_MS } from '../../domain/told-together.ts';
import type { FanOutPlan, Outbox } from '../../ports/outbox.ts';
import { inTransaction } from './transaction.ts';

/** One transaction each, so that a flood of alarms holds no locks for long; the rest comes with the next call. */
export const EVENTS_PER_BATCH = 500;

type Plan = Parameters<Outbox['fanOut']>[0];

interface Waiting {
  readonly id: number;
  readonly alarmId: string;
  readonly change: AlarmChange;
}

const waitingEvents = `
  select id, alarm_id as "alarmId", change from outbox_event where fanned_out_at is null order by id limit $1`;

/** Most changes of alarms are told to nobody but those an escalation tells: that needs no transaction, and no lock. */
export async function fanOut(pool: pg.Pool, plan: Plan, nowMs: number): Promise<FannedOut> {
  const { rows } = await pool.query<Waiting>(waitingEvents, [EVENTS_PER_BATCH]);
  if (rows.length === 0) return { events: 0, made: 0 };
  const plans = await plan(rows.map(({ change }) => change));
  if (!plans.every(tellsNobody)) return await inTransaction(pool, (client) => fanOutSome(client, plan, nowMs));
  const ids = [...new Set(rows.map(({ alarmId }) => alarmId))];
  await pool.query(
    `with free as (
       select id from outbox_event where id = any($4) and fanned_out_at is null order by id for update skip locked
     ), passed as (
       update outbox_event set fanned_out_at = $2 from free where outbox_event.id = free.id
     ), ${apart(OF_ALARMS)}`,
    [ids, new Date(nowMs), TAKEN_GRACE_MS, rows.map(({ id }) => id)],
  );
  return { events: rows.length, made: 0 };
}

interface FannedOut {
  readonly events: number;
  /** Deliveries. */
  readonly made: number;
}

function tellsNobody({ event, recipients, followUpOn }: FanOutPlan): boolean {
  return event === undefined || (recipients.length === 0 && followUpOn.length === 0);
}

async function fanOutSome(client: pg.PoolClient, plan: Plan, nowMs: number): Promise<FannedOut> {
  const { rows } = await client.query<Waiting>(`${waitingEvents} for update skip locked`, [EVENTS_PER_BATCH]);
  // As it is by now: somebody may have subscribed meanwhile, and another process may have taken some.
  const plans = rows.length === 0 ? [] : await plan(rows.map(({ change }) => change));
  let made = 0;
  // In order, so that a follow-up finds what the change before it ordered.
  for (const [index, row] of rows.entries()) {
    const planned = plans[index];
    if (planned !== undefined && !tellsNobody(planned)) made += await fanOutOne(client, row, planned, nowMs);
  }
  await client.query('update outbox_event set fanned_out_at = $2 where id = any($1)', [
    rows.map(({ id }) => id),
    new Date(nowMs),
  ]);
  const ids = [...new Set(rows.map(({ alarmId }) => alarmId))];
  if (ids.length > 0) await tellApart(client, OF_ALARMS, ids, nowMs);
  return { events: rows.length, made };
}

async function fanOutOne(
  client: pg.PoolClient,
  row: Waiting,
  { event, recipients, followUpOn }: FanOutPlan,
  nowMs: number,
): Promise<number> {
  const { rowCount } = await client.query(
    `insert into delivery (event_id, alarm_id, event, rank, channel, recipient, user_id, is_follow_up, next_at, updated_at, ordered_at)
     select $1, $2, $3, $4, channel, recipient, told."userId", is_follow_up, $5, $5, $5
     from (
       select channel, recipient, "userId", false as is_follow_up
       from jsonb_to_recordset($6::jsonb) as wanted (channel text, recipient text, "userId" text)
       union all
       select channel, recipient, user_id, true from delivery
       where alarm_id = $2 and channel = any($7) and state in ('pending', 'delivered')
     ) as told
     order by is_follow_up
     on conflict do nothing`,
    [
      row.id,
      row.alarmId,
      event,
      rankOf(row.change.alarm.priority),
      new Date(nowMs),
      JSON.stringify(recipients),
      followUpOn,
    ],
  );
  return rowCount ?? 0;
}

/**
 * What was told with a page that no longer stands for it is due again; of each alarm and recipient the latest, since the
 * earlier ones say the same.
 */
export async function tellApart(
  client: pg.PoolClient,
  which: string,
  of: readonly string[],
  nowMs: number,
): Promise<void> {
  await client.query(`with ${apart(which)}`, [of, new Date(nowMs), TAKEN_GRACE_MS]);
}

const OF_ALARMS = '(told.alarm_id = any($1) or held.alarm_id = any($1))';

const apart = (which: string) => `apart as (
       select distinct on (held.alarm_id, held.channel, held.recipient) held.id, its.acknowledged_at is not null as is_taken
       from delivery held
         join delivery told on told.id = held.told_with join alarm its on its.id = told.alarm_id
         join alarm on alarm.id = held.alarm_id
       where ${which} and held.state = 'dropped' and ${CALLS}
         and not (
           told.state = 'delivered' and ${callsAs('its')}
           and array_position(array['high', 'medium', 'low'], its.priority) <= held.rank + 1
         )
       order by held.alarm_id, held.channel, held.recipient, held.sequence desc
     )
     update delivery set state = 'pending', last_detail = 'told-apart', told_with = null, leased_until = null, updated_at = $2,
       next_at = $2::timestamptz + case when apart.is_taken then $3::float8 else 0 end * interval '1 millisecond'
     from apart where delivery.id = apart.id`;

/** As `domain/told-together.ts#calls`. */
const callsAs = (alarm: string) =>
  `(${alarm}.state = 'active' and ${alarm}.condition = 'present' and ${alarm}.acknowledged_at is null
    and ${alarm}.snoozed_until is null)`;
export const CALLS = callsAs('alarm');
