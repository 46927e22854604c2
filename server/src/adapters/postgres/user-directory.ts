import type pg from 'pg';
import type { UserId } from '../../domain/ids.ts';
import type {
  ChangeUserOutcome,
  DirectoryGroup,
  GroupChange,
  GroupQuery,
  NewUserRecord,
  UserChange,
  UserDirectory,
  UserQuery,
  UserRecord,
} from '../../ports/user-directory.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';
import { withoutNulls } from './without-nulls.ts';

/** Accounts and the directory's groups in PostgreSQL. */
export class PostgresUserDirectory implements UserDirectory {
  readonly #pool: Connections['pool'];

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async find(id: UserId): Promise<UserRecord | undefined> {
    const { rows } = await this.#query(`${USER} where id = $1`, [id]);
    return rows[0] && userOf(rows[0]);
  }

  async list({ tenantId, source, by, words, within, offset, limit }: UserQuery) {
    const where = `where ($1::text is null or tenant_id = $1) and ($2::text is null or ${COLUMNS[by?.field ?? 'id']} = $2)
      and ($3::text is null or (source = $3 and profile->'isRemoved' is null))
      and ($4::text[] is null or (ward_ids <> '{}' and ward_ids <@ $4::text[]))
      and not exists (select from unnest($5::text[]) as word where strpos(${SEARCHED}, lower(word)) = 0)`;
    const values = [tenantId, by?.value, source, within, words];
    const [{ rows }, count] = await Promise.all([
      this.#query(`${USER} ${where} order by name limit $6 offset $7`, [...values, limit, offset]),
      this.#query(`select count(*) as total from app_user ${where}`, values),
    ]);
    return { total: Number((count.rows[0] as { total: number }).total), users: rows.map(userOf) };
  }

  async add(user: NewUserRecord): ReturnType<UserDirectory['add']> {
    const { rowCount } = await this.#query(
      `insert into app_user
         (id, name, display_name, roles, ward_ids, disabled_at, tenant_id, source, external_id, profile)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (name) do nothing`,
      [
        user.id,
        user.name,
        user.displayName,
        user.roles,
        user.wardIds,
        user.disabledAtMs === undefined ? null : new Date(user.disabledAtMs),
        user.tenantId,
        user.source,
        user.externalId,
        JSON.stringify(user.profile),
      ],
    );
    if (rowCount === 0) return { kind: 'taken' };
    return { kind: 'added', user: (await this.find(user.id)) as UserRecord };
  }

  async change(id: UserId, change: UserChange, revision?: number): Promise<ChangeUserOutcome> {
    const sets = assignmentsOf(change);
    if (sets.length === 0) return this.#unchanged(id, revision);
    try {
      const { rowCount } = await failing(() =>
        this.#pool.query(
          `update app_user set ${sets.map(([column], index) => `${column} = $${index + 3}`).join(', ')}
           where id = $1 and ($2::int is null or revision = $2)`,
          [id, revision, ...sets.map(([, value]) => value)],
        ),
      );
      return rowCount === 1 ? { kind: 'changed', user: (await this.find(id)) as UserRecord } : this.#missed(id);
    } catch (error) {
      if (isTakenName(error)) return { kind: 'taken' };
      throw error;
    }
  }

  async findFederated(issuer: string, subject: string): Promise<UserRecord | undefined> {
    const { rows } = await this.#query(
      `${USER} where id = (select user_id from federated_identity where issuer = $1 and subject = $2)`,
      [issuer, subject],
    );
    return rows[0] && userOf(rows[0]);
  }

  async link({ issuer, subject, userId }: Parameters<UserDirectory['link']>[0]): Promise<void> {
    await this.#query(
      'insert into federated_identity (issuer, subject, user_id) values ($1, $2, $3) on conflict do nothing',
      [issuer, subject, userId],
    );
  }

  async putInvitation({ sha256, userId, expiresAtMs }: Parameters<UserDirectory['putInvitation']>[0]): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      await client.query('delete from invitation where user_id = $1', [userId]);
      await client.query('insert into invitation (sha256, user_id, expires_at) values ($1, $2, $3)', [
        sha256,
        userId,
        new Date(expiresAtMs),
      ]);
    });
  }

  async claimInvitation(sha256: string, nowMs: number): Promise<UserRecord | undefined> {
    const { rows } = await this.#query(
      `with claimed as (
         update invitation set used_at = $2 where sha256 = $1 and used_at is null and expires_at > $2 returning user_id
       ) ${USER} where id = (select user_id from claimed) and (disabled_at is null or disabled_at > $2)`,
      [sha256, new Date(nowMs)],
    );
    return rows[0] && userOf(rows[0]);
  }

  async groups({ by, offset, limit }: GroupQuery) {
    const where = `where $1::text is null or g.${GROUP_COLUMNS[by?.field ?? 'id']} = $1`;
    const [{ rows }, count] = await Promise.all([
      this.#query(`${GROUP} ${where} order by g.display_name limit $2 offset $3`, [by?.value, limit, offset]),
      this.#query(`select count(*) as total from directory_group g ${where}`, [by?.value]),
    ]);
    return { total: Number((count.rows[0] as { total: number }).total), groups: rows.map(groupOf) };
  }

  async findGroup(id: string): Promise<DirectoryGroup | undefined> {
    const { rows } = await this.#query(`${GROUP} where g.id = $1`, [id]);
    return rows[0] && groupOf(rows[0]);
  }

  async addGroup({ id, displayName, externalId, atMs }: Parameters<UserDirectory['addGroup']>[0]) {
    const { rowCount } = await this.#query(
      `insert into directory_group (id, display_name, external_id, created_at, changed_at) values ($1, $2, $3, $4, $4)
       on conflict (tenant_id, display_name) do nothing`,
      [id, displayName, externalId, new Date(atMs)],
    );
    return rowCount === 1 ? 'added' : 'taken';
  }

  async changeGroup(id: string, change: GroupChange, revision?: number): ReturnType<UserDirectory['changeGroup']> {
    try {
      return await inTransaction(this.#pool, (client) => changeGroup(client, id, change, revision));
    } catch (error) {
      if (isTakenName(error)) return 'taken';
      throw error;
    }
  }

  async removeGroup(id: string): Promise<boolean> {
    return (await this.#query('delete from directory_group where id = $1', [id])).rowCount === 1;
  }

  async groupsOf(userId: UserId): ReturnType<UserDirectory['groupsOf']> {
    const { rows } = await this.#query(
      `select g.id, g.display_name as "displayName" from directory_group g
       join directory_member m on m.group_id = g.id where m.user_id = $1 order by g.display_name`,
      [userId],
    );
    return rows as unknown as Awaited<ReturnType<UserDirectory['groupsOf']>>;
  }

  async #unchanged(id: UserId, revision: number | undefined): Promise<ChangeUserOutcome> {
    const user = await this.find(id);
    if (user === undefined) return { kind: 'not-found' };
    return revision === undefined || user.revision === revision ? { kind: 'changed', user } : { kind: 'stale' };
  }

  async #missed(id: UserId): Promise<ChangeUserOutcome> {
    return { kind: (await this.find(id)) === undefined ? 'not-found' : 'stale' };
  }

  #query(text: string, values: readonly unknown[]) {
    return failing(() => this.#pool.query<Record<string, unknown>>(text, [...values]));
  }
}

