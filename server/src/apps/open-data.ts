import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DataFolder, openDataFolder, ownerOf } from '../adapters/embedded/data-folder.ts';
import { findRunningDatabase } from '../adapters/embedded/embedded-postgres.ts';
import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { PostgresAlarmStore } from '../adapters/postgres/alarm-store.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresContacts } from '../adapters/postgres/contacts.ts';
import { Listener } from '../adapters/postgres/listener.ts';
import { type Database, openDatabase } from '../adapters/postgres/open-database.ts';
import { PostgresRegistry } from '../adapters/postgres/registry.ts';
import { PostgresRejectedReadings } from '../adapters/postgres/rejected-readings.ts';
import { PostgresRuleSets } from '../adapters/postgres/rule-sets.ts';
import { PostgresTenants } from '../adapters/postgres/tenants.ts';
import { PostgresTopicSubscriptions } from '../adapters/postgres/topic-subscriptions.ts';
import type { Authorities } from '../identity/authority.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { AlarmStore } from '../ports/alarm-store.ts';
import type { Contacts } from '../ports/contacts.ts';
import { Failure } from '../ports/failure.ts';
import type { Registry } from '../ports/registry.ts';
import type { RejectedReadings } from '../ports/rejected-readings.ts';
import type { RuleSets } from '../ports/rule-sets.ts';
import type { Tenants } from '../ports/tenants.ts';
import type { TopicSubscriptions } from '../ports/topic-subscriptions.ts';
import { type KeySettings, type OpenedKeys, openKeys } from './open-keys.ts';
import type { Settings } from './settings.ts';

/** An installation's data as a command sees it, whether a server runs on it or not. */
export interface OpenData {
  readonly registry: Registry;
  readonly accounts: Accounts;
  readonly rejected: RejectedReadings;
  readonly ruleSets: RuleSets;
  /** To read: what people do to alarms goes through the running server, which rings and tells. */
  readonly alarms: Pick<AlarmStore, 'list' | 'find' | 'history' | 'notes'>;
  readonly contacts: Contacts;
  readonly topics: TopicSubscriptions;
  readonly keys: OpenedKeys;
  readonly tenants: Tenants;
  /** For what a command builds itself. */
  readonly database: Connections & Pick<Database, 'address'>;
  /** Opens the authorities, or makes them where the installation has none yet. */
  authorities(): Promise<Authorities>;
}

/**
 * Opens the data for one command and closes it after. Where a server runs on the folder, its database is used, and it
 * hears of every change by the registry's own notices; where none runs, the folder is taken and the database started
 * for as long as the command lasts. `DATABASE_URL` is simply connected to.
 */
export async function withOpenData<T>(
  settings: Pick<Settings, 'databaseUrl'> & KeySettings,
  now: () => number,
  use: (data: OpenData) => Promise<T>,
): Promise<T> {
  const opened = settings.databaseUrl === undefined ? await openFolder(settings.dataFolder) : undefined;
  const database = opened?.database ?? (await openDatabase({ url: settings.databaseUrl ?? '' }, CONNECTIONS));
  // Commands change things and do not wait for changes: the listener never connects.
  const listener = new Listener(database);
  let keys: OpenedKeys | undefined;
  try {
    keys = await openKeys(settings, database, now);
    return await use({
      registry: new PostgresRegistry(database, listener, keys.identities),
      keys,
      accounts: new PostgresAccounts(database),
      rejected: new PostgresRejectedReadings(database, keys.houseSeal),
      ruleSets: new PostgresRuleSets(database),
      alarms: new PostgresAlarmStore(database, { seal: keys.seal }),
      contacts: new PostgresContacts(database),
      topics: new PostgresTopicSubscriptions(database),
      tenants: new PostgresTenants(database, database.address),
      database,
      // What makes certificates is loaded for those who ask for it.
      async authorities() {
        const { openAuthorities } = await import('../identity/authority.ts');
        return await openAuthorities({ folder: join(settings.dataFolder, 'pki'), now });
      },
    });
  } finally {
    await keys?.close();
    await database.close();
    opened?.release();
  }
}

/** A command works on one thing after another; simulated fleets on a few at once. */
const CONNECTIONS = { connectionsMax: 8 };

interface OpenedFolder {
  readonly database: Database;
  release(): void;
}

/** How long another command, or a server that is just starting or stopping, is waited for. */
const PATIENCE_MS = 60_000;

async function openFolder(path: string): Promise<OpenedFolder> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await takeFolder(await openDataFolder(path, { waitMs: 0 }));
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'data-folder-in-use') throw error;
      const running = isHeldByCommand(path) ? undefined : findRunningDatabase(path);
      if (running !== undefined)
        return { database: await openDatabase(running, CONNECTIONS), release: () => undefined };
      if (performance.now() > deadline) throw error;
    }
    await sleep(100);
  }
}

async function takeFolder(folder: DataFolder): Promise<OpenedFolder> {
  const marker = join(folder.path, COMMAND_FILE);
  const release = () => {
    rmSync(marker, { force: true });
    folder.close();
  };
  try {
    writeFileSync(marker, `${process.pid}\n`, { mode: 0o600 });
    return { database: await openDatabase({ dataFolder: folder.path }, CONNECTIONS), release };
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * Names the command that has the folder. Its database ends with it, so that others wait for their turn instead of
 * joining in.
 */
const COMMAND_FILE = 'lock.command';

function isHeldByCommand(path: string): boolean {
  const owner = ownerOf(path);
  return owner !== undefined && owner === readPid(join(path, COMMAND_FILE));
}

function readPid(path: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10);
  } catch {
    return undefined;
  }
}
