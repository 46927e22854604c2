import type pg from 'pg';
import type { EscalationWatch, LeftAlarm, LeftReason } from '../../ports/escalations.ts';
import { ALARM_FIELDS, toAlarm } from './alarm-rows.ts';
import { type LeftEntry, leaveForAudit, ownEntry } from './audit-pending.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { ESCALATES } from './escalation-rounds.ts';
import { inTransaction } from './transaction.ts';

/** Looks at alarms and their escalations by their tables alone. */
export class PostgresEscalationWatch implements EscalationWatch {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async left(request: Parameters<EscalationWatch['left']>[0]): Promise<readonly LeftAlarm[]> {
    const { nowMs, graceMs, lateMs, repeatMs, limit, includeTold = false } = request;
    const before = (ms: number) => new Date(nowMs - ms);
    const { rows } = await failing(() =>
      this.#pool.query<object & { readonly leftReason: LeftReason; readonly sinceMs: number }>(LEFT, [
        before(graceMs),
        before(lateMs),
        before(repeatMs),
        limit,
        includeTold,
      ]),
    );
    return rows.map(({ leftReason, sinceMs, ...row }) => ({ alarm: toAlarm(row), reason: leftReason, sinceMs }));
  }

  async claim({ alarmId, reason, atMs, repeatMs }: Parameters<EscalationWatch['claim']>[0]): Promise<boolean> {
    return await inTransaction(this.#pool, async (client) => {
      await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [LOCK, alarmId]);
      const { rowCount } = await client.query(
        `insert into watchdog_telling (alarm_id, at, reason)
         select $1, $2, $3 where not exists (select from watchdog_telling where alarm_id = $1 and at > $4)`,
        [alarmId, new Date(atMs), reason, new Date(atMs - repeatMs)],
      );
      if (rowCount !== 1) return false;
      const { rows } = await client.query<{ patientId: string }>(
        'select patient_id as "patientId" from alarm where id = $1',
        [alarmId],
      );
      await leaveForAudit(client, [watchdogEntry({ alarmId, reason, atMs, ...rows[0] })]);
      return true;
    });
  }

  async beat({ name, atMs, detail }: Parameters<EscalationWatch['beat']>[0]): Promise<void> {
    await failing(() =>
      this.#pool.query(
        `insert into heartbeat (name, beat_at, detail) values ($1, $2, $3)
         on conflict (name) do update set beat_at = excluded.beat_at, detail = excluded.detail`,
        [name, new Date(atMs), detail],
      ),
    );
  }

  async lastBeatMs(name: string): Promise<number | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<{ beatMs: number }>('select beat_at as "beatMs" from heartbeat where name = $1', [name]),
    );
    return rows[0]?.beatMs;
  }
}

function watchdogEntry(what: {
  readonly alarmId: string;
  readonly reason: LeftReason;
  readonly atMs: number;
  readonly patientId?: string;
}): LeftEntry {
  return ownEntry('escalation watchdog', {
    atMs: what.atMs,
    action: 'alarm.told-everybody',
    resource: { kind: 'alarm', id: what.alarmId },
    ...(what.patientId !== undefined && { patientId: what.patientId }),
    correlationId: what.alarmId,
    detail: { because: what.reason },
  });
}

/** Any number that no other advisory lock of ours uses. */
const LOCK = 4_840_118;

/**
 * $1 before which an alarm must have an escalation, $2 before which its next step must have come, $3 before which
 * everybody was told last.
 */
const LEFT = `
  select * from (
    select ${ALARM_FIELDS},
      case
        when newest.end_reason = 'exhausted' then
          case when newest.ended_at <= $3 then 'exhausted' end
        when newest.alarm_id is null or newest.ended_at is not null then
          case when greatest(alarm.raised_at, newest.ended_at) <= $1 then 'missing' end
        when newest.execution_status is distinct from 'RUNNING' then 'failed'
        when coalesce(newest.due_at, newest.started_at) <= $2 then 'late'
      end as "leftReason",
      coalesce(newest.ended_at, newest.due_at, newest.started_at, alarm.raised_at) as "sinceMs"
    from alarm
    left join lateral (
      select escalation.*, workflow_execution.status as execution_status
      from escalation
      left join workflow_execution
        on workflow_execution.definition = escalation.definition and workflow_execution.name = escalation.execution
      where escalation.alarm_id = alarm.id order by escalation.round desc limit 1
    ) as newest on true
    where alarm.state = 'active' and alarm.acknowledged_at is null and alarm.snoozed_until is null
      and ${ESCALATES}
      -- What came and went is latched, and calls nobody; but of what nobody was ever told, somebody must be.
      and (alarm.condition = 'present' or (newest.ended_at is null and newest.step is null))
  ) as looked_at
  where "leftReason" is not null
    and ($5 or not exists (select from watchdog_telling where alarm_id = looked_at.id and at > $3))
  order by priority = 'high' desc, "sinceMs" limit $4`;
