import type pg from 'pg';
import { failing } from './database-failure.ts';

/**
 * All of it or nothing. What goes wrong comes out as a `Failure`.
 *
 * Statements are sent as they are asked, without waiting for the answers to those before (PostgreSQL, "Pipelining"), and
 * carried out in that order: work that needs none of the answers asks for all at once, with `Promise.all`. The first that
 * fails makes all after it fail. No COPY and no cursor here: they need the connection for themselves.
 */
export function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return failing(async () => {
    const client = await pool.connect();
    let isSound = false;
    try {
      setPipeline(client, true);
      // Its failure is that of what follows.
      const [, result] = await Promise.all([client.query('begin'), work(client)]);
      await client.query('commit');
      setPipeline(client, false);
      isSound = true;
      return result;
    } finally {
      // Whatever state a failed connection is in, PostgreSQL rolls back when it goes.
      client.release(!isSound);
    }
  });
}

/** For a connection on which nothing is under way. `pg` reads it before each statement; its types call it fixed. */
function setPipeline(client: pg.PoolClient, isOn: boolean): void {
  (client as { pipeline: boolean }).pipeline = isOn;
}
