import type pg from 'pg';
import type { Alarm, AlarmChange, ConditionTransition } from '../../domain/alarm.ts';
import { type ActDecision, actOn } from '../../domain/alarm-act.ts';
import type { AlarmHistoryEntry } from '../../domain/alarm-history.ts';
import { ALARM_POLICY, type AlarmPolicy } from '../../domain/alarm-policy.ts';
import { scheduled, timePassed } from '../../domain/alarm-time.ts';
import { type AlarmId, type PatientId, parseAlarmId, type UserId } from '../../domain/ids.ts';
import {
  type AcknowledgeOutcome,
  type ActOutcome,
  type ActRequest,
  type AlarmNote,
  type AlarmQuery,
  type AlarmStore,
  acknowledgeOutcome,
  HISTORY_MAX,
  type ManyOutcome,
} from '../../ports/alarm-store.ts';
import type { PatientSeal } from '../../ports/patient-seal.ts';
import { applyTransitions } from './alarm-apply.ts';
import { listAlarms } from './alarm-list.ts';
import { ALARM_FIELDS, type InTransaction, toAlarm, writeChanges } from './alarm-rows.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { NOTE_FIELD } from './seal-clear-texts.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

export interface PostgresAlarmStoreOptions {
  readonly policy?: AlarmPolicy;
  /** ms since 1970: what an alarm's own times are counted by. */
  readonly now?: () => number;
  /** What else belongs to a change: called after its rows are written, in their transaction, without `unchanged`. */
  readonly inTransaction?: readonly InTransaction[];
  /** For notes: people's own words may name the patient. */
  readonly seal: PatientSeal;
}

/** The alarms in PostgreSQL: an alarm, its outbox entries and the transition that made them are one transaction. */
export class PostgresAlarmStore implements AlarmStore {
  readonly #pool: pg.Pool;
  readonly #policy: AlarmPolicy;
  readonly #now: () => number;
  readonly #inTransaction: readonly InTransaction[];
  readonly #seal: PatientSeal;

  constructor({ pool }: Pick<Connections, 'pool'>, options: PostgresAlarmStoreOptions) {
    this.#pool = pool;
    this.#policy = options.policy ?? ALARM_POLICY;
    this.#now = options.now ?? Date.now;
    this.#inTransaction = options.inTransaction ?? [];
    this.#seal = options.seal;
  }

  async apply(transitions: readonly ConditionTransition[]): Promise<readonly AlarmChange[]> {
    if (transitions.length === 0) return [];
    return await inTransaction(this.#pool, async (client) => {
      const nowMs = this.#now();
      const { changes, writeApplied } = await applyTransitions(client, transitions, (change, before) =>
        scheduled(change, before, this.#policy, nowMs),
      );
      // Sent in this very turn, and so before any savepoint that something in `#write` may go back to.
      await Promise.all([this.#write(client, changes), writeApplied()]);
      return changes;
    });
  }

  async act(request: ActRequest): Promise<ActOutcome> {
    return await inTransaction(this.#pool, async (client) => {
      // Whoever comes second waits here, and then sees what the first did.
      const [alarm] = await lockAlarms(client, [request.id]);
      if (alarm === undefined) return { kind: 'not-found' };
      const decision = this.#decide(alarm, request);
      if (decision.kind === 'refused') return decision;
      await this.#write(client, [decision.change]);
      return { ...decision, ...(await this.#writeNote(client, alarm, request)) };
    });
  }

  async acknowledge(request: Omit<ActRequest, 'act'>): Promise<AcknowledgeOutcome> {
    return acknowledgeOutcome(await this.act({ ...request, act: { kind: 'acknowledge' } }));
  }

  async acknowledgeMany({
    ids,
    ...who
  }: Parameters<AlarmStore['acknowledgeMany']>[0]): Promise<readonly ManyOutcome[]> {
    return await inTransaction(this.#pool, async (client) => {
      const alarms = new Map((await lockAlarms(client, ids)).map((alarm) => [alarm.id, alarm]));
      const outcomes = ids.map((id): ManyOutcome => {
        const alarm = alarms.get(id);
        if (alarm === undefined) return { kind: 'not-found', id };
        if (alarm.state === 'active' && alarm.priority === 'high') return { kind: 'high-priority', id, alarm };
        return { id, ...acknowledgeOutcome(this.#decide(alarm, { ...who, id, act: { kind: 'acknowledge' } })) };
      });
      await this.#write(
        client,
        outcomes.flatMap((outcome) => (outcome.kind === 'acknowledged' ? outcome.change : [])),
      );
      return outcomes;
    });
  }

  async passTime({ nowMs, limit }: Parameters<AlarmStore['passTime']>[0]): Promise<readonly AlarmChange[]> {
    return await inTransaction(this.#pool, async (client) => {
      // Two clocks skip each other's rows instead of waiting; what one has done is not due any more for the other.
      const { rows } = await client.query<object>(
        `select ${ALARM_FIELDS} from alarm where due_at <= $1 order by due_at limit $2 for update skip locked`,
        [new Date(nowMs), limit],
      );
      const changes = rows.map(toAlarm).flatMap((alarm) => allDue(alarm, nowMs, this.#policy));
      await this.#write(client, changes);
      return changes;
    });
  }

  async nextDueMs(): Promise<number | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<{ dueMs: number | null }>(`select min(due_at) as "dueMs" from alarm where due_at is not null`),
    );
    return rows[0]?.dueMs ?? undefined;
  }

  async list(query: AlarmQuery): Promise<readonly Alarm[]> {
    return await failing(() => listAlarms(this.#pool, query));
  }

  async find(id: AlarmId): Promise<Alarm | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<object>(`select ${ALARM_FIELDS} from alarm where id = $1`, [id]),
    );
    return rows[0] === undefined ? undefined : toAlarm(rows[0]);
  }

  async history(id: AlarmId): Promise<readonly AlarmHistoryEntry[]> {
    const { rows } = await failing(() =>
      this.#pool.query<{ kind: string; atMs: number; by: string | null; detail: object }>(
        `select kind, at as "atMs", by, detail from alarm_change where alarm_id = $1 order by id desc limit $2`,
        [id, HISTORY_MAX],
      ),
    );
    return rows.map(({ detail, ...row }) => ({ ...withoutNulls(row), ...detail }) as AlarmHistoryEntry).reverse();
  }

  async notes(id: AlarmId): Promise<readonly AlarmNote[]> {
    const { rows } = await failing(() =>
      this.#pool.query<NoteRow>(
        `select note.id::text, at as "atMs", author, author_id as "authorId", sealed, patient_id as "patientId"
         from alarm_note as note join alarm on alarm.id = alarm_id where alarm_id = $1 order by note.id`,
        [id],
      ),
    );
    return await Promise.all(
      rows.map(async ({ sealed, patientId, ...row }) => {
        const text = await this.#seal.open(patientId, NOTE_FIELD, sealed);
        return { ...withoutNulls(row), text: text ?? ERASED };
      }),
    );
  }

