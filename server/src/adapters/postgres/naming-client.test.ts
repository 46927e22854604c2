import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Connections, connect } from './connection.ts';
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

  it('whose statement cannot be read goes on, also when its name would have been forgotten', async () => {
    const text = 'select nowhere from growing where id = $1';
    for (let i = 0; i < 250; i++) await expect(one.pool.query(text, [i])).rejects.toMatchObject({ code: '42703' });
    await inTransaction(one.pool, async (client) => {
      await client.query('insert into growing values (1)');
      for (let i = 0; i < 12; i++) await client.query('select id from growing where id = $1', [i]);
    });
    expect((await one.pool.query('select * from growing')).rowCount).toBe(1);
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

    it('is over, with the connection as it was: what needs it for itself works again', async () => {
      await inTransaction(one.pool, (client) => client.query('select 1'));
      const client = await one.pool.connect();
      expect((client as unknown as { pipeline: boolean }).pipeline).toBe(false);
      client.release();
    });
  });
});
