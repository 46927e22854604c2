import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Failure } from '../../ports/failure.ts';
import { choosePostgresAccount, type PostgresAccount } from './embedded-postgres-account.ts';
import { findPostgresBinaries, type PostgresBinaries } from './embedded-postgres-binaries.ts';
import { isAlive, readPostmasterFile, stopLeftoverPostgres } from './embedded-postgres-processes.ts';
import { postgresSettings } from './embedded-postgres-settings.ts';

/** Where a PostgreSQL on this machine answers: a unix socket, and who we are there. */
export interface SocketAddress {
  /** The folder of the socket, which `pg` takes as host. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

export interface EmbeddedPostgres {
  readonly address: SocketAddress;
  /** Of the postmaster now; it changes when PostgreSQL had to be started again. */
  pid(): number | undefined;
  /** Stops it in an orderly way, within a bound. Idempotent. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** An open data folder (`openDataFolder`): its lock is what makes it safe to end a leftover server. */
  readonly dataFolder: string;
  /** Lines of PostgreSQL's own log, without errors of statements: they may quote what was sent. */
  readonly onLog?: (line: string) => void;
  /** PostgreSQL ended without being asked and is being started again. */
  readonly onRestart?: (attempt: number) => void;
  /** Settings over ours, for tests. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * Starts the PostgreSQL that came with npm on `<dataFolder>/postgres`, makes the cluster and our database where they are
 * missing, and keeps it running: should it end, it is started again with growing pauses, and pools reconnect.
 *
 * Rejects with `Failure` `database-unavailable`.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32') throw unavailable('unix sockets with peer authentication do not exist on Windows');
  const folders = foldersOf(options.dataFolder);
  const binaries = findPostgresBinaries(folders.libraries);
  const account = choosePostgresAccount([binaries.postgres, options.dataFolder]);
  await stopLeftoverPostgres(folders.cluster);
  if (!existsSync(folders.cluster)) await createCluster(folders, binaries, account);
  writeAuthentication(folders.cluster, account);
  const socketFolder = makeSocketFolder(folders.socket, account);
  const postgres = supervise({ ...options, cluster: folders.cluster, socketFolder, binaries, account });
  try {
    await postgres.start();
    await createDatabase(socketFolder);
  } catch (error) {
    await postgres.stop();
    throw error;
  }
  return { address: addressAt(socketFolder), pid: postgres.pid, stop: postgres.stop };
}

/**
 * The database of the server that has this data folder open, for a command-line tool beside it. Undefined where none
 * runs or it is not ready yet.
 */
export function findRunningDatabase(dataFolder: string): SocketAddress | undefined {
  if (!existsSync(dataFolder)) return undefined;
  const running = readPostmasterFile(foldersOf(dataFolder).cluster);
  if (running === undefined || !running.isReady || !isAlive(running.pid)) return undefined;
  const address = { ...addressAt(running.socketFolder), port: running.port };
  return existsSync(join(address.host, `.s.PGSQL.${address.port}`)) ? address : undefined;
}

/** A node program may be started again and again by its service manager; a database that cannot start must not spin. */
const RESTART_PAUSE_MS = { first: 100, max: 5_000 };
/** Recovery after a crash replays at most `max_wal_size`. */
const START_PATIENCE_MS = 120_000;
const STOP_PATIENCE_MS = 15_000;
/** sockaddr_un.sun_path holds 108 bytes, 104 on macOS, with the closing zero. */
const SOCKET_PATH_MAX_BYTES = 103;
const PORT = 5432;
const DATABASE = 'healthsync';
const SUPERUSER = 'postgres';

const addressAt = (host: string): SocketAddress => ({ host, port: PORT, user: DATABASE, database: DATABASE });

function foldersOf(dataFolder: string) {
  const real = realpathSync(dataFolder);
  return {
    cluster: join(real, 'postgres'),
    socket: join(real, 'postgres-socket'),
    libraries: join(real, 'postgres-libraries'),
  };
}

type Folders = ReturnType<typeof foldersOf>;

/** Made beside its place and renamed, so that a crash on the way leaves no half cluster. */
async function createCluster(folders: Folders, binaries: PostgresBinaries, account: PostgresAccount): Promise<void> {
  const unfinished = `${folders.cluster}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  account.own(unfinished);
  const { file, args } = account.command(binaries.initdb, [
    `--pgdata=${unfinished}`,
    `--username=${SUPERUSER}`,
    '--auth-local=peer',
    '--auth-host=reject',
    '--encoding=UTF8',
    // The same order and case rules on every machine, whatever locales it has.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--data-checksums',
  ]);
  const child = spawn(file, args, { cwd: '/', env: environment(binaries), stdio: ['ignore', 'ignore', 'pipe'] });
  const errors = collectText(child);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0)
    throw unavailable(`its data could not be laid out: ${errors().trim() || `initdb ended with ${code}`}`);
  renameSync(unfinished, folders.cluster);
}

/** Only node's own account may connect, by the word of the kernel (`peer`): there is no password to keep. */
function writeAuthentication(cluster: string, account: PostgresAccount): void {
  const user = `"${account.nodeUser.replaceAll('"', '""')}"`;
  const files = {
    'pg_hba.conf': 'local all all peer map=healthsync\n',
    // And as the logins of organisations (`adapters/postgres/tenant-logins.ts`): a regular expression, since 16.
    'pg_ident.conf': [SUPERUSER, DATABASE, '/^hs_[0-9a-f]+(-sign-in|(-accounts)?_[a-z][a-z0-9-]*)$']
      .map((as) => `healthsync ${user} ${as}\n`)
      .join(''),
  };
  for (const [name, text] of Object.entries(files)) {
    const path = join(cluster, name);
    writeFileSync(path, text, { mode: 0o600 });
    account.own(path);
  }
}

function makeSocketFolder(preferred: string, account: PostgresAccount): string {
  const isShort = Buffer.byteLength(join(preferred, `.s.PGSQL.${PORT}.lock`)) <= SOCKET_PATH_MAX_BYTES;
  // Elsewhere the name is unguessable and the folder ours alone; `postmaster.pid` tells tools where it is.
  const folder = isShort ? preferred : mkdtempSync(join(tmpdir().length > 40 ? '/tmp' : tmpdir(), 'healthsync-'));
  // A lock file beside an old socket names a process that ended; should it never have been reaped (a container whose
  // first process does not), PostgreSQL would take it for alive.
  if (isShort) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  account.own(folder);
  return folder;
}

interface Supervised extends EmbeddedPostgresOptions {
  readonly cluster: string;
  readonly socketFolder: string;
  readonly binaries: PostgresBinaries;
  readonly account: PostgresAccount;
}

function supervise(options: Supervised) {
  let child: ChildProcess | undefined;
  let isStopping = false;
  let restarting: Promise<void> = Promise.resolve();

  async function start(): Promise<void> {
    const started = launch(options);
    child = started;
    await untilReady(started, options);
    started.once('exit', () => {
      if (!isStopping && child === started) restarting = restart();
    });
    if (started.exitCode !== null || started.signalCode !== null)
      throw unavailable('it ended as soon as it had started');
  }

  async function restart(): Promise<void> {
    let pauseMs = RESTART_PAUSE_MS.first;
    for (let attempt = 1; !isStopping; attempt++) {
      options.onRestart?.(attempt);
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 2, RESTART_PAUSE_MS.max);
      try {
        // Children of a killed postmaster may hold its shared memory for a moment.
        await stopLeftoverPostgres(options.cluster);
        if (!isStopping) await start();
        return;
      } catch {
        // Told by `onLog` already; try again.
      }
    }
  }

