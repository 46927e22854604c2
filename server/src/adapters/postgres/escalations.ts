import type pg from 'pg';
import { ESCALATION_STEPS } from '../../domain/escalation.ts';
import type { EscalationRound } from '../../domain/escalation-round.ts';
import { executionName } from '../../domain/escalation-times.ts';
import type { AlarmId } from '../../domain/ids.ts';
import type { Escalations, HeldTelling, RoundKey, ToldRound, ToldStep } from '../../ports/escalations.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { epochMs } from './epoch-ms.ts';
import { ROUND_FIELDS, toRound } from './escalation-rows.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/** The rounds of escalation in PostgreSQL; they begin and end with their alarms, see `escalation-rounds.ts`. */
export class PostgresEscalations implements Escalations {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async round({ alarmId, round }: RoundKey): Promise<EscalationRound | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<object>(`select ${ROUND_FIELDS} from escalation where alarm_id = $1 and round = $2`, [
        alarmId,
        round,
      ]),
    );
    return rows[0] === undefined ? undefined : toRound(rows[0]);
  }

  async rounds(alarmId: AlarmId): Promise<readonly ToldRound[]> {
    const { rows } = await failing(() =>
      this.#pool.query<object & { readonly steps: readonly object[] }>(
        `select ${ROUND_FIELDS}, coalesce((
           select json_agg(json_build_object(
             'step', step, 'repeat', repeat, 'atMs', ${epochMs('at')}, 'untilMs', ${epochMs('until')},
             'recipients', recipients, 'warnings', warnings
           ) order by at, array_position($2::text[], step), repeat)
           from escalation_step as told where told.alarm_id = escalation.alarm_id and told.round = escalation.round
         ), '[]') as steps
         from escalation where alarm_id = $1 order by round`,
        [alarmId, ESCALATION_STEPS],
      ),
    );
    return rows.map(({ steps, ...row }) => {
      const round = toRound(row);
      return {
        ...round,
        execution: `${round.definition}:${executionName(round)}`,
        steps: steps.map((step) => withoutNulls(step) as ToldStep),
      };
    });
  }

  async told(told: Parameters<Escalations['told']>[0]): Promise<EscalationRound> {
    const { alarmId, round, step, repeat, atMs, untilMs, recipients, warnings, token, passed = [] } = told;
    const written = [...passed, { step, repeat, atMs, untilMs, recipients, warnings }].map((each) => ({
      ...each,
      at: new Date(each.atMs),
      until: each.untilMs === undefined ? null : new Date(each.untilMs),
    }));
    // One statement: a round that somebody ends meanwhile is waited for, and is then none that still runs.
    const { rows } = await failing(() =>
      this.#pool.query<object>(
        `with told as (
           update escalation set step = $3, told_at = $4, due_at = coalesce($5::timestamptz, $4::timestamptz), token = $6
           where alarm_id = $1 and round = $2 and end_reason is null returning ${ROUND_FIELDS}
         ), written as (
           insert into escalation_step (alarm_id, round, step, repeat, at, until, recipients, warnings)
           select $1, $2, each.step, each.repeat, each.at, each.until, each.recipients, each.warnings
           from told, jsonb_populate_recordset(null::escalation_step, $7::jsonb) as each
           on conflict (alarm_id, round, step, repeat) do update set until = excluded.until
         )
         select * from told`,
        [
          alarmId,
          round,
          step,
          new Date(atMs),
          untilMs === undefined ? null : new Date(untilMs),
          token,
          JSON.stringify(written),
        ],
      ),
    );
    if (rows[0] !== undefined) return toRound(rows[0]);
    const over = await this.round(told);
    if (over === undefined) throw new TypeError(`no round ${round} of ${alarmId}`);
    return over;
  }

  async end({
    end,
    atMs,
    onlyIfConditionEnded,
    ...of
  }: Parameters<Escalations['end']>[0]): ReturnType<Escalations['end']> {
    return await inTransaction(this.#pool, async (client) => {
      // The alarm first, as everybody does who changes both.
      const { rows } = await client.query<{ condition: string }>(
        'select condition from alarm where id = $1 for no key update',
        [of.alarmId],
      );
      const round = await lockRound(client, of);
      if (round === undefined || round.end !== undefined) return 'was-over';
      if (onlyIfConditionEnded === true && rows[0]?.condition === 'present') return 'condition-present';
      await client.query(
        `update escalation set end_reason = $3, ended_at = $4, due_at = null where alarm_id = $1 and round = $2`,
        [of.alarmId, of.round, end, new Date(atMs)],
      );
      return 'ended';
    });
  }

  async hold(tellings: readonly HeldTelling[]): Promise<void> {
    if (tellings.length === 0) return;
    await failing(() =>
      this.#pool.query(
        `insert into held_telling (alarm_id, dedupe_key, telling, due_at)
         select telling ->> 'alarmId', telling ->> 'dedupeKey', telling,
           to_timestamp((telling ->> 'dueAtMs')::float8 / 1000)
         from jsonb_array_elements($1::jsonb) as telling on conflict (dedupe_key) do nothing`,
        [JSON.stringify(tellings)],
      ),
    );
  }

  async dueTellings({ nowMs, limit }: Parameters<Escalations['dueTellings']>[0]): Promise<readonly HeldTelling[]> {
    return await failing(async () => {
      await this.#pool.query(
        `delete from held_telling where due_at <= $1 and not exists (
           select from alarm where id = held_telling.alarm_id and state = 'active' and acknowledged_at is null
         )`,
        [new Date(nowMs)],
      );
      const { rows } = await this.#pool.query<{ telling: HeldTelling }>(
        'select telling from held_telling where due_at <= $1 order by due_at limit $2',
        [new Date(nowMs), limit],
      );
      return rows.map(({ telling }) => telling);
    });
  }

  async release(dedupeKeys: readonly string[]): Promise<void> {
    if (dedupeKeys.length === 0) return;
    await failing(() => this.#pool.query('delete from held_telling where dedupe_key = any($1)', [dedupeKeys]));
  }
}

async function lockRound(client: pg.PoolClient, { alarmId, round }: RoundKey): Promise<EscalationRound | undefined> {
  const { rows } = await client.query<object>(
    `select ${ROUND_FIELDS} from escalation where alarm_id = $1 and round = $2 for update`,
    [alarmId, round],
  );
  return rows[0] === undefined ? undefined : toRound(rows[0]);
}
