import pg from 'pg';
import { Failure } from '../../ports/failure.ts';

/**
 * Runs database work; what goes wrong comes out as a `Failure` that says whether trying again can help. PostgreSQL's own
 * message and detail are left behind: they quote rows ("Key (mrn)=(…) already exists").
 */
export async function failing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asFailure(error);
  }
}

/** What is not the database's doing comes back as it was. */
export function asFailure(error: unknown): unknown {
  if (error instanceof Failure) return error;
  if (error instanceof pg.DatabaseError) return ofSqlState(error);
  if (!isConnectionError(error)) return error;
  return new Failure('database-unavailable', 'PostgreSQL cannot be reached.', { retryable: true, cause: error });
}

function ofSqlState(error: pg.DatabaseError): Failure {
  const state = error.code ?? '';
  const cause = new Error(
    `SQLSTATE ${state}${error.constraint === undefined ? '' : `, constraint ${error.constraint}`}`,
  );
  return RETRYABLE.some((prefix) => state.startsWith(prefix))
    ? new Failure('database-unavailable', `PostgreSQL cannot do it now (${state}).`, { retryable: true, cause })
    : new Failure('database-rejected', `PostgreSQL refused (${cause.message}).`, { retryable: false, cause });
}

/** PostgreSQL, appendix A: codes and classes after which the same work may succeed. */
const RETRYABLE = [
  '08', // connection exception
  '25006', // read-only: a standby, while a failover is under way
  '25P03', // idle in transaction for too long
  '40', // rolled back: serialization failure, deadlock
  '53', // insufficient resources: disk full, out of memory, too many connections
  '55P03', // lock not available
  '57', // operator intervention: shutdown, crash, cancelled by a timeout
  '58', // system error
];

/** Errors of the socket carry a code; pg's own carry only words (pg/lib/client.js, pg-pool/index.js). */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (
    'syscall' in error ||
    ('code' in error && typeof error.code === 'string' && /^(E[A-Z]+|ERR_SSL.*)$/.test(error.code))
  )
    return true;
  return /connection terminated|connection error|timeout exce|timeout expired|not queryable|after calling end/i.test(
    error.message,
  );
}
