import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll } from 'vitest';
import { startEmbeddedPostgres } from '../embedded/embedded-postgres.ts';
import { isAlive, stopLeftoverPostgres } from '../embedded/embedded-postgres-processes.ts';
import { type Connections, connect, type DatabaseAddress } from './connection.ts';
import { readMigrations } from './migrate.ts';
import { copyCluster, layOut, makeTestFolder, TEST_FOLDER_PREFIX, VOLATILE } from './test-cluster.ts';

/** A fresh, migrated database, for tests. */
export interface TestDatabase extends Connections {
  readonly address: DatabaseAddress;
}

/**
 * Makes one more database on this process's own PostgreSQL, started at the first call and stopped after the test file.
 * With HEALTHSYNC_TEST_DATABASE_URL it is made on that server instead; its role must be allowed to create databases.
 *
 * The first run lays out a migrated cluster and keeps it in the temporary folder; later ones copy it.
 */
export async function openTestDatabase(): Promise<TestDatabase> {
  server ??= startServer();
  const { template, strategy, admin, addressOf } = await server;
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(admin, `create database ${name} template ${template} ${strategy}`);
  const address = addressOf(name);
  if ('user' in address) await administer(admin, `alter database ${name} owner to ${address.user}`);
  const connections = connect(address, { connectionsMax: 5 });
  opened.push({ connections, drop: () => administer(admin, `drop database ${name} with (force)`) });
  return { ...connections, address };
}

/** Empties every table: quicker than another database, for a suite that wants a fresh store for each test. */
export async function emptyDatabase({ pool }: Pick<Connections, 'pool'>): Promise<void> {
  await pool.query(EMPTY);
}

/**
 * As `truncate … restart identity` of all tables, waiting for writers likewise; but that makes three new files for each
 * of eighty tables, when a test filled a handful: 150 ms of a core then, and 35 so.
 */
const EMPTY = `do $$
declare
  own text[];
  name text;
  is_filled boolean;
  filled text[] := '{}';
begin
  select array_agg(oid::regclass::text) into own from pg_class
  where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
    and relname not in ('schema_migration', 'tenant');
  execute format('lock table %s in access exclusive mode', array_to_string(own, ', '));
  foreach name in array own loop
    execute format('select exists (select from %s)', name) into is_filled;
    if is_filled then filled := filled || name; end if;
  end loop;
  if filled <> '{}' then
    execute format('truncate %s restart identity cascade', array_to_string(filled, ', '));
  end if;
  for name in
    select format('%I', sequencename) from pg_sequences where schemaname = 'public' and last_value is not null
  loop
    execute format('alter sequence %s restart', name);
  end loop;
end $$`;

/** Logins are the server's and not the database's; our own server goes with its test. */
export async function dropTenantLogins({ pool, address }: TestDatabase): Promise<void> {
  if (!('url' in address)) return;
  const { rows } = await pool.query<{ name: string }>(
    `select rolname as name from pg_roles
     where starts_with(rolname, (select left(role_name::text, 11) from tenant where id = 'default')) order by 1 desc`,
  );
  // What a role was given is taken back by who is one of it.
  for (const { name } of rows)
    await pool.query(`grant "${name}" to current_user; drop owned by "${name}"; drop role "${name}"`);
}

interface Server {
  readonly isShared: boolean;
  readonly template: string;
  /** How it is copied. */
  readonly strategy: string;
  readonly admin: DatabaseAddress;
  addressOf(database: string): DatabaseAddress;
  stop(): Promise<void>;
}

let server: Promise<Server> | undefined;
const opened: { readonly connections: Connections; drop(): Promise<void> }[] = [];

afterAll(async () => {
  if (server === undefined) return;
  const started = await server;
  server = undefined;
  for (const { connections, drop } of opened.splice(0)) {
    await connections.close();
    // Our own server's folder is removed as a whole.
    if (started.isShared) await drop();
  }
  await started.stop();
});

function startServer(): Promise<Server> {
  // biome-ignore lint/complexity/useLiteralKeys: tsc wants brackets for an index signature
  const url = process.env['HEALTHSYNC_TEST_DATABASE_URL'];
  return url === undefined || url === '' ? startEmbedded() : useServer(url);
}

async function startEmbedded(): Promise<Server> {
  await removeAbandoned();
  const folder = makeTestFolder();
  await copyCluster(folder);
  const postgres = await startEmbeddedPostgres({ dataFolder: folder, settings: VOLATILE });
  return {
    isShared: false,
    template: postgres.address.database,
    // A third of what copying through the write-ahead log takes; its checkpoints cost nothing where nothing is synced.
    strategy: 'strategy file_copy',
    admin: { ...postgres.address, user: 'postgres', database: 'postgres' },
    addressOf: (database) => ({ ...postgres.address, database }),
    async stop() {
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What test processes that were killed left behind. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(TEST_FOLDER_PREFIX))) {
    const folder = join(tmpdir(), name);
    try {
      if (isAlive(Number(readFileSync(join(folder, 'owner.pid'), 'utf8')))) continue;
    } catch {
      if (Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 600_000) continue;
    }
    await stopLeftoverPostgres(join(folder, 'postgres'));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function useServer(url: string): Promise<Server> {
  const key = createHash('sha256').update(String(readMigrations().map((m) => m.sha256)));
  const template = `healthsync_template_${key.digest('hex').slice(0, 12)}`;
  const addressOf = (database: string) => {
    const address = new URL(url);
    address.pathname = `/${database}`;
    return { url: address.href };
  };
  const admin = { url };
  if (await administer(admin, `create database ${template}`).then(() => true, isTaken)) {
    const connections = connect(addressOf(template));
    await layOut(connections);
    await connections.close();
  }
  return { isShared: true, template, strategy: '', admin, addressOf, stop: async () => undefined };
}

/** False for "exists already" (42P04); anything else is an error. */
function isTaken(error: unknown): boolean {
  if (error instanceof pg.DatabaseError && error.code === '42P04') return false;
  throw error;
}

async function administer(address: DatabaseAddress, sql: string): Promise<void> {
  const { pool, close } = connect(address, { connectionsMax: 1 });
  try {
    await pool.query(sql);
  } finally {
    await close();
  }
}
