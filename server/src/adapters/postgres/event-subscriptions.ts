import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { EventSubscriptionRecord, EventSubscriptions, SubscriptionChange } from '../../ports/alarm-events.ts';
import { Failure } from '../../ports/failure.ts';
import type { HouseSeal } from '../../ports/house-seal.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { withoutNulls } from './without-nulls.ts';

/** Subscriptions to events in PostgreSQL; what their messages are signed with is sealed before it gets there. */
export class PostgresEventSubscriptions implements EventSubscriptions {
  readonly #pool: pg.Pool;
  readonly #seal: HouseSeal;

  constructor({ pool }: Pick<Connections, 'pool'>, seal: HouseSeal) {
    this.#pool = pool;
    this.#seal = seal;
  }

  async list(): Promise<readonly EventSubscriptionRecord[]> {
    return await this.#rows(`select ${FIELDS} from event_subscription order by created_at, id`, []);
  }

  async add(subscription: Parameters<EventSubscriptions['add']>[0]): Promise<EventSubscriptionRecord> {
    const { name, url, secret, detail, party, routes, position, by, grantedBy, atMs } = subscription;
    const [added] = await this.#rows(
      `insert into event_subscription (name, url, secret, detail, routes, position, created_by, created_at, party,
         granted_by)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning ${FIELDS}`,
      [
        name,
        url,
        await this.#seal.seal(SECRET, secret),
        detail,
        JSON.stringify(routes),
        position,
        by,
        new Date(atMs),
        party ?? null,
        grantedBy,
      ],
    );
    return added as EventSubscriptionRecord;
  }

  async change(id: string, change: SubscriptionChange): Promise<EventSubscriptionRecord | undefined> {
    const { name, url, secret, detail, routes, isPaused, position, grantedBy } = change;
    const sealed = secret === undefined ? undefined : await this.#seal.seal(SECRET, secret);
    // Whoever is sending by the old ways finds the lease gone and begins anew.
    const [changed] = await this.#rows(
      `update event_subscription set
         name = coalesce($2, name), url = coalesce($3, url), secret = coalesce($4, secret),
         detail = coalesce($5, detail), routes = coalesce($6, routes), is_paused = coalesce($7, is_paused),
         position = coalesce($8, position), granted_by = coalesce($9, granted_by), is_refused = false, failures = 0, failing_since = null, last_failure = null,
         next_at = '-infinity', lease = null, leased_until = null
       where id = $1 returning ${FIELDS}`,
      [
        ...[id, name, url, sealed, detail, routes === undefined ? undefined : JSON.stringify(routes)],
        ...[isPaused, position, grantedBy],
      ],
    );
    return changed;
  }

  async remove(id: string): Promise<boolean> {
    const { rowCount } = await failing(() => this.#pool.query('delete from event_subscription where id = $1', [id]));
    return rowCount === 1;
  }

  async take({ nowMs, leaseUntilMs, limit }: Parameters<EventSubscriptions['take']>[0]) {
    return await this.#rows(
      `with due as (
         select id from event_subscription
         where not is_paused and not is_refused and next_at <= $1 and (leased_until is null or leased_until <= $1)
           and position < (select position from alarm_event_head)
         order by next_at limit $3 for update skip locked
       )
       update event_subscription set lease = $4, leased_until = $2 from due
       where due.id = event_subscription.id returning ${FIELDS}`,
      [new Date(nowMs), new Date(leaseUntilMs), limit, randomUUID()],
    );
  }

  async record(progress: Parameters<EventSubscriptions['record']>[0]): Promise<boolean> {
    const { id, lease, position, atMs, outcome } = progress;
    const at = new Date(atMs);
    const [sql, values] = assignments(outcome, at);
    const { rowCount } = await failing(() =>
      this.#pool.query(`update event_subscription set position = $3, ${sql} where id = $1 and lease = $2`, [
        id,
        lease,
        position,
        ...values,
      ]),
    );
    return rowCount === 1;
  }

  async #rows(sql: string, values: readonly unknown[]): Promise<EventSubscriptionRecord[]> {
    const { rows } = await failing(() => this.#pool.query<object>(sql, [...values]));
    return await Promise.all(
      rows.map(async (row) => {
        const record = withoutNulls(row) as EventSubscriptionRecord;
        const secret = await this.#seal.open(SECRET, record.secret);
        if (secret === undefined)
          throw new Failure('keys-refused', 'What events are signed with cannot be opened with the keys there are.', {
            retryable: false,
          });
        return { ...record, secret };
      }),
    );
  }
}

/** Where it lies, as its seal knows it. */
const SECRET = 'event_subscription.secret';
const FREE = 'lease = null, leased_until = null';
const WELL = 'failures = 0, failing_since = null, last_failure = null';

function assignments(
  outcome: Parameters<EventSubscriptions['record']>[0]['outcome'],
  at: Date,
): readonly [sql: string, values: readonly unknown[]] {
  switch (outcome.kind) {
    case 'delivered':
    case 'passed': {
      const { leaseUntilMs } = outcome;
      const lease = leaseUntilMs === undefined ? FREE : 'leased_until = $4';
      const until = leaseUntilMs === undefined ? [] : [new Date(leaseUntilMs)];
      const delivered = outcome.kind === 'delivered' ? `, ${WELL}, last_delivered_at = $${4 + until.length}` : '';
      return [lease + delivered, outcome.kind === 'delivered' ? [...until, at] : until];
    }
    case 'retry':
      return [
        `${FREE}, failures = failures + 1, failing_since = coalesce(failing_since, $4), last_failure = $5, next_at = $6`,
        [at, outcome.reason, new Date(outcome.nextAtMs)],
      ];
    case 'refused':
      return [
        `${FREE}, is_refused = true, failing_since = coalesce(failing_since, $4), last_failure = $5`,
        [at, outcome.reason],
      ];
    default:
      return outcome satisfies never;
  }
}

const FIELDS = `event_subscription.id, name, url, secret, detail, party, routes, event_subscription.position,
  is_paused as "isPaused", is_refused as "isRefused", failures, failing_since as "failingSinceMs",
  last_failure as "lastFailure", last_delivered_at as "lastDeliveredAtMs", lease,
  created_by as "createdBy", granted_by as "grantedBy", created_at as "createdAtMs", nullif(tenant_id, 'default') as "tenantId"`;
