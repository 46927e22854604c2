import pg from 'pg';
import type { AlarmChange } from '../../domain/alarm.ts';
import { type EscalationRound, type RoundMove, roundMoves } from '../../domain/escalation-round.ts';
import { type EscalationTimes, escalationInput, executionName } from '../../domain/escalation-times.ts';
import { ALARM_FIELDS, type InTransaction, toAlarm } from './alarm-rows.ts';
import type { Connections } from './connection.ts';
import { asFailure } from './database-failure.ts';
import { ROUND_FIELDS, toRound } from './escalation-rows.ts';
import { inTransaction } from './transaction.ts';
import { completeTask, startExecutions } from './workflow-signals.ts';

/**
 * Begins, ends and pushes escalations in the transaction that changes their alarm, so that a crash leaves both or
 * neither. Hand `inTransaction` to the alarm store.
 */
export interface EscalationRounds {
  readonly inTransaction: InTransaction;
  /**
   * Begins a round for every alarm that calls for somebody and has none: what another version of this program left, or
   * what could not be begun. Answers how many.
   */
  adopt(): Promise<number>;
}

export function escalationRounds(
  { pool }: Pick<Connections, 'pool'>,
  options: {
    readonly now: () => number;
    readonly times: EscalationTimes;
    /** An escalation could not be begun or ended; the alarm is stored all the same, and the watchdog will see it. */
    readonly onFailed: (error: unknown) => void;
  },
): EscalationRounds {
  const { now, times, onFailed } = options;

  async function follow(client: pg.PoolClient, changes: readonly AlarmChange[]): Promise<void> {
    const moving = changes.filter(({ kind }) => !WITHOUT_EFFECT.has(kind));
    if (moving.length === 0) return;
    // Nothing may stand in the way of an alarm: whatever is wrong here is undone by itself.
    try {
      await Promise.all([client.query('savepoint escalation'), move(client, moving, times, now())]);
      await client.query('release savepoint escalation');
    } catch (error) {
      // Two transactions stood in each other's way: the whole is tried again.
      if (error instanceof pg.DatabaseError && error.code?.startsWith('40') === true) throw error;
      await client.query('rollback to savepoint escalation').catch(() => {
        throw error; // the connection is gone, and the alarm's transaction with it
      });
      onFailed(asFailure(error));
    }
  }

  return {
    inTransaction: Object.assign(follow, { hasSavepoint: true as const }),
    async adopt() {
      let adopted = 0;
      for (let batch = 0; batch < ADOPT_BATCHES_MAX; batch++) {
        const found = await inTransaction(pool, async (client) => {
          const { rows } = await client.query<object>(ADOPTABLE, [ADOPT_BATCH]);
          const changes = rows.map((row): AlarmChange => ({ kind: 'raised', alarm: toAlarm(row), atMs: now() }));
          await move(client, changes, times, now());
          return rows.length;
        });
        adopted += found;
        if (found < ADOPT_BATCH) break;
      }
      return adopted;
    },
  };
}

/** These never begin or end anything. */
const WITHOUT_EFFECT: ReadonlySet<AlarmChange['kind']> = new Set(['reminder', 'noted', 'ended', 'unchanged']);

const ADOPT_BATCH = 500;
/** A hundred thousand alarms: ten times the beds this is made for. */
const ADOPT_BATCHES_MAX = 200;
/** Whose escalation is due by `domain/escalation-round.ts#definitionFor`, and nobody has begun. */
export const ESCALATES = `(
  (alarm.kind = 'physiological' and alarm.priority in ('high', 'medium'))
  or (alarm.kind = 'technical' and (alarm.priority = 'high' or alarm.rule = 'technical.lost'))
)`;
const ADOPTABLE = `
  select ${ALARM_FIELDS} from alarm
  where state = 'active' and condition = 'present' and acknowledged_at is null and snoozed_until is null
    and ${ESCALATES} and not exists (select from escalation where alarm_id = alarm.id)
  order by raised_at limit $1 for update skip locked`;

