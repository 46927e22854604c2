import type { TenantId } from '../../domain/ids.ts';
import { Failure } from '../../ports/failure.ts';
import type { WrappedKey } from '../../ports/key-management.ts';
import type { ErasedKey, StoredKey, SubjectKeyStore } from '../../ports/subject-keys.ts';
import type { Connections } from './connection.ts';
import { inTransaction } from './transaction.ts';

/**
 * The wrapped data keys in PostgreSQL, for several servers. After an erasure the table is rewritten, so that no page of it
 * holds the key; write-ahead log and backups of this database do until they are gone, which is why it may be another
 * database than the one the keys open (`HEALTHSYNC_KEY_STORE_URL`).
 */
export function postgresSubjectKeys({ pool }: Pick<Connections, 'pool'>): SubjectKeyStore {
  async function find(subject: string): Promise<StoredKey | undefined> {
    const { rows } = await pool.query<Row>(
      'select kek, key, tenant_id as tenant, erased_at as "erasedAtMs" from subject_key where subject = $1',
      [subject],
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    return row.kek === null || row.key === null
      ? { kind: 'erased', atMs: row.erasedAtMs ?? 0 }
      : { kind: 'kept', key: { kek: row.kek, bytes: row.key }, tenant: row.tenant };
  }

  /** Needs the owner of the table; where we are not, its pages pass with the next vacuum. */
  const rewrite = () => pool.query('vacuum (full) subject_key').catch(() => undefined);

  return {
    find: (subject) => failing(() => find(subject)),
    putIfNone: (subject, { key, tenant }, atMs) =>
      failing(async () => {
        await pool.query(
          `insert into subject_key (subject, tenant_id, kek, key, created_at) values ($1, $2, $3, $4, $5)
           on conflict do nothing`,
          [subject, tenant, key.kek, key.bytes, new Date(atMs)],
        );
        return (await find(subject)) as StoredKey;
      }),
    rewrap: (keys) =>
      failing(() =>
        inTransaction(pool, async (client) => {
          for (const { subject, before, after } of keys)
            await client.query(
              'update subject_key set kek = $2, key = $3 where subject = $1 and kek = $4 and key = $5',
              [subject, after.kek, after.bytes, before.kek, before.bytes],
            );
        }),
      ),
    erase: (subject, atMs) =>
      failing(async () => {
        await pool.query(
          `insert into subject_key (subject, created_at, erased_at) values ($1, $2, $2)
           on conflict (subject) do update
           set kek = null, key = null, erased_at = coalesce(subject_key.erased_at, excluded.erased_at)`,
          [subject, new Date(atMs)],
        );
        await rewrite();
        return (await find(subject)) as ErasedKey;
      }),
    remove: (subject) =>
      failing(async () => {
        await pool.query('delete from subject_key where subject = $1', [subject]);
        await rewrite();
      }),
    erased: () =>
      failing(async () => {
        const { rows } = await pool.query<{ subject: string }>(
          'select subject from subject_key where erased_at is not null',
        );
        return rows.map(({ subject }) => subject);
      }),
    tenants: () =>
      failing(async () => {
        const { rows } = await pool.query<{ tenant: TenantId }>(
          'select distinct tenant_id as tenant from subject_key where kek is not null',
        );
        return rows.map(({ tenant }) => tenant);
      }),
    wrappedByOthers: (tenant, kek, max) =>
      failing(async () => {
        const { rows } = await pool.query<{ subject: string; kek: string; key: Buffer }>(
          'select subject, kek, key from subject_key where tenant_id = $1 and kek <> $2 order by subject limit $3',
          [tenant, kek, max],
        );
        return rows.map((row) => ({
          subject: row.subject,
          key: { kek: row.kek, bytes: row.key } satisfies WrappedKey,
        }));
      }),
    counts: () =>
      failing(async () => {
        const { rows } = await pool.query<{ kept: number; erased: number }>(
          'select count(key)::int as kept, count(erased_at)::int as erased from subject_key',
        );
        return rows[0] ?? { kept: 0, erased: 0 };
      }),
  };
}

interface Row {
  readonly kek: string | null;
  readonly key: Buffer | null;
  readonly tenant: TenantId;
  readonly erasedAtMs: number | null;
}

async function failing<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (cause) {
    throw new Failure('keys-unavailable', 'The store of wrapped keys cannot be reached.', { retryable: true, cause });
  }
}
