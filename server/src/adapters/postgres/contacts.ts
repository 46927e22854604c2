import type pg from 'pg';
import type { Role } from '../../domain/access.ts';
import type { Priority } from '../../domain/alarm.ts';
import type { UserId, WardId } from '../../domain/ids.ts';
import type { Contact, Contacts, KnownPerson, ReplaceContactsOutcome, VerifyOutcome } from '../../ports/contacts.ts';
import { CONTACTS_MAX } from '../../ports/contacts.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { countChange, takeVersion, versionOf } from './list-versions.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/** Contacts in PostgreSQL. That an address is one person's is kept by a unique index over the verified ones. */
export class PostgresContacts implements Contacts {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async of(userIds: readonly UserId[]): Promise<readonly Contact[]> {
    if (userIds.length === 0) return [];
    const { rows } = await failing(() =>
      this.#pool.query<object>(
        `select ${FIELDS} from contact join app_user on app_user.id = user_id
         where user_id = any($1) and verified_at is not null and disabled_at is null order by user_id, sequence`,
        [userIds],
      ),
    );
    return rows.map(toContact);
  }

  async people(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, KnownPerson>> {
    if (userIds.length === 0) return new Map();
    const users = await failing(() =>
      this.#pool.query<{ id: UserId; wardIds: readonly WardId[]; roles: readonly Role[] }>(
        'select id, ward_ids as "wardIds", roles from app_user where id = any($1) and disabled_at is null',
        [userIds],
      ),
    );
    const contacts = Map.groupBy(await this.of(userIds), ({ userId }) => userId);
    return new Map(
      users.rows.map(({ id, wardIds, roles }) => [
        id,
        {
          wardIds,
          roles,
          contacts: (contacts.get(id) ?? []).map(way),
        },
      ]),
    );
  }

  async ofUser(userId: UserId): Promise<readonly Contact[]> {
    const { rows } = await failing(() =>
      this.#pool.query<object>(`select ${FIELDS} from contact where user_id = $1 order by sequence`, [userId]),
    );
    return rows.map(toContact);
  }

  async userOf(channel: string, address: string): Promise<UserId | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<{ userId: UserId }>(
        `select user_id as "userId" from contact where channel = $1 and address = $2 and verified_at is not null`,
        [channel, address],
      ),
    );
    return rows[0]?.userId;
  }

  async versionOf(userId: UserId): Promise<number> {
    return await failing(() => versionOf(this.#pool, listOf(userId)));
  }

  async replace(...[userId, wanted, made]: Parameters<Contacts['replace']>): Promise<ReplaceContactsOutcome> {
    return await inTransaction(this.#pool, async (client) => {
      await client.query('savepoint replacing');
      const outcome = await takeVersion(client, listOf(userId), { from: made.from, by: made.by, atMs: made.atMs });
      if (outcome.kind === 'changed-meanwhile') return outcome;
      await client.query(
        `delete from contact where user_id = $1 and not exists (
           select 1 from unnest($2::text[], $3::text[]) as wanted (channel, address)
           where wanted.channel = contact.channel and wanted.address = contact.address)`,
        [userId, wanted.map(({ channel }) => channel), wanted.map(({ address }) => address)],
      );
      const taken: number[] = [];
      for (const [at, { channel, address, minPriority, vouchedBy }] of wanted.entries()) {
        await client.query(
          `insert into contact (user_id, channel, address, min_priority, created_at) values ($1, $2, $3, $4, $5)
           on conflict (user_id, channel, address) do update set min_priority = excluded.min_priority`,
          [userId, channel, address, minPriority ?? null, new Date(made.atMs)],
        );
        if (vouchedBy !== undefined && !(await vouchFor(client, [userId, channel, address], vouchedBy, made.atMs)))
          taken.push(at);
      }
      if (taken.length === 0) return outcome;
      await client.query('rollback to savepoint replacing');
      return { kind: 'taken', at: taken };
    });
  }

  async put(contact: Parameters<Contacts['put']>[0]): ReturnType<Contacts['put']> {
    const { userId, channel, address, minPriority, atMs, changedBy: by = PROGRAM } = contact;
    return await inTransaction(this.#pool, async (client) => {
      // Two requests of one person at once must not both find room for the last.
      await client.query('select id from app_user where id = $1 for update', [userId]);
      const changed = await client.query(
        'update contact set min_priority = $4 where user_id = $1 and channel = $2 and address = $3',
        [userId, channel, address, minPriority ?? null],
      );
      if (changed.rowCount === 1) {
        await countChange(client, listOf(userId), { by, atMs });
        return 'changed';
      }
      const added = await client.query(
        `insert into contact (user_id, channel, address, min_priority, created_at)
         select $1, $2, $3, $4, $5 where (select count(*) from contact where user_id = $1) < $6`,
        [userId, channel, address, minPriority ?? null, new Date(atMs), CONTACTS_MAX],
      );
      if (added.rowCount !== 1) return 'too-many';
      await countChange(client, listOf(userId), { by, atMs });
      return 'added';
    });
  }

  async remove({
    userId,
    channel,
    address,
    changedBy: by = PROGRAM,
    atMs,
  }: Parameters<Contacts['remove']>[0]): Promise<boolean> {
    return await inTransaction(this.#pool, async (client) => {
      const { rowCount } = await client.query(
        'delete from contact where user_id = $1 and channel = $2 and address = $3',
        [userId, channel, address],
      );
      if (rowCount === 1) await countChange(client, listOf(userId), { by, atMs });
      return rowCount === 1;
    });
  }

  async startVerification(start: Parameters<Contacts['startVerification']>[0]): Promise<'started' | 'not-found'> {
    const { userId, channel, address, codeSha256, expiresAtMs } = start;
    const { rowCount } = await failing(() =>
      this.#pool.query(
        `update contact set code_sha256 = $4, code_expires_at = $5, code_tries = 0
         where user_id = $1 and channel = $2 and address = $3`,
        [userId, channel, address, codeSha256, new Date(expiresAtMs)],
      ),
    );
    return rowCount === 1 ? 'started' : 'not-found';
  }

  async verify(attempt: Parameters<Contacts['verify']>[0]): Promise<VerifyOutcome> {
    const { userId, channel, address, codeSha256, atMs, triesMax } = attempt;
    const key = [userId, channel, address];
    return await inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<{ sha256: string | null; expiresAtMs: number | null; tries: number }>(
        `select code_sha256 as sha256, code_expires_at as "expiresAtMs", code_tries as tries
         from contact where user_id = $1 and channel = $2 and address = $3 for update`,
        key,
      );
      const [row] = rows;
      if (row === undefined) return 'not-found';
      if (row.sha256 === null || atMs >= (row.expiresAtMs ?? 0) || row.tries >= triesMax) return 'expired';
      if (row.sha256 !== codeSha256) {
        await client.query(
          'update contact set code_tries = code_tries + 1 where user_id = $1 and channel = $2 and address = $3',
          key,
        );
        return 'wrong';
      }
      return (await markVerified(client, key, 'code', atMs)) ? 'verified' : 'taken';
    });
  }

  async vouch({ userId, channel, address, by, atMs }: Parameters<Contacts['vouch']>[0]): ReturnType<Contacts['vouch']> {
    return await inTransaction(this.#pool, async (client) => {
      const verified = await vouchFor(client, [userId, channel, address], by, atMs);
      if (verified === undefined) return 'not-found';
      return verified ? 'verified' : 'taken';
    });
  }
}

