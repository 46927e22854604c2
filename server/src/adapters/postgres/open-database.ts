import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from '../embedded/embedded-postgres.ts';
import { type Connections, connect, type DatabaseAddress } from './connection.ts';
import { migrate } from './migrate.ts';

/** The database of this process: connected, with the tables of this version. */
export interface Database extends Connections {
  readonly address: DatabaseAddress;
  /** Of the embedded server; undefined where the database is somebody else's. */
  postgresPid(): number | undefined;
  /** Closes the connections, then stops the embedded server if it was started here. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the database behind an address, or starts the embedded one on an open data folder. Rejects with `Failure`
 * `database-unavailable` or `database-rejected`; nothing is left running then.
 */
export async function openDatabase(
  where: DatabaseAddress | EmbeddedPostgresOptions,
  options: Parameters<typeof connect>[1] = {},
): Promise<Database> {
  const embedded = 'dataFolder' in where ? await startEmbeddedPostgres(where) : undefined;
  const address = 'dataFolder' in where ? undefined : where;
  const reached = embedded?.address ?? address;
  if (reached === undefined) throw new TypeError('neither an address nor a data folder');
  const connections = connect(reached, options);
  const close = async () => {
    await connections.close();
    await embedded?.stop();
  };
  try {
    await migrate(connections.pool);
  } catch (error) {
    await close();
    throw error;
  }
  return { ...connections, address: reached, postgresPid: () => embedded?.pid(), close };
}
