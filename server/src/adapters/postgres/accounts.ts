import { type Kysely, sql } from 'kysely';
import { DEFAULT_TENANT, type UserId } from '../../domain/ids.ts';
import type { Accounts, StoredToken, TokenProof, User } from '../../ports/accounts.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { moment, type Schema } from './schema.ts';
import { withoutNulls } from './without-nulls.ts';

/** Users and their tokens in PostgreSQL. */
export class PostgresAccounts implements Accounts {
  readonly #kysely: Kysely<Schema>;

  constructor({ kysely }: Pick<Connections, 'kysely'>) {
    this.#kysely = kysely;
  }

  /** Without a hash, a password that is already there stays. */
  async putUser(user: Parameters<Accounts['putUser']>[0]): Promise<void> {
    const row = {
      name: user.name,
      display_name: user.displayName,
      roles: [...user.roles],
      ward_ids: [...user.wardIds],
      disabled_at: user.disabledAtMs === undefined ? null : new Date(user.disabledAtMs),
      tenant_id: user.tenantId ?? DEFAULT_TENANT,
    };
    const password = user.passwordHash === undefined ? {} : { password_hash: user.passwordHash };
    await failing(() =>
      this.#kysely
        .insertInto('app_user')
        .values({ id: user.id, ...row, ...password })
        .onConflict((on) => on.column('id').doUpdateSet({ ...row, ...password }))
        .execute(),
    );
  }

  async putPassword(userId: UserId, passwordHash: string): Promise<boolean> {
    const [result] = await failing(() =>
      this.#kysely
        .updateTable('app_user')
        .set({ password_hash: passwordHash })
        .where('id', '=', userId)
        .where('disabled_at', 'is', null)
        .execute(),
    );
    return result?.numUpdatedRows === 1n;
  }