  async #writeNote(
    client: pg.PoolClient,
    { patientId }: Alarm,
    { id, act, by, byId, atMs }: ActRequest,
  ): Promise<{ readonly noteId?: string }> {
    if (!('note' in act) || act.note === undefined) return {};
    const { rows } = await client.query<{ noteId: string }>(
      `insert into alarm_note (alarm_id, at, author, author_id, sealed) values ($1, $2, $3, $4, $5)
       returning id::text as "noteId"`,
      [id, new Date(atMs), by, byId, await this.#seal.seal(patientId, NOTE_FIELD, act.note)],
    );
    return rows[0] ?? {};
  }

  #decide(alarm: Alarm, { act, by, byId, atMs }: ActRequest): ActDecision {
    const actor = { by, ...(byId === undefined ? {} : { byId }) };
    const decision = actOn(alarm, act, actor, atMs, this.#policy);
    if (decision.kind === 'refused' || decision.change.kind === 'unchanged') return decision;
    return { kind: 'done', change: scheduled(decision.change, alarm, this.#policy, atMs) };
  }

  #write(client: pg.PoolClient, changes: readonly AlarmChange[]): Promise<void> {
    return writeChanges(client, changes, this.#inTransaction);
  }
}

/** Always in the same order, so that two who reach for several do not wait for each other. */
async function lockAlarms(client: pg.PoolClient, ids: readonly AlarmId[]): Promise<readonly Alarm[]> {
  const { rows } = await client.query<object>(
    `select ${ALARM_FIELDS} from alarm where id = any($1) order by id for update`,
    [ids],
  );
  return rows.map(toAlarm);
}

interface NoteRow {
  readonly id: string;
  readonly atMs: number;
  readonly author: string;
  readonly authorId: UserId | null;
  readonly sealed: Uint8Array;
  readonly patientId: PatientId;
}

/** What is left of a note whose patient was erased. */
const ERASED = '(erased)';

/** One thing may bring the next due: a snooze that ends over an acknowledgement that has expired meanwhile. */
function allDue(alarm: Alarm, nowMs: number, policy: AlarmPolicy): readonly AlarmChange[] {
  const changes: AlarmChange[] = [];
  for (let now = alarm, due = timePassed(now, nowMs); due !== undefined; due = timePassed(now, nowMs)) {
    const change = scheduled(due, now, policy, nowMs);
    changes.push(change);
    now = change.alarm;
  }
  return changes;
}

/** What `writeChanges` says on the channel `healthsync_alarm`: which alarm, and its revision, which older versions left out. */
export function parseAlarmNotice(payload: string): { readonly id: AlarmId; readonly revision?: number } | undefined {
  const [first, second] = payload.split(' ');
  const [id, revision] = [parseAlarmId(first), Number(second)];
  if (id === undefined) return undefined;
  return { id, ...(Number.isSafeInteger(revision) && { revision }) };
}
