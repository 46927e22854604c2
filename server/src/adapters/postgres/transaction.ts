import type pg from 'pg';
import { failing } from './database-failure.ts';

/** All of it or nothing. What goes wrong comes out as a `Failure`. */
export function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return failing(async () => {
    const client = await pool.connect();
    let isSound = false;
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      isSound = true;
      return result;
    } finally {
      // Whatever state a failed connection is in, PostgreSQL rolls back when it goes.
      client.release(!isSound);
    }
  });
}
