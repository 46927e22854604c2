import type pg from 'pg';
import { DEFAULT_TENANT, type TenantId, type UserId } from '../../domain/ids.ts';
import { parseTopic, type Subscriber, topicName } from '../../domain/topic.ts';
import type { StoredSubscription, TopicSubscriptions } from '../../ports/topic-subscriptions.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { countChange, takeVersion, versionOf } from './list-versions.ts';
import { inTransaction } from './transaction.ts';

type Wanted = Parameters<TopicSubscriptions['put']>[0];

export class PostgresTopicSubscriptions implements TopicSubscriptions {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async list(): Promise<readonly StoredSubscription[]> {
    const { rows } = await failing(() =>
      this.#pool.query<Row>(`select ${FIELDS} from topic_subscription order by created_at, id`),
    );
    return rows.flatMap(toSubscription);
  }

  async put(wanted: Wanted): Promise<StoredSubscription> {
    return await inTransaction(this.#pool, async (client) => {
      const stored = await put(client, wanted);
      if (wanted.subscriber.kind === 'user') await countChange(client, listOf(wanted.subscriber.userId), wanted);
      return stored;
    });
  }

  async versionOf(userId: UserId): Promise<number> {
    return await failing(() => versionOf(this.#pool, listOf(userId)));
  }

  async replaceOf(...[userId, wanted, { by, atMs, from }]: Parameters<TopicSubscriptions['replaceOf']>) {
    return await inTransaction(this.#pool, async (client) => {
      const outcome = await takeVersion(client, listOf(userId), { from, by, atMs });
      if (outcome.kind === 'changed-meanwhile') return outcome;
      const kept: StoredSubscription[] = [];
      for (const each of wanted)
        kept.push(await put(client, { ...each, subscriber: { kind: 'user', userId }, by, atMs }));
      await client.query('delete from topic_subscription where user_id = $1 and not (id = any($2))', [
        userId,
        kept.map(({ id }) => id),
      ]);
      return outcome;
    });
  }

  async remove(...[id, made]: Parameters<TopicSubscriptions['remove']>): Promise<boolean> {
    return await inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<{ userId: UserId | null }>(
        'delete from topic_subscription where id = $1 returning user_id as "userId"',
        [id],
      );
      const userId = rows[0]?.userId ?? undefined;
      if (userId !== undefined) await countChange(client, listOf(userId), made);
      return rows.length === 1;
    });
  }
}

const listOf = (ownerId: UserId) => ({ list: 'topics', ownerId }) as const;

interface Row {
  readonly id: string;
  readonly topic: string;
  readonly userId: UserId | null;
  readonly channel: string | null;
  readonly recipient: string | null;
  readonly minPriority: StoredSubscription['minPriority'] | null;
  readonly events: StoredSubscription['events'] | null;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly tenantId: TenantId;
}

const FIELDS = `id, topic, user_id as "userId", channel, recipient, min_priority as "minPriority", events,
  created_by as "createdBy", created_at as "createdAtMs", tenant_id as "tenantId"`;

async function put(client: pg.PoolClient, wanted: Wanted): Promise<StoredSubscription> {
  const { topic, subscriber, minPriority, events, by, atMs } = wanted;
  const isUser = subscriber.kind === 'user';
  const { rows } = await client.query<Row>(
    `insert into topic_subscription (topic, user_id, channel, recipient, min_priority, events, created_by, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (tenant_id, topic, user_id, channel, recipient)
       do update set min_priority = excluded.min_priority, events = excluded.events
     returning ${FIELDS}`,
    [
      topicName(topic),
      isUser ? subscriber.userId : null,
      isUser ? null : subscriber.channel,
      isUser ? null : subscriber.recipient,
      minPriority ?? null,
      events ?? null,
      by,
      new Date(atMs),
    ],
  );
  return toSubscription(rows[0] as Row)[0] as StoredSubscription;
}

/** A topic that this version does not understand (a newer one wrote it) tells nobody. */
function toSubscription(row: Row): readonly StoredSubscription[] {
  const topic = parseTopic(row.topic);
  if (topic === undefined) return [];
  const { id, createdBy, createdAtMs, minPriority, events, tenantId } = row;
  return [
    {
      id,
      topic,
      subscriber: subscriberOf(row),
      ...(minPriority === null || minPriority === undefined ? {} : { minPriority }),
      ...(events === null || events === undefined ? {} : { events }),
      createdBy,
      createdAtMs,
      ...(tenantId !== DEFAULT_TENANT && { tenantId }),
    },
  ];
}

function subscriberOf({ userId, channel, recipient }: Row): Subscriber {
  return userId === null
    ? { kind: 'endpoint', channel: channel ?? '', recipient: recipient ?? '' }
    : { kind: 'user', userId };
}
