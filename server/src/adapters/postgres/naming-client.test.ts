import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Connections, connect } from './connection.ts';
import { failing } from './database-failure.ts';
import { openTestDatabase } from './test-database.ts';
import { inTransaction } from './transaction.ts';

describe('a connection', () => {
  let database: Awaited<ReturnType<typeof openTestDatabase>>;
  let one: Connections;
  beforeAll(async () => {
    database = await openTestDatabase();
    one = connect(database.address, { connectionsMax: 1 });
  });
  afterAll(async () => {
    await one.close();
    await database.close();
  });

  const named = async (like: string): Promise<readonly string[]> => {
    const { rows } = await one.pool.query<{ statement: string }>('select statement from pg_prepared_statements');
    return rows.map(({ statement }) => statement).filter((statement) => statement.includes(like));
  };

  it('has a statement remembered that is asked often', async () => {
    const text = 'select $1::int as often';
    await one.pool.query(text, [1]);
    expect(await named('often')).toEqual([]);
    for (let i = 0; i < 20; i++) expect((await one.pool.query(text, [1])).rows).toEqual([{ often: 1 }]);
    expect(await named('often')).toEqual([text]);
  });

  it('leaves alone what has no values, or is not asked as everything else is', async () => {
    for (let i = 0; i < 20; i++) {
      await one.pool.query('select 1 as bare');
      await one.pool.query({ name: 'own', text: 'select $1::int as own', values: [i] });
      await one.pool.query({ text: 'select $1::int as rows', values: [i], rowMode: 'array' });
    }
    expect(await named('bare')).toEqual([]);
    expect(await named('as own')).toHaveLength(1);
    expect(await named('as rows')).toEqual([]);
  });

  it('has it planned anew every hundred times, and PostgreSQL forget what it remembered', async () => {
    const text = 'select count(*)::int as n from growing where id % 2 = $1';
    await one.pool.query('create table growing (id int)');
    const names = new Set<string>();
    for (let i = 0; i < 450; i++) {
      if (i % 3 === 0) await inTransaction(one.pool, (client) => client.query({ text, values: [1] }));
      else await one.pool.query(text, [1]);
      const { rows } = await one.pool.query<{ name: string }>(
        `select name from pg_prepared_statements where statement like '%growing where%' and name <> ''`,
      );
      expect(rows.length).toBeLessThanOrEqual(2); // one is forgotten after the next is there
      for (const { name } of rows) names.add(name);
    }
    expect(names.size).toBe(5);
    const client = await one.pool.connect();
    const { connection } = client as unknown as { readonly connection: { readonly parsedStatements: object } };
    const kept = Object.keys(connection.parsedStatements).filter((name) => names.has(name));
    client.release();
    expect(kept).toHaveLength(1);
  });

  it('has it forgotten also where a transaction has failed, and where much was asked at once', async () => {
    const client = await one.pool.connect();
    const known = async () => {
      const { rows } = await client.query<{ n: number }>(
        `select count(*)::int as n from pg_prepared_statements where statement like '%as failing%' and name <> ''`,
      );
      return rows[0]?.n;
    };
    const ask = (value: number) => client.query('select 1 / $1::int as failing', [value]);
    for (let i = 0; i < 10; i++) await ask(1);
    for (let round = 0; round < 3; round++) {
      await client.query('begin');
      await client.query('savepoint before');
      for (let i = 0; i < 150; i++)
        await expect(ask(i % 50 === 0 ? 0 : 1)).rejects.toMatchObject({ code: /22012|25P02/ });
      await client.query('rollback to savepoint before');
      expect((await ask(1)).rows).toEqual([{ failing: 1 }]);
      await client.query('commit');
    }
    (client as unknown as { pipeline: boolean }).pipeline = true;
    await Promise.all(Array.from({ length: 450 }, () => ask(1)));
    (client as unknown as { pipeline: boolean }).pipeline = false;
    expect(await known()).toBe(1);
    client.release(true);
  });

  it('plans anew what is remembered when its table has become another', async () => {
    await one.pool.query('create table changing (id int primary key, word text)');
    await one.pool.query(`insert into changing values (1, 'one')`);
    const ask = () => one.pool.query('select word from changing where id = $1', [1]);
    for (let i = 0; i < 20; i++) await ask();
    await one.pool.query('alter table changing add column more int');
    await one.pool.query('alter table changing drop constraint changing_pkey');
    expect((await ask()).rows).toEqual([{ word: 'one' }]);
  });

  describe('in a transaction', () => {
    it('carries out in order what was asked without waiting', async () => {
      const answers = await inTransaction(one.pool, (client) =>
        Promise.all([
          client.query('create temp table counted (n int) on commit drop'),
          client.query('insert into counted values ($1)', [7]),
          client.query<{ n: number }>('select n from counted'),
        ]),
      );
      expect(answers[2].rows).toEqual([{ n: 7 }]);
    });

    it('writes nothing where one of them fails, says which, and serves the next', async () => {
      await one.pool.query('create table kept (n int primary key)');
      const failing = inTransaction(one.pool, (client) =>
        Promise.all([
          client.query('insert into kept values (1)'),
          client.query('insert into kept values ($1)', [1]),
          client.query('insert into kept values (2)'),
        ]),
      );
      await expect(failing).rejects.toThrow('23505');
      expect((await one.pool.query('select * from kept')).rows).toEqual([]);
    });

    it('says what went wrong, also where what follows hears of it sooner', async () => {
      // An error that is told through one more promise than those after it.
      const nested = async (client: pg.PoolClient) => {
        await client.query('select 1 / $1::int', [0]);
      };
      for (let i = 0; i < 50; i++)
        await expect(
          inTransaction(one.pool, (client) => Promise.all([nested(client), client.query('select 2')])),
        ).rejects.toThrow('22012');
    });

    it('says what went wrong, also where a statement was to get its name behind it', async () => {
      const text = 'select 3 + $1::int as named_behind';
      for (let i = 0; i < 15; i++) await one.pool.query(text, [i]);
      const later = async (client: pg.PoolClient) => {
        await client.query('select 1 / $1::int', [0]);
      };
      for (let i = 0; i < 20; i++)
        await expect(
          inTransaction(one.pool, async (client) => {
            const asked = [later(client), ...[1, 2, 3].map((n) => client.query(text, [n]))];
            // Whichever of them is heard of last.
            const heard = await Promise.allSettled(asked);
            throw heard.flatMap((each) => (each.status === 'rejected' ? [each.reason] : [])).at(-1);
          }),
        ).rejects.toThrow('22012');
    });

    it('is over, with the connection as it was: what needs it for itself works again', async () => {
      await inTransaction(one.pool, (client) => client.query('select 1'));
      const client = await one.pool.connect();
      expect((client as unknown as { pipeline: boolean }).pipeline).toBe(false);
      client.release();
    });
  });

  it('is ended when PostgreSQL says nothing any more, and another answers', async () => {
    const impatient = connect(database.address, { connectionsMax: 1, silenceMaxMs: 500 });
    const { rows } = await impatient.pool.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid as number;
    process.kill(pid, 'SIGSTOP');
    try {
      const asked = failing(() => impatient.pool.query('select 1'));
      await expect(asked).rejects.toMatchObject({ code: 'database-unavailable', retryable: true });
      await expect(impatient.pool.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] });
    } finally {
      process.kill(pid, 'SIGCONT');
      await impatient.close();
    }
  });

  it('is not ended while nobody asks anything, or while PostgreSQL answers slowly', async () => {
    const impatient = connect(database.address, { connectionsMax: 1, silenceMaxMs: 200 });
    const pid = async () => (await impatient.pool.query('select pg_backend_pid() as pid')).rows[0].pid;
    const first = await pid();
    await new Promise((resolve) => setTimeout(resolve, 600));
    const slow = "select i, pg_sleep(0.02), repeat('x', 10000) from generate_series(1, 40) i";
    expect((await impatient.pool.query(slow)).rows).toHaveLength(40);
    expect(await pid()).toBe(first);
    await impatient.close();
  });
});