  async function stop(): Promise<void> {
    isStopping = true;
    if (child !== undefined) await end(child);
    await restarting;
    if (child !== undefined) await end(child);
    // Children of a postmaster that was killed live on for a moment; the folder is given back without them.
    await stopLeftoverPostgres(options.cluster);
    rmSync(options.socketFolder, { recursive: true, force: true });
  }

  return { start, stop, pid: () => child?.pid };
}

function launch({ cluster, socketFolder, binaries, account, settings, onLog }: Supervised): ChildProcess {
  const all = { ...postgresSettings(socketFolder), ...settings };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const { file, args } = account.command(binaries.postgres, ['-D', cluster, '-p', String(PORT), ...flags]);
  // Detached: Ctrl-C in a terminal goes to the whole group, and node must drain before its database stops.
  const child = spawn(file, args, {
    cwd: '/',
    env: environment(binaries),
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  child.on('error', () => undefined); // 'exit' or the wait for readiness tells
  forwardLines(child, (line) => {
    if (LIFECYCLE_LINE.test(line)) onLog?.(line);
  });
  return child;
}

/** Statement errors (ERROR, DETAIL, CONTEXT…) may quote values; the program sees them as exceptions anyway. */
const LIFECYCLE_LINE = /^(LOG|WARNING|FATAL|PANIC): /;

async function untilReady(child: ChildProcess, { cluster }: Supervised): Promise<void> {
  const said = collectText(child);
  const deadline = performance.now() + START_PATIENCE_MS;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      throw unavailable(reasonIn(said()));
    }
    const file = readPostmasterFile(cluster);
    if (file?.pid === child.pid && file.isReady) return;
    if (performance.now() > deadline) throw unavailable(`it was not ready after ${START_PATIENCE_MS / 1000} s`);
    await sleep(10);
  }
}

/** Why it gave up: in its last words, or in all of them where it had not come so far as to log. */
function reasonIn(text: string): string {
  return /^(?:FATAL|PANIC): .*$/m.exec(text)?.[0] ?? (text.trim().slice(-500) || 'it ended at once');
}

async function end(child: ChildProcess): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await Promise.race([exited, sleep(STOP_PATIENCE_MS, undefined, { ref: false })]);
  }
}

/** Our role is no superuser: a hole in a query must not become a program run on the machine. */
async function createDatabase(socketFolder: string): Promise<void> {
  const client = new pg.Client({ ...addressAt(socketFolder), user: SUPERUSER, database: 'postgres' });
  try {
    await client.connect();
    const role = await client.query('select from pg_roles where rolname = $1', [DATABASE]);
    if (role.rowCount === 0) await client.query(`create role ${DATABASE} login`);
    // For the logins of organisations. Since 16 it reaches no further than what it made itself.
    await client.query(`alter role ${DATABASE} createrole`);
    const database = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (database.rowCount === 0) await client.query(`create database ${DATABASE} owner ${DATABASE}`);
  } catch (cause) {
    throw unavailable('its database could not be created', cause);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Nothing of ours: the environment may hold secrets, and PG* variables would change the server. */
function environment({ libraryFolder }: PostgresBinaries): NodeJS.ProcessEnv {
  const base = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  return libraryFolder === undefined ? base : { ...base, LD_LIBRARY_PATH: libraryFolder };
}

function forwardLines(child: ChildProcess, onLine: (line: string) => void): void {
  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(-4096);
    for (const line of lines) onLine(line);
  });
}

function collectText(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-4096);
  });
  return () => text;
}

function unavailable(reason: string, cause?: unknown): Failure {
  return new Failure('database-unavailable', `The embedded PostgreSQL could not be started: ${reason}.`, {
    retryable: false,
    cause,
  });
}
