import type { UserId } from '../../domain/ids.ts';
import type { SecondFactors, StoredFactor, StoredPasskey } from '../../ports/second-factors.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/** Second factors in PostgreSQL. */
export class PostgresSecondFactors implements SecondFactors {
  readonly #pool: Connections['pool'];

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async list(userId: UserId): Promise<readonly StoredFactor[]> {
    const { rows } = await this.#query(`${SELECT} where user_id = $1 order by created_at, id`, [userId]);
    return rows.map(factorOf);
  }

  async add(factor: StoredFactor): Promise<'added' | 'taken'> {
    const totp = factor.kind === 'totp' ? factor : undefined;
    const passkey = factor.kind === 'passkey' ? factor : undefined;
    const { rowCount } = await this.#query(
      `insert into second_factor
         (id, user_id, kind, label, created_at, secret, credential_id, public_key, counter, transports)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (credential_id) do nothing`,
      [
        factor.id,
        factor.userId,
        factor.kind,
        factor.label,
        new Date(factor.createdAtMs),
        totp?.secret,
        passkey?.credentialId,
        passkey && Buffer.from(passkey.publicKey),
        passkey?.counter,
        passkey?.transports,
      ],
    );
    return rowCount === 1 ? 'added' : 'taken';
  }

  async findPasskey(credentialId: string): Promise<StoredPasskey | undefined> {
    const { rows } = await this.#query(`${SELECT} where credential_id = $1`, [credentialId]);
    return rows[0] && (factorOf(rows[0]) as StoredPasskey);
  }

  async useStep({ id, step, atMs }: Parameters<SecondFactors['useStep']>[0]): Promise<boolean> {
    return this.#changes(
      `update second_factor set last_step = $2, used_at = $3
       where id = $1 and kind = 'totp' and coalesce(last_step, -1) < $2`,
      [id, step, new Date(atMs)],
    );
  }

  async usePasskey({ id, counter, atMs }: Parameters<SecondFactors['usePasskey']>[0]): Promise<boolean> {
    return this.#changes(
      `update second_factor set counter = $2, used_at = $3
       where id = $1 and kind = 'passkey' and (counter < $2 or (counter = 0 and $2 = 0))`,
      [id, counter, new Date(atMs)],
    );
  }

  async remove({ userId, id }: Parameters<SecondFactors['remove']>[0]): Promise<boolean> {
    return this.#changes('delete from second_factor where user_id = $1 and id = $2', [userId, id]);
  }

  async putRecoveryCodes(userId: UserId, sha256s: readonly string[]): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      await client.query('delete from recovery_code where user_id = $1', [userId]);
      await client.query('insert into recovery_code (user_id, sha256) select $1, unnest($2::text[])', [
        userId,
        sha256s,
      ]);
    });
  }

  async useRecoveryCode({ userId, sha256, atMs }: Parameters<SecondFactors['useRecoveryCode']>[0]): Promise<boolean> {
    return this.#changes(
      'update recovery_code set used_at = $3 where user_id = $1 and sha256 = $2 and used_at is null',
      [userId, sha256, new Date(atMs)],
    );
  }

  async recoveryCodesLeft(userId: UserId): Promise<number> {
    const { rows } = await this.#query(
      'select count(*) as left from recovery_code where user_id = $1 and used_at is null',
      [userId],
    );
    return Number((rows[0] as { left?: unknown } | undefined)?.left ?? 0);
  }

  async clear(userId: UserId): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      await client.query('delete from second_factor where user_id = $1', [userId]);
      await client.query('delete from recovery_code where user_id = $1', [userId]);
    });
  }

  async spend({ sha256, expiresAtMs, nowMs }: Parameters<SecondFactors['spend']>[0]): Promise<boolean> {
    const isFirst = await this.#changes(
      'insert into spent_ticket (sha256, expires_at) values ($1, $2) on conflict do nothing',
      [sha256, new Date(expiresAtMs)],
    );
    // The table stays as small as what was used within some days: each use sweeps up a few that ended long ago.
    await this.#query(
      `delete from spent_ticket where sha256 in (select sha256 from spent_ticket where expires_at < $1 limit 20)`,
      [new Date(nowMs - KEPT_MS)],
    );
    return isFirst;
  }

  #query(text: string, values: readonly unknown[]) {
    return failing(() => this.#pool.query<Record<string, unknown>>(text, [...values]));
  }

  async #changes(text: string, values: readonly unknown[]): Promise<boolean> {
    return (await this.#query(text, values)).rowCount === 1;
  }
}

/** Longer than a clock is set ahead by mistake: set right again, what was spent meanwhile must still be known. */
const KEPT_MS = 2 * 86_400_000;

const SELECT = `
  select id, user_id as "userId", kind, label, created_at as "createdAtMs", used_at as "usedAtMs", secret,
         credential_id as "credentialId", public_key as "publicKey", counter, transports
  from second_factor`;

function factorOf(row: Record<string, unknown>): StoredFactor {
  const { publicKey, ...rest } = withoutNulls(row) as Record<string, unknown>;
  return { ...rest, ...(publicKey instanceof Uint8Array && { publicKey: new Uint8Array(publicKey) }) } as never;
}
