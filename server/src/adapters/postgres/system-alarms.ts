import type pg from 'pg';
import type { SystemAlarm, SystemAlarmStore } from '../../ports/system-alarms.ts';
import { type LeftEntry, leaveForAudit, ownEntry } from './audit-pending.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/** The installation's alarms in PostgreSQL; other processes hear of a change by a notice. */
export class PostgresSystemAlarms implements SystemAlarmStore {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async put(alarm: SystemAlarm): Promise<void> {
    const { id, rule, priority, text, raisedAtMs, clearedAtMs, acknowledgedAtMs, acknowledgedBy, tenantId } = alarm;
    await inTransaction(this.#pool, async (client) => {
      // Two processes that notice the same raise it once: the second finds the first's and leaves it.
      const { rowCount } = await client.query(
        `insert into system_alarm
           (id, raised_at, rule, priority, text, cleared_at, acknowledged_at, acknowledged_by, tenant_id)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9
         where not exists (
           select 1 from system_alarm where id = $1 and cleared_at is null and raised_at <> $2 and $6::timestamptz is null
         )
         on conflict (id, raised_at) do update set priority = excluded.priority, text = excluded.text,
           cleared_at = excluded.cleared_at, acknowledged_at = excluded.acknowledged_at,
           acknowledged_by = excluded.acknowledged_by`,
        [
          id,
          new Date(raisedAtMs),
          rule,
          priority,
          text,
          clearedAtMs === undefined ? null : new Date(clearedAtMs),
          acknowledgedAtMs === undefined ? null : new Date(acknowledgedAtMs),
          acknowledgedBy ?? null,
          tenantId ?? null,
        ],
      );
      if (rowCount === 1) await leaveForAudit(client, [entryOf(alarm)]);
      await client.query(`select pg_notify('healthsync_system_alarm', '')`);
    });
  }

  async list({ open, limit }: Parameters<SystemAlarmStore['list']>[0]): Promise<readonly SystemAlarm[]> {
    const { rows } = await failing(() =>
      this.#pool.query<object>(
        `select id, rule, priority, text, case when cleared_at is null then 'active' else 'cleared' end as state,
           raised_at as "raisedAtMs", cleared_at as "clearedAtMs", acknowledged_at as "acknowledgedAtMs",
           acknowledged_by as "acknowledgedBy", tenant_id as "tenantId"
         from system_alarm where ($1::boolean is null or (cleared_at is null) = $1)
         order by raised_at desc, id limit $2`,
        [open ?? null, limit],
      ),
    );
    return rows.map((row) => withoutNulls(row) as SystemAlarm);
  }
}

/** Who acknowledged it has an entry of their own with the request. */
function entryOf({ id, rule, priority, raisedAtMs, acknowledgedAtMs, clearedAtMs, tenantId }: SystemAlarm): LeftEntry {
  const what = clearedAtMs !== undefined ? 'cleared' : acknowledgedAtMs !== undefined ? 'acknowledged' : 'raised';
  return ownEntry('installation', {
    atMs: clearedAtMs ?? acknowledgedAtMs ?? raisedAtMs,
    action: `system-alarm.${what}`,
    resource: { kind: 'system-alarm', id },
    correlationId: `${id}.${raisedAtMs}`,
    detail: { rule, priority },
    ...(tenantId !== undefined && { tenantId }),
  });
}