/** Who changes a list when nobody does: a browser that is gone is no longer a contact. */
const PROGRAM = 'HealthSync';

const listOf = (ownerId: UserId) => ({ list: 'contacts', ownerId }) as const;

/** Undefined: there is no such contact. False: somebody else has verified it. */
async function vouchFor(
  client: pg.PoolClient,
  key: readonly unknown[],
  by: 'admin' | 'channel',
  atMs: number,
): Promise<boolean | undefined> {
  const { rows } = await client.query<{ verified: boolean }>(
    `select verified_at is not null as verified from contact
     where user_id = $1 and channel = $2 and address = $3 for update`,
    [...key],
  );
  return rows[0] === undefined || rows[0].verified ? rows[0]?.verified : await markVerified(client, key, by, atMs);
}

/** False where somebody else has verified it. A savepoint, because a refused statement would spoil the transaction. */
async function markVerified(
  client: pg.PoolClient,
  key: readonly unknown[],
  by: NonNullable<Contact['verifiedBy']>,
  atMs: number,
): Promise<boolean> {
  await client.query('savepoint verifying');
  try {
    await client.query(
      `update contact set verified_at = $4, verified_by = $5, code_sha256 = null, code_expires_at = null
       where user_id = $1 and channel = $2 and address = $3`,
      [...key, new Date(atMs), by],
    );
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== '23505') throw error; // unique_violation
    await client.query('rollback to savepoint verifying');
    return false;
  }
}

const FIELDS = `user_id as "userId", channel, address, verified_at is not null as verified, verified_by as "verifiedBy",
  min_priority as "minPriority"`;

const toContact = (row: object): Contact => withoutNulls(row) as Contact;

function way({ channel, address, minPriority }: Contact): { channel: string; address: string; minPriority?: Priority } {
  return { channel, address, ...(minPriority === undefined ? {} : { minPriority }) };
}
