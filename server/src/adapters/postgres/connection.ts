import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { yieldToDevices } from '../embedded/processor-share.ts';
import { endIfSilent } from './end-if-silent.ts';
import { NamingClient } from './naming-client.ts';
import type { Schema } from './schema.ts';

/** Connections to one PostgreSQL, with the bounds every query lives under. */
export interface Connections {
  readonly pool: pg.Pool;
  /** For ordinary queries, checked by the compiler; shares the pool. */
  readonly kysely: Kysely<Schema>;
  /** For a connection of one's own, such as a listener's. */
  readonly config: pg.ClientConfig;
  close(): Promise<void>;
}

/** A URL, or the socket of the embedded server. */
export type DatabaseAddress =
  | { readonly url: string }
  | { readonly host: string; readonly port: number; readonly user: string; readonly database: string };

export function connect(
  address: DatabaseAddress,
  options: {
    /** Ten: keep, alarms, checkpoints and the web together; more only queue inside PostgreSQL. */
    readonly connectionsMax?: number;
    /** No query of ours takes seconds; one that does is stuck, and must not hold its locks for ever. */
    readonly statementTimeoutMs?: number;
    /** How long a connection stays that nobody uses. Default: ten seconds. */
    readonly idleMs?: number;
    /** For a PostgreSQL that no longer answers at all. Default: five seconds after its own timeout should have struck. */
    readonly silenceMaxMs?: number;
    /** A connection broke while nobody was using it. The pool replaces it; this is for a metric. */
    readonly onIdleError?: () => void;
  } = {},
): Connections {
  const { statementTimeoutMs = 30_000, silenceMaxMs = statementTimeoutMs + 5_000 } = options;
  const config = clientConfig(address, statementTimeoutMs);
  const pool = new pg.Pool({
    ...config,
    Client: NamingClient,
    max: options.connectionsMax ?? 10,
    // An idle connection costs PostgreSQL a process of ten megabytes, and another one a few milliseconds.
    idleTimeoutMillis: options.idleMs ?? 10_000,
  });
  pool.on('error', () => options.onIdleError?.());
  // A connection in use that breaks between two queries emits an error nobody else listens to, which would end node.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    endIfSilent(client, silenceMaxMs);
    if ('host' in address) yieldToDevices(processOf(client));
  });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= pool.end();
    return closing;
  };
  return { pool, kysely: new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }), config, close };
}

/** `pg` knows it, and its types do not say so. */
function processOf(client: pg.PoolClient): number {
  return (client as unknown as { readonly processID: number }).processID;
}

function clientConfig(address: DatabaseAddress, statementTimeoutMs: number): pg.ClientConfig {
  return {
    ...('url' in address ? { connectionString: address.url } : address),
    application_name: 'healthsync',
    options: '-c timezone=UTC -c datestyle=ISO,YMD -c client_min_messages=warning',
    connectionTimeoutMillis: 5_000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    types: { getTypeParser },
  };
}

/** Times are milliseconds since 1970, dates stay the text they are, counters are numbers. */
const getTypeParser = ((oid: number, format?: 'text' | 'binary') => {
  if (format !== 'binary') {
    if (oid === pg.types.builtins.TIMESTAMPTZ) return parseTime;
    if (oid === pg.types.builtins.DATE) return (text: string) => text;
    if (oid === pg.types.builtins.INT8) return parseCounter;
  }
  return pg.types.getTypeParser(oid, format as 'text');
}) as typeof pg.types.getTypeParser;

/**
 * `2026-11-22 01:02:03.456+00`: ISO but for the blank, and an offset that may lack its minutes. Ours are always of this
 * form, for the session's zone is UTC, and a page of history has hundreds; any other goes the long way.
 */
export function parseTime(text: string): number {
  if (PLAIN.test(text)) {
    const day = Date.UTC(digits(text, 0, 4), digits(text, 5, 7) - 1, digits(text, 8, 10));
    const fraction = text.length > 22 ? digits(text, 20, Math.min(23, text.length - 3)) : 0;
    // `.5` is 500 ms, `.45` are 450; PostgreSQL leaves zeros at the end away.
    const ms = text.length === 24 ? fraction * 100 : text.length === 25 ? fraction * 10 : fraction;
    return day + ((digits(text, 11, 13) * 60 + digits(text, 14, 16)) * 60 + digits(text, 17, 19)) * 1_000 + ms;
  }
  const iso = text.replace(' ', 'T');
  return Date.parse(/[+-]\d\d$/.test(iso) ? `${iso}:00` : iso);
}

/** Years below 100 are others to `Date.UTC`. */
const PLAIN = /^[1-9]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/;

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + (text.charCodeAt(at) - 48);
  return value;
}

function parseCounter(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a counter beyond 2^53');
  return value;
}
