import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DEFAULT_TENANT, type TenantId } from '../../domain/ids.ts';
import { Failure } from '../../ports/failure.ts';
import type { WrappedKey } from '../../ports/key-management.ts';
import type { ErasedKey, StoredKey, SubjectKeyStore } from '../../ports/subject-keys.ts';

/**
 * The wrapped data keys in a SQLite file of their own, beside the database and never in it. `secure_delete` overwrites
 * what is deleted with zeros, and the rollback journal is truncated: after an erasure no page of the file holds the
 * key. (What a disk keeps of overwritten sectors is the matter of its own encryption.) Several processes may have it
 * open; each write is synced before it is answered.
 */
export function openLocalSubjectKeys(path: string): SubjectKeyStore & { close(): void } {
  const db = failing(() => open(path));
  const select = db.prepare('select kek, key, tenant, erased_at as erasedAt from subject_key where subject = ?');
  const insert = db.prepare(
    'insert into subject_key (subject, tenant, kek, key, created_at) values (?, ?, ?, ?, ?) on conflict do nothing',
  );
  const update = db.prepare('update subject_key set kek = ?, key = ? where subject = ? and kek = ? and key = ?');
  const others = db.prepare('select subject, kek, key from subject_key where tenant = ? and kek <> ? limit ?');
  const bury = db.prepare(
    `insert into subject_key (subject, created_at, erased_at) values (?1, ?2, ?2)
     on conflict (subject) do update set kek = null, key = null, erased_at = coalesce(erased_at, ?2)`,
  );
  const tenants = db.prepare('select distinct tenant from subject_key where kek is not null');
  const remove = db.prepare('delete from subject_key where subject = ?');
  const erased = db.prepare('select subject from subject_key where erased_at is not null');
  const count = db.prepare('select count(key) as kept, count(erased_at) as erased from subject_key');

  function find(subject: string): StoredKey | undefined {
    const row = select.get(subject) as Row | undefined;
    if (row === undefined) return undefined;
    return row.kek === null || row.key === null
      ? erasedAt(row)
      : { kind: 'kept', key: { kek: row.kek, bytes: row.key }, tenant: row.tenant };
  }

  return {
    find: async (subject) => failing(() => find(subject)),
    putIfNone: async (subject, { key, tenant }, atMs) =>
      failing(() => {
        insert.run(subject, tenant, key.kek, key.bytes, atMs);
        return find(subject) as StoredKey;
      }),
    rewrap: async (keys) =>
      failing(() => {
        db.exec('begin immediate');
        try {
          for (const { subject, before, after } of keys)
            update.run(after.kek, after.bytes, subject, before.kek, before.bytes);
          db.exec('commit');
        } catch (error) {
          db.exec('rollback');
          throw error;
        }
      }),
    erase: async (subject, atMs) =>
      failing(() => {
        bury.run(subject, atMs);
        return find(subject) as ErasedKey;
      }),
    remove: async (subject) => failing(() => void remove.run(subject)),
    erased: async () =>
      failing(() => (erased.all() as unknown as readonly { subject: string }[]).map(({ subject }) => subject)),
    tenants: async () =>
      failing(() => (tenants.all() as unknown as readonly { tenant: TenantId }[]).map(({ tenant }) => tenant)),
    wrappedByOthers: async (tenant, kek, max) =>
      failing(() =>
        (others.all(tenant, kek, max) as unknown as readonly (WrappedRow & { readonly subject: string })[]).map(
          (row) => ({
            subject: row.subject,
            key: { kek: row.kek, bytes: row.key } satisfies WrappedKey,
          }),
        ),
      ),
    counts: async () => failing(() => ({ ...(count.get() as { kept: number; erased: number }) })),
    close: () => db.close(),
  };
}

/** Whether a copy of such a file, kept as a backup, still holds the key of a subject. Nothing of it is changed. */
export function copyHoldsKey(path: string, subject: string): boolean {
  return failing(() => {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      return db.prepare('select 1 from subject_key where subject = ? and key is not null').get(subject) !== undefined;
    } finally {
      db.close();
    }
  });
}

interface WrappedRow {
  readonly kek: string;
  readonly key: Uint8Array;
}
interface Row {
  readonly kek: string | null;
  readonly key: Uint8Array | null;
  readonly tenant: TenantId;
  readonly erasedAt: number | null;
}

const erasedAt = (row: Row): ErasedKey => ({ kind: 'erased', atMs: row.erasedAt ?? 0 });

function open(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // SQLite would make it with what the umask allows.
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const db = new DatabaseSync(path, { timeout: 5_000 });
  db.exec(`
    pragma journal_mode = truncate;
    pragma synchronous = full;
    pragma secure_delete = on;
    create table if not exists subject_key (
      subject text primary key,
      tenant text not null default '${DEFAULT_TENANT}',
      -- Both or neither: null once it was erased.
      kek text,
      key blob,
      created_at integer not null,
      erased_at integer,
      check ((kek is null) = (key is null)),
      check ((key is null) = (erased_at is not null))
    ) strict;
    create index if not exists subject_key_kek on subject_key (kek);
    create index if not exists subject_key_erased on subject_key (erased_at) where erased_at is not null;
  `);
  // Of a version that knew one organisation.
  if (!db.prepare("select 1 from pragma_table_info('subject_key') where name = 'tenant'").get())
    db.exec(`alter table subject_key add column tenant text not null default '${DEFAULT_TENANT}'`);
  return db;
}

function failing<T>(use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw new Failure('keys-unavailable', 'The store of wrapped keys cannot be used.', { retryable: true, cause });
  }
}
