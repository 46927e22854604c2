import type { EventEmitter } from 'node:events';
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
    const failure = listenForFailure(client);
    let isSound = false;
    try {
      // Waited for: where it fails, what follows would be committed statement by statement.
      await client.query('begin');
      setPipeline(client, true);
      const result = await work(client);
      await client.query('commit');
      setPipeline(client, false);
      isSound = true;
      return result;
    } catch (error) {
      throw isAfterTheFact(error) ? (failure.last ?? error) : error;
    } finally {
      failure.stop();
      // Whatever state a failed connection is in, PostgreSQL rolls back when it goes.
      client.release(!isSound);
    }
  });
}

/** For a connection on which nothing is under way. `pg` reads it before each statement; its types call it fixed. */
function setPipeline(client: pg.PoolClient, isOn: boolean): void {
  (client as { pipeline: boolean }).pipeline = isOn;
}

/**
 * Which statement really failed. All after it are refused too (25P02), and whoever waits for several may hear of that
 * first; whether the whole is worth another try depends on the first.
 */
function listenForFailure(client: pg.PoolClient): { readonly last: Error | undefined; stop(): void } {
  // `pg` tells its connection of errors in the order of PostgreSQL's answers; its types do not say so.
  const { connection } = client as unknown as { readonly connection: EventEmitter };
  const found: { last: Error | undefined; stop(): void } = {
    last: undefined,
    stop: () => connection.off('errorMessage', hear),
  };
  function hear(error: Error): void {
    if (!isAfterTheFact(error)) found.last = error;
  }
  connection.on('errorMessage', hear);
  return found;
}

/** Refused for what failed before; 26000: where a statement was to get its name, and one after it is called by that. */
function isAfterTheFact(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return code === '25P02' || code === '26000';
}
