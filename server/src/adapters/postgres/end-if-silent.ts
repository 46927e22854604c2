import type { Socket } from 'node:net';
import type pg from 'pg';

/**
 * Ends a connection on which PostgreSQL, asked something, neither says nor takes anything any more: its socket is open,
 * and would be for ever. What was asked fails, and the pool makes another connection.
 *
 * In place of `query_timeout` of `pg`, which is a timer for each statement. What hangs on these (the statement, its
 * values, its rows) outlived its use by two collections of V8's young generation: 1.9 KB a statement, most of all that
 * these collections had to copy, while nobody's reading is acknowledged.
 */
export function endIfSilent(client: Pick<pg.PoolClient, 'connection'>, silenceMaxMs: number): void {
  const stream = client.connection.stream as Socket;
  // Begins again with whatever is read or written.
  stream.setTimeout(silenceMaxMs);
  // Not as a callback of `setTimeout`: that one is heard once, and an idle connection uses it up.
  stream.on('timeout', () => {
    if (isAsked(client))
      stream.destroy(Object.assign(new Error('PostgreSQL says nothing any more'), { code: 'ETIMEDOUT' }));
  });
}

/** `pg` knows it, and its types do not say so. */
const isAsked = (client: Pick<pg.PoolClient, 'connection'>): boolean =>
  !(client as unknown as { readonly readyForQuery: boolean }).readyForQuery;
