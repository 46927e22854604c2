import type pg from 'pg';
import type { UserId } from '../../domain/ids.ts';
import {
  PUSH_SUBSCRIPTIONS_MAX,
  type PushSubscription,
  type PushSubscriptions,
} from '../../ports/push-subscriptions.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';

/** Who may be pushed to, in PostgreSQL. */
export class PostgresPushSubscriptions implements PushSubscriptions {
  readonly #pool: pg.Pool;
  readonly #ofAll: pg.Pool;

  /** `ofAll`: where it shows whose a browser was until now, of whatever organisation. */
  constructor({ pool }: Pick<Connections, 'pool'>, { ofAll }: { readonly ofAll?: Pick<Connections, 'pool'> } = {}) {
    this.#pool = pool;
    this.#ofAll = ofAll?.pool ?? pool;
  }

  async put({ id, userId, endpoint, p256dh, auth, createdAtMs }: PushSubscription): Promise<'kept' | 'full'> {
    // A browser is whose it is now: nobody else, and of no other organisation, is told anything there. Only the browser
    // itself knows its endpoint.
    await failing(() =>
      this.#ofAll.query('delete from push_subscription where id = $1 and user_id <> $2', [id, userId]),
    );
    return failing(() =>
      inTransaction(this.#pool, async (client) => {
        // One after the other for one person, so that the bound holds.
        await client.query('select 1 from app_user where id = $1 for update', [userId]);
        const { rows } = await client.query<{ others: number }>(
          'select count(*)::int as others from push_subscription where user_id = $1 and id <> $2',
          [userId, id],
        );
        if ((rows[0]?.others ?? 0) >= PUSH_SUBSCRIPTIONS_MAX) return 'full';
        await client.query(
          `insert into push_subscription (id, user_id, endpoint, p256dh, auth, created_at)
           values ($1, $2, $3, $4, $5, $6)
           on conflict (id) do update set endpoint = excluded.endpoint,
             p256dh = excluded.p256dh, auth = excluded.auth, created_at = excluded.created_at`,
          [id, userId, endpoint, p256dh, auth, new Date(createdAtMs)],
        );
        return 'kept';
      }),
    );
  }

  async of(userId: UserId): Promise<readonly PushSubscription[]> {
    const { rows } = await failing(() =>
      this.#pool.query<PushSubscription>(
        `select id, user_id as "userId", endpoint, p256dh, auth, created_at as "createdAtMs"
         from push_subscription where user_id = $1 order by created_at, id limit $2`,
        [userId, PUSH_SUBSCRIPTIONS_MAX],
      ),
    );
    return rows;
  }

  async remove(userId: UserId, endpoint: string): Promise<boolean> {
    const { rowCount } = await failing(() =>
      this.#pool.query('delete from push_subscription where user_id = $1 and endpoint = $2', [userId, endpoint]),
    );
    return rowCount === 1;
  }

  async removeGone(id: string): Promise<void> {
    await failing(() => this.#pool.query('delete from push_subscription where id = $1', [id]));
  }
}
