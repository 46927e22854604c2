import type pg from 'pg';
import { alarmEvent } from '../../domain/alarm-event.ts';
import type { AlarmEvents, StoredEvent } from '../../ports/alarm-events.ts';
import type { InTransaction } from './alarm-rows.ts';
import { leaveForAudit } from './audit-pending.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { forgotten } from './old-data.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/** Hand it to the alarm store: the event is there if and only if its change is. */
export const writeAlarmEvents: InTransaction = async (client, changes) => {
  const rows = changes.flatMap((change) => {
    const facts = alarmEvent(change);
    return facts === undefined ? [] : [{ alarm_id: facts.alarmId, at: new Date(change.atMs), facts }];
  });
  if (rows.length === 0) return;
  await client.query(
    `insert into alarm_event (alarm_id, at, facts)
     select event ->> 'alarm_id', (event ->> 'at')::timestamptz, event -> 'facts'
     from jsonb_array_elements($1::jsonb) with ordinality as happened (event, place) order by place`,
    [JSON.stringify(rows)],
  );
};

export class PostgresAlarmEvents implements AlarmEvents {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async sequence(): Promise<number> {
    for (let all = 0; ; ) {
      const { rows } = await failing(() =>
        this.#pool.query<{ given: number }>('select healthsync_sequence_events($1) as given', [SEQUENCE_MAX]),
      );
      const given = rows[0]?.given ?? 0;
      all += given;
      if (given < SEQUENCE_MAX) return all;
    }
  }

  async read({ after, limit }: Parameters<AlarmEvents['read']>[0]): Promise<readonly StoredEvent[]> {
    const { rows } = await failing(() =>
      this.#pool.query<StoredEvent>(
        `select position, id, at as "atMs", facts, nullif(tenant_id, 'default') as "tenantId" from alarm_event
         where position > $1 order by position limit $2`,
        [after, limit],
      ),
    );
    return rows.map((row) => withoutNulls(row) as unknown as StoredEvent);
  }

  async head(): Promise<number> {
    const { rows } = await failing(() =>
      this.#pool.query<{ position: number }>('select position from alarm_event_head'),
    );
    return rows[0]?.position ?? 0;
  }

  async positionBefore(atMs: number): Promise<number> {
    const { rows } = await failing(() =>
      this.#pool.query<{ first: number | null; head: number | null }>(
        `select (select min(position) from alarm_event where at >= $1) as first,
           (select position from alarm_event_head) as head`,
        [new Date(atMs)],
      ),
    );
    const { first, head } = rows[0] ?? { first: null, head: 0 };
    return first === null ? (head ?? 0) : first - 1;
  }

  async forget(beforeMs: number): Promise<number> {
    return await inTransaction(this.#pool, async (client) => {
      const { rowCount } = await client.query(
        `delete from alarm_event where at < $1
         and position <= (select coalesce(min(position), (select position from alarm_event_head)) from event_subscription
           where not is_paused and not is_refused)`,
        [new Date(beforeMs)],
      );
      const count = rowCount ?? 0;
      await leaveForAudit(client, forgotten('alarm-events', { count, before: new Date(beforeMs) }));
      return count;
    });
  }
}

/** One transaction each, so that a flood of alarms is not sequenced under one long lock. */
const SEQUENCE_MAX = 5_000;
