import type { FoundGrant, FoundRecord, OpenIdRecord, OpenIdRecords } from '../../ports/openid-records.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { withoutNulls } from './without-nulls.ts';

/** The OpenID provider's records in PostgreSQL. */
export class PostgresOpenIdRecords implements OpenIdRecords {
  readonly #pool: Connections['pool'];

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async put(record: OpenIdRecord): Promise<void> {
    await this.#insert(
      record,
      `update set payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
         account_id = excluded.account_id, expires_at = excluded.expires_at`,
    );
  }

  async putFirst(record: OpenIdRecord): Promise<boolean> {
    return (await this.#insert(record, 'nothing')) === 1;
  }

  async #insert(record: OpenIdRecord, onConflict: string): Promise<number | null> {
    const { rowCount } = await this.#query(
      `insert into oidc_record (model, id_sha256, payload, grant_id, uid, account_id, client_id, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (model, id_sha256) do ${onConflict}`,
      [
        record.model,
        record.idSha256,
        record.payload,
        record.grantId,
        record.uid,
        record.accountId,
        record.clientId,
        new Date(record.expiresAtMs),
      ],
    );
    // The table stays as small as what is in use: each new record sweeps up a few that have ended.
    await this.#query(
      `delete from oidc_record where (model, id_sha256) in
         (select model, id_sha256 from oidc_record where expires_at < now() - interval '1 day' limit 20)`,
      [],
    );
    return rowCount;
  }

  find(model: string, idSha256: string, nowMs: number): Promise<FoundRecord | undefined> {
    return this.#one('model = $1 and id_sha256 = $2', [model, idSha256], nowMs);
  }

  findByUid(model: string, uid: string, nowMs: number): Promise<FoundRecord | undefined> {
    return this.#one('model = $1 and uid = $2', [model, uid], nowMs);
  }

  async consume(model: string, idSha256: string, atMs: number): Promise<boolean> {
    const { rowCount } = await this.#query(
      'update oidc_record set consumed_at = $3 where model = $1 and id_sha256 = $2 and consumed_at is null',
      [model, idSha256, new Date(atMs)],
    );
    return rowCount === 1;
  }

  async remove(model: string, idSha256: string): Promise<void> {
    await this.#query('delete from oidc_record where model = $1 and id_sha256 = $2', [model, idSha256]);
  }

  async removeGrant(grantId: string): Promise<void> {
    await this.#query('delete from oidc_record where grant_id = $1', [grantId]);
  }

  async removeAccount(accountId: string): Promise<void> {
    await this.#query('delete from oidc_record where account_id = $1', [accountId]);
  }

  async grantsOf(accountId: string, nowMs: number): Promise<readonly FoundGrant[]> {
    const { rows } = await this.#query(
      `select head.grant_id as "grantId", head.payload, launch.payload as launch, held.ends_at as "endsAtMs",
              head.used_at as "usedAtMs"
       from oidc_record head
       join lateral (
         select max(expires_at) as ends_at from oidc_record
         where grant_id = head.grant_id and model = any($3) and consumed_at is null and expires_at > $2
       ) held on held.ends_at is not null
       left join oidc_record launch on launch.model = 'Launch' and launch.id_sha256 = head.grant_id
       where head.model = 'Grant' and head.account_id = $1 and head.expires_at > $2
       order by head.expires_at desc, head.grant_id limit ${GRANTS_SHOWN}`,
      [accountId, new Date(nowMs), OPENS],
    );
    return rows.map((row) => withoutNulls(row) as unknown as FoundGrant);
  }

  async noteGrantUse(grantId: string, atMs: number): Promise<void> {
    await this.#query(
      `update oidc_record set used_at = $2
       where model = 'Grant' and grant_id = $1 and (used_at is null or used_at < $2::timestamptz - interval '1 minute')`,
      [grantId, new Date(atMs)],
    );
  }

  async #one(where: string, values: readonly unknown[], nowMs: number): Promise<FoundRecord | undefined> {
    const { rows } = await this.#query(
      `select payload, consumed_at from oidc_record where ${where} and expires_at > $3`,
      [...values, new Date(nowMs)],
    );
    const row = rows[0] as { payload: string; consumed_at: number | null } | undefined;
    if (row === undefined) return undefined;
    return { payload: row.payload, ...(row.consumed_at !== null && { consumedAtMs: row.consumed_at }) };
  }

  #query(text: string, values: readonly unknown[]) {
    return failing(() => this.#pool.query(text, [...values]));
  }
}

/** What lets an app in, or brings it what does; a code just before it brought anything. */
const OPENS = ['AccessToken', 'RefreshToken', 'AuthorizationCode'];
/** More than one person can look through. */
const GRANTS_SHOWN = 200;