async function move(
  client: pg.PoolClient,
  changes: readonly AlarmChange[],
  times: EscalationTimes,
  nowMs: number,
): Promise<void> {
  const last = await lastRounds(client, changes);
  const begun = new Map<string, EscalationRound>();
  const touched = new Map<string, EscalationRound>();
  const pushed: EscalationRound[] = [];
  for (const change of changes)
    for (const each of roundMoves(change, last.get(change.alarm.id), nowMs)) {
      if (each.kind === 'push') {
        pushed.push(each.round);
        continue;
      }
      const round = each.kind === 'start' ? each.round : ended(each, nowMs);
      last.set(change.alarm.id, round);
      const key = `${round.alarmId} ${round.round}`;
      if (each.kind === 'start' || begun.has(key)) begun.set(key, round);
      else touched.set(key, round);
    }
  // An ended one is written before the next begins: one round of an alarm runs at a time.
  await writeEnds(client, [...touched.values()]);
  await writeBegun(client, [...begun.values()], times);
  for (const { token, end } of [...touched.values(), ...pushed])
    if (token !== undefined) await completeTask(client, { token, output: { answer: end ?? 'pushed' }, nowMs });
}

function ended({ round, end, by }: RoundMove & { readonly kind: 'end' }, nowMs: number): EscalationRound {
  const { dueAtMs, ...rest } = round;
  return { ...rest, end, endedAtMs: nowMs, ...(by === undefined ? {} : { endedBy: by }) };
}

async function lastRounds(
  client: pg.PoolClient,
  changes: readonly AlarmChange[],
): Promise<Map<string, EscalationRound>> {
  // What was raised just now has none.
  const raised = new Set(changes.filter(({ kind }) => kind === 'raised').map(({ alarm }) => alarm.id));
  const ids = [...new Set(changes.map(({ alarm }) => alarm.id))].filter((id) => !raised.has(id));
  if (ids.length === 0) return new Map();
  const { rows } = await client.query<object>(
    `select ${ROUND_FIELDS} from escalation
     where alarm_id = any($1) and not exists (
       select from escalation as later where later.alarm_id = escalation.alarm_id and later.round > escalation.round
     ) order by alarm_id for update`,
    [ids],
  );
  return new Map(rows.map(toRound).map((round) => [round.alarmId, round]));
}

async function writeEnds(client: pg.PoolClient, rounds: readonly EscalationRound[]): Promise<void> {
  if (rounds.length === 0) return;
  await client.query(
    `update escalation set end_reason = over.end_reason, ended_at = over.ended_at, ended_by = over.ended_by, due_at = null
     from jsonb_populate_recordset(null::escalation, $1::jsonb) as over
     where escalation.alarm_id = over.alarm_id and escalation.round = over.round and escalation.ended_at is null`,
    [JSON.stringify(rounds.map(toRow))],
  );
}

async function writeBegun(
  client: pg.PoolClient,
  rounds: readonly EscalationRound[],
  times: EscalationTimes,
): Promise<void> {
  if (rounds.length === 0) return;
  // One that ended within the same batch needs nobody.
  const running = rounds.filter(({ end }) => end === undefined);
  const executions = running.map((round) => ({
    definition: round.definition,
    name: executionName(round),
    input: escalationInput(round, times),
    nowMs: round.startedAtMs,
  }));
  await Promise.all([
    client.query(
      `insert into escalation (alarm_id, round, execution, definition, priority, from_step, started_by, started_at,
         end_reason, ended_at, ended_by)
       select alarm_id, round, execution, definition, priority, from_step, started_by, started_at, end_reason, ended_at,
         ended_by
       from jsonb_populate_recordset(null::escalation, $1::jsonb)`,
      [JSON.stringify(rounds.map(toRow))],
    ),
    startExecutions(client, executions),
  ]);
}

function toRow(round: EscalationRound) {
  return {
    alarm_id: round.alarmId,
    round: round.round,
    execution: executionName(round),
    definition: round.definition,
    priority: round.priority,
    from_step: round.fromStep,
    started_by: round.startedBy,
    started_at: new Date(round.startedAtMs),
    end_reason: round.end,
    ended_at: round.endedAtMs === undefined ? undefined : new Date(round.endedAtMs),
    ended_by: round.endedBy,
  };
}
