import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from './connection.ts';
import { failing } from './database-failure.ts';
import { Listener } from './listener.ts';
import { openTestDatabase } from './test-database.ts';
import { inTransaction } from './transaction.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

async function stopped<T>(pid: number, work: () => Promise<T>): Promise<T> {
  process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

it('a connection that was idle for long is still ended when PostgreSQL then says nothing', async () => {
  const impatient = connect(database.address, { connectionsMax: 1, silenceMaxMs: 300 });
  const pid = (await impatient.pool.query('select pg_backend_pid() as pid')).rows[0].pid as number;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await stopped(pid, async () => {
    await expect(failing(() => impatient.pool.query('select 1'))).rejects.toMatchObject({
      code: 'database-unavailable',
    });
  });
  await impatient.close();
});

it('in a transaction: idle is not ended; asked much at once and unanswered, all of it fails', async () => {
  const impatient = connect(database.address, { connectionsMax: 1, silenceMaxMs: 300 });
  const value = await inTransaction(impatient.pool, async (client) => {
    await client.query('select 1');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return (await client.query('select 2 as two')).rows[0];
  });
  expect(value).toEqual({ two: 2 });
  const failed = inTransaction(impatient.pool, async (client) => {
    const pid = (await client.query('select pg_backend_pid() as pid')).rows[0].pid as number;
    return stopped(pid, () => Promise.all([1, 2, 3].map(() => client.query('select 1'))));
  });
  await expect(failed).rejects.toMatchObject({ code: 'database-unavailable' });
  expect((await impatient.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await impatient.close();
});

it.each(['breaks', 'falls silent'])(
  'a listener whose connection %s, and the next falls silent before it listens, tries another',
  async (how) => {
    let isFirstSilent = false;
    let connections = 0;
    const sockets: Socket[] = [];
    const address = database.config as { host: string; port: number };
    const proxy = createServer((front) => {
      connections++;
      const isFirst = connections === 1;
      const isSilent = connections === 2;
      const back = connectTcp(`${address.host}/.s.PGSQL.${address.port}`);
      sockets.push(front, back);
      let isReady = false;
      front.on('data', (bytes) => {
        if (!(isSilent && isReady) && !(isFirst && isFirstSilent)) back.write(bytes);
      });
      back.on('data', (bytes) => {
        front.write(bytes);
        // ReadyForQuery, idle
        if (bytes.subarray(-6).equals(Buffer.from([0x5a, 0, 0, 0, 5, 0x49]))) isReady = true;
      });
      front.on('error', () => {}).on('close', () => back.destroy());
      back.on('error', () => {}).on('close', () => front.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as { port: number };
    const { config, close } = connect({ ...(database.address as object), host: '127.0.0.1', port } as never, {
      statementTimeoutMs: 1_000,
    });
    const listener = new Listener({ config });
    let gaps = 0;
    await listener.listen('healthsync_registry', { onNotice() {}, onGap: () => gaps++ });
    if (how === 'breaks') sockets[0]?.destroy();
    else isFirstSilent = true;
    await expect.poll(() => gaps, { timeout: 30_000 }).toBe(1);
    expect(connections).toBe(3);
    for (const socket of sockets) socket.destroy();
    await listener.close();
    proxy.close();
    await close();
  },
  40_000,
);
