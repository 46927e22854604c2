import type pg from 'pg';
import { ESCALATION_STEPS } from '../../domain/escalation.ts';
import type { EscalationRound } from '../../domain/escalation-round.ts';
import { executionName } from '../../domain/escalation-times.ts';
import type { AlarmId } from '../../domain/ids.ts';
import type { Escalations, HeldTelling, RoundKey, ToldRound, ToldStep } from '../../ports/escalations.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
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
    return await failing(async () => {
      const rounds = await this.#pool.query<object>(
        `select ${ROUND_FIELDS} from escalation where alarm_id = $1 order by round`,
        [alarmId],
      );
      if (rounds.rows.length === 0) return [];
      const steps = await this.#pool.query<object & { readonly round: number }>(
        `select round, step, repeat, at as "atMs", until as "untilMs", recipients, warnings
         from escalation_step where alarm_id = $1 order by round, at, array_position($2::text[], step), repeat`,
        [alarmId, ESCALATION_STEPS],
      );
      return rounds.rows.map(toRound).map((each) => ({
        ...each,
        execution: `${each.definition}:${executionName(each)}`,
        steps: steps.rows
          .filter(({ round }) => round === each.round)
          .map(({ round, ...step }) => withoutNulls(step) as ToldStep),
      }));
    });
  }

  async told(told: Parameters<Escalations['told']>[0]): Promise<EscalationRound> {
    const { alarmId, round, step, repeat, atMs, untilMs, recipients, warnings, token } = told;
    const [at, until] = [new Date(atMs), untilMs === undefined ? null : new Date(untilMs)];
    return await inTransaction(this.#pool, async (client) => {
      const before = await lockRound(client, told);
      if (before === undefined) throw new TypeError(`no round ${round} of ${alarmId}`);
      if (before.end !== undefined) return before;
      const [, { rows }] = await Promise.all([
        client.query(
          `insert into escalation_step (alarm_id, round, step, repeat, at, until, recipients, warnings)
           values ($1, $2, $3, $4, $5, $6, $7, $8)
           on conflict (alarm_id, round, step, repeat) do update set until = excluded.until`,
          [alarmId, round, step, repeat, at, until, JSON.stringify(recipients), JSON.stringify(warnings)],
        ),
        client.query<object>(
          `update escalation set step = $3, told_at = $4, due_at = $5, token = $6
           where alarm_id = $1 and round = $2 returning ${ROUND_FIELDS}`,
          [alarmId, round, step, at, until ?? at, token],
        ),
      ]);
      return toRound(rows[0] as object);
    });
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