  async findUser(name: string): ReturnType<Accounts['findUser']> {
    const row = await failing(() =>
      selectUsers(this.#kysely).select('password_hash as passwordHash').where('name', '=', name).executeTakeFirst(),
    );
    return row === undefined ? undefined : (userOf(row) as Awaited<ReturnType<Accounts['findUser']>>);
  }

  async findUserById(id: UserId): Promise<User | undefined> {
    const row = await failing(() => selectUsers(this.#kysely).where('app_user.id', '=', id).executeTakeFirst());
    return row && userOf(row);
  }

  async users(): Promise<readonly User[]> {
    const rows = await failing(() => selectUsers(this.#kysely).orderBy('name').execute());
    return rows.map(userOf);
  }

  async disable(name: string, atMs: number): Promise<boolean> {
    const [result] = await failing(() =>
      this.#kysely
        .updateTable('app_user')
        .set({ disabled_at: new Date(atMs) })
        .where('name', '=', name)
        .where('disabled_at', 'is', null)
        .execute(),
    );
    return result?.numUpdatedRows === 1n;
  }

  async addToken(token: StoredToken): Promise<void> {
    await failing(async () => {
      await this.#kysely
        .insertInto('access_token')
        .values({
          sha256: token.sha256,
          kind: token.kind,
          user_id: token.userId,
          created_at: new Date(token.createdAtMs),
          idle_expires_at: new Date(token.idleExpiresAtMs),
          expires_at: new Date(token.expiresAtMs),
          ...proofRow(token),
          scopes: token.scopes === undefined ? null : [...token.scopes],
          label: token.label ?? null,
        })
        .execute();
      // The table stays as small as the number of people signed in: whoever signs in sweeps up a few that are long gone.
      await sql`
        delete from access_token where sha256 in (
          select sha256 from access_token where expires_at < ${moment(token.createdAtMs - SWEEP_AFTER_MS)} limit 100
        )`.execute(this.#kysely);
    });
  }

  async findToken(sha256: string, nowMs: number): ReturnType<Accounts['findToken']> {
    const now = moment(nowMs);
    const row = await failing(() =>
      selectUsers(this.#kysely)
        .innerJoin('access_token', 'access_token.user_id', 'app_user.id')
        .select(TOKEN)
        .where('sha256', '=', sha256)
        .where('revoked_at', 'is', null)
        .where('idle_expires_at', '>', now)
        .where('expires_at', '>', now)
        .where((eb) => eb.or([eb('disabled_at', 'is', null), eb('disabled_at', '>', now)]))
        .executeTakeFirst(),
    );
    if (row === undefined) return undefined;
    const { id, name, displayName, roles, wardIds, disabledAtMs, tenantId, ...token } = row;
    const user = userOf({ id, name, displayName, roles, wardIds, disabledAtMs, tenantId });
    return { token: withoutNulls(token) as unknown as StoredToken, user };
  }

  async touchToken(
    sha256: string,
    { idleExpiresAtMs, usedAtMs }: Parameters<Accounts['touchToken']>[1],
  ): Promise<void> {
    await failing(() =>
      this.#kysely
        .updateTable('access_token')
        // Two requests at once: the later expiry stands.
        .set({
          idle_expires_at: sql<Date>`greatest(idle_expires_at, ${moment(idleExpiresAtMs)})`,
          last_used_at: new Date(usedAtMs),
        })
        .where('sha256', '=', sha256)
        .execute(),
    );
  }

  async revokeToken(sha256: string, atMs: number): Promise<void> {
    await failing(() =>
      this.#kysely
        .updateTable('access_token')
        .set({ revoked_at: new Date(atMs) })
        .where('sha256', '=', sha256)
        .where('revoked_at', 'is', null)
        .execute(),
    );
  }

  async putProof(sha256: string, proof: TokenProof): Promise<void> {
    await failing(() =>
      this.#kysely.updateTable('access_token').set(proofRow(proof)).where('sha256', '=', sha256).execute(),
    );
  }

  async tokensOf(userId: UserId, nowMs: number): Promise<readonly StoredToken[]> {
    const now = moment(nowMs);
    const rows = await failing(() =>
      this.#kysely
        .selectFrom('access_token')
        .select(TOKEN)
        .where('user_id', '=', userId)
        .where('revoked_at', 'is', null)
        .where('idle_expires_at', '>', now)
        .where('expires_at', '>', now)
        .orderBy('created_at', 'desc')
        .limit(TOKENS_SHOWN)
        .execute(),
    );
    return rows.map((row) => withoutNulls(row) as unknown as StoredToken);
  }

  async apiKeys({ tenantId, nowMs }: Parameters<Accounts['apiKeys']>[0]): ReturnType<Accounts['apiKeys']> {
    const now = moment(nowMs);
    const rows = await failing(() =>
      selectUsers(this.#kysely)
        .innerJoin('access_token', 'access_token.user_id', 'app_user.id')
        .select(TOKEN)
        .where('app_user.tenant_id', '=', tenantId)
        .where('kind', '=', 'api')
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', now)
        .orderBy('access_token.created_at', 'desc')
        .limit(KEYS_SHOWN)
        .execute(),
    );
    return rows.map(({ id, name, displayName, roles, wardIds, disabledAtMs, tenantId: tenant, ...token }) => ({
      token: withoutNulls(token) as unknown as StoredToken,
      owner: userOf({ id, name, displayName, roles, wardIds, disabledAtMs, tenantId: tenant }),
    }));
  }

  async keysEnding({ days, nowMs }: Parameters<Accounts['keysEnding']>[0]): ReturnType<Accounts['keysEnding']> {
    const now = moment(nowMs);
    const rows = await failing(() =>
      this.#kysely
        .selectFrom('access_token')
        .innerJoin('app_user', 'app_user.id', 'access_token.user_id')
        .select(TOKEN)
        .where('kind', '=', 'api')
        .where('revoked_at', 'is', null)
        .where('disabled_at', 'is', null)
        .where('expires_at', '>', now)
        .where('expires_at', '<=', moment(nowMs + days * DAY_MS))
        .where(sql<boolean>`expires_at - access_token.created_at >= make_interval(hours => ${2 * days * 24})`)
        .where((eb) => eb.or([eb('told_ending_days', 'is', null), eb('told_ending_days', '>', days)]))
        .orderBy('expires_at')
        .limit(KEYS_SHOWN)
        .execute(),
    );
    return rows.map((row) => withoutNulls(row) as unknown as StoredToken);
  }

  async noteEndTold(sha256: string, days: number): Promise<void> {
    await failing(() =>
      this.#kysely.updateTable('access_token').set({ told_ending_days: days }).where('sha256', '=', sha256).execute(),
    );
  }

  async revokeTokensOf({ userId, kind, atMs }: Parameters<Accounts['revokeTokensOf']>[0]): Promise<number> {
    const all = this.#kysely
      .updateTable('access_token')
      .set({ revoked_at: new Date(atMs) })
      .where('user_id', '=', userId)
      .where('revoked_at', 'is', null);
    const [result] = await failing(() => (kind === undefined ? all : all.where('kind', '=', kind)).execute());
    return Number(result?.numUpdatedRows ?? 0);
  }

  async claimSetup(sha256: string, nowMs: number): Promise<boolean> {
    const [result] = await failing(() =>
      this.#kysely
        .updateTable('setup_code')
        .set({ claimed_at: new Date(nowMs) })
        .where('sha256', '=', sha256)
        .where('claimed_at', 'is', null)
        .where('expires_at', '>', moment(nowMs))
        .where((eb) =>
          eb.not(eb.exists(eb.selectFrom('app_user').select('app_user.id').where('password_hash', 'is not', null))),
        )
        .execute(),
    );
    return result?.numUpdatedRows === 1n;
  }

  /** There is one link at a time: a new one makes those before it worthless. */
  async putSetup(sha256: string, expiresAtMs: number): Promise<void> {
    await failing(() =>
      this.#kysely.transaction().execute(async (db) => {
        await db.deleteFrom('setup_code').execute();
        await db
          .insertInto('setup_code')
          .values({ sha256, expires_at: new Date(expiresAtMs) })
          .execute();
      }),
    );
  }

  async hasUsers(): Promise<boolean> {
    const withPassword = this.#kysely
      .selectFrom('app_user')
      .select('id')
      .where('password_hash', 'is not', null)
      .limit(1);
    const row = await failing(() => withPassword.executeTakeFirst());
    return row !== undefined;
  }
}

const DAY_MS = 86_400_000;
/** Kept for a while after its end, for whoever asks who was signed in when. */
const SWEEP_AFTER_MS = 30 * DAY_MS;
/** More sessions and keys than one person can look through. */
const TOKENS_SHOWN = 200;
/** Of a whole house: more than anybody looks through, and few enough for one answer. */
const KEYS_SHOWN = 1_000;

const TOKEN = [
  'access_token.sha256',
  'access_token.kind',
  'access_token.user_id as userId',
  'access_token.created_at as createdAtMs',
  'access_token.idle_expires_at as idleExpiresAtMs',
  'access_token.expires_at as expiresAtMs',
  'access_token.authenticated_at as authenticatedAtMs',
  'access_token.factors',
  'access_token.mfa_at as mfaAtMs',
  'access_token.scopes',
  'access_token.label',
  'access_token.last_used_at as lastUsedAtMs',
] as const;

function proofRow({ authenticatedAtMs, factors, mfaAtMs }: Partial<TokenProof>) {
  return {
    authenticated_at: authenticatedAtMs === undefined ? null : new Date(authenticatedAtMs),
    factors: factors === undefined ? null : [...factors],
    mfa_at: mfaAtMs === undefined ? null : new Date(mfaAtMs),
  };
}

/** The installation's own organisation is left out: it is what everything belongs to unless it says otherwise. */
function userOf<Row extends { readonly tenantId: string }>({ tenantId, ...row }: Row): User {
  const user = withoutNulls(row) as unknown as User;
  return tenantId === DEFAULT_TENANT ? user : { ...user, tenantId: tenantId as NonNullable<User['tenantId']> };
}

function selectUsers(db: Kysely<Schema>) {
  return db
    .selectFrom('app_user')
    .select([
      'app_user.id',
      'name',
      'display_name as displayName',
      'roles',
      'ward_ids as wardIds',
      'disabled_at as disabledAtMs',
      'app_user.tenant_id as tenantId',
    ]);
}