async function changeGroup(
  client: pg.PoolClient,
  id: string,
  { displayName, externalId, add = [], remove = [], replace, atMs }: GroupChange,
  revision: number | undefined,
): ReturnType<UserDirectory['changeGroup']> {
  const { rowCount } = await client.query(
    `update directory_group set revision = revision + 1, changed_at = $3,
       display_name = coalesce($4, display_name), external_id = coalesce($5, external_id)
     where id = $1 and ($2::int is null or revision = $2)`,
    [id, revision, new Date(atMs), displayName, externalId],
  );
  if (rowCount === 0) {
    const found = await client.query('select 1 from directory_group where id = $1', [id]);
    return found.rowCount === 0 ? 'not-found' : 'stale';
  }
  if (replace !== undefined) await client.query('delete from directory_member where group_id = $1', [id]);
  if (remove.length > 0)
    await client.query('delete from directory_member where group_id = $1 and user_id = any($2)', [id, remove]);
  await client.query(
    `insert into directory_member (group_id, user_id)
     select $1, id from app_user where id = any($2) on conflict do nothing`,
    [id, [...(replace ?? []), ...add]],
  );
  return 'changed';
}

function assignmentsOf(change: UserChange): readonly (readonly [column: string, value: unknown])[] {
  const { name, displayName, roles, wardIds, disabledAtMs, source, externalId, profile } = change;
  return [
    ['name', name] as const,
    ['display_name', displayName] as const,
    ['roles', roles] as const,
    ['ward_ids', wardIds] as const,
    ['disabled_at', typeof disabledAtMs === 'number' ? new Date(disabledAtMs) : disabledAtMs] as const,
    ['source', source] as const,
    ['external_id', externalId] as const,
    ['profile', profile === undefined ? undefined : JSON.stringify(profile)] as const,
  ].filter(([, value]) => value !== undefined);
}

/** 23505 of the name: the only unique thing a change can meet. */
function isTakenName(error: unknown): boolean {
  const { cause } = error as { readonly cause?: unknown };
  return cause instanceof Error && cause.message.startsWith('SQLSTATE 23505');
}

/** Read through as a whole: a house has thousands of accounts, not millions. */
const SEARCHED = `lower(concat_ws(' ', name, display_name, array_to_string(roles, ' '),
  replace(array_to_string(roles, ' '), '-', ' '), array_to_string(ward_ids, ' ')))`;
const COLUMNS = { id: 'id', name: 'name', externalId: 'external_id' } as const;
const GROUP_COLUMNS = { id: 'id', displayName: 'display_name', externalId: 'external_id' } as const;

const USER = `
  select id, name, display_name as "displayName", roles, ward_ids as "wardIds", disabled_at as "disabledAtMs",
         tenant_id as "tenantId", source, external_id as "externalId", profile, revision, created_at as "createdAtMs",
         changed_at as "changedAtMs", has_password as "hasPassword"
  from app_user`;

const GROUP = `
  select g.id, g.display_name as "displayName", g.external_id as "externalId", g.revision,
         g.created_at as "createdAtMs", g.changed_at as "changedAtMs",
         coalesce((select jsonb_agg(jsonb_build_object('id', u.id, 'displayName', u.display_name) order by u.name)
                   from directory_member m join app_user u on u.id = m.user_id where m.group_id = g.id), '[]') as members
  from directory_group g`;

const userOf = (row: object): UserRecord => withoutNulls(row) as unknown as UserRecord;
const groupOf = (row: object): DirectoryGroup => withoutNulls(row) as unknown as DirectoryGroup;
