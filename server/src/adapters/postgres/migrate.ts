import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import type { AuditEntry } from '../../domain/audit-entry.ts';
import { Failure } from '../../ports/failure.ts';
import { failing } from './database-failure.ts';

/**
 * Brings the database to this program's tables: every numbered file in `migrations/` that was not applied yet, each in a
 * transaction of its own, recorded with its checksum. Processes that start together wait for each other.
 *
 * Rejects with `Failure` `database-rejected` where the database belongs to a newer program, or where a file that was
 * applied has been edited since.
 */
export async function migrate(pool: pg.Pool): Promise<void> {
  await failing(async () => {
    const client = await pool.connect();
    try {
      await requireVersion(client);
      await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]);
      try {
        await applyMissing(client, readMigrations());
      } finally {
        await client.query('select pg_advisory_unlock($1)', [ADVISORY_LOCK]).catch(() => undefined);
      }
    } finally {
      client.release();
    }
  });
}

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

/** In order. A number may be missing, for branches that grow side by side: it is applied when it comes. */
export function readMigrations(): readonly Migration[] {
  const seen = new Set<number>();
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => {
      const number = Number.parseInt(name, 10);
      if (!/^\d{4}-/.test(name) || seen.has(number)) throw new Error(`migration ${name} has no number of its own`);
      seen.add(number);
      const sql = readFileSync(new URL(name, FOLDER_URL), 'utf8');
      return { number, name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    });
}

const FOLDER_URL = new URL('./migrations/', import.meta.url);
const FOLDER = fileURLToPath(FOLDER_URL);
/** Any number of our own; the same in every version. */
const ADVISORY_LOCK = 4_840_115;
const OLDEST_VERSION = 150_000;

async function requireVersion(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  );
  if ((rows[0]?.version ?? 0) < OLDEST_VERSION) throw refused('HealthSync needs PostgreSQL 15 or newer.');
}

async function applyMissing(client: pg.PoolClient, migrations: readonly Migration[]): Promise<void> {
  await client.query(`
    create table if not exists schema_migration (
      number integer primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now()
    )`);
  const { rows } = await client.query<{ number: number; sha256: string }>(
    'select number, sha256 from schema_migration order by number',
  );
  const applied = new Set(rows.map(({ number }) => number));
  for (const { number, sha256 } of rows) {
    const ours = migrations.find((migration) => migration.number === number);
    if (ours === undefined) throw refused('The database was made by a newer version of HealthSync.');
    if (ours.sha256 !== sha256) throw refused(`The migration ${ours.name} was changed after it had been applied.`);
  }
  for (const migration of migrations.filter(({ number }) => !applied.has(number))) await apply(client, migration);
}

async function apply(client: pg.PoolClient, { number, name, sql, sha256 }: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(sql);
    await client.query('insert into schema_migration (number, name, sha256) values ($1, $2, $3)', [
      number,
      name,
      sha256,
    ]);
    if (number >= AUDIT_SINCE)
      // Not `leaveForAudit`: it is written for the tables as they are in the end.
      await client.query('insert into audit_pending (entry) values ($1)', [
        JSON.stringify(migrationEntry({ number, name, sha256 })),
      ]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** Before it there is no table to leave an entry in. */
const AUDIT_SINCE = 15;

function migrationEntry({ number, name, sha256 }: Omit<Migration, 'sql'>): AuditEntry {
  return {
    atMs: Date.now(),
    actor: { kind: 'system', name: 'migrations' },
    outcome: 'allowed',
    action: 'database.migrate',
    resource: { kind: 'migration', id: String(number) },
    correlationId: sha256.slice(0, 32),
    detail: { name, sha256 },
  };
}

function refused(message: string): Failure {
  return new Failure('database-rejected', message, { retryable: false });
}
