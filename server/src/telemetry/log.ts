import { type DestinationStream, pino } from 'pino';
import { Failure } from '../ports/failure.ts';

/**
 * Structured logs, one JSON object a line, on stderr: stdout belongs to the one ready line.
 *
 * No patient data (45 CFR 164.312, DESIGN principle 6) by construction rather than by care: the message must be a
 * literal (a text with anything interpolated does not compile), and only fields of the closed list below pass, at run
 * time too. What is not on the list is dropped and its name noted in `omitted`, so that a slip shows without leaking.
 */
export interface Log {
  debug<M extends string>(message: Literal<M>, fields?: LogFields): void;
  info<M extends string>(message: Literal<M>, fields?: LogFields): void;
  warn<M extends string>(message: Literal<M>, fields?: LogFields): void;
  error<M extends string>(message: Literal<M>, fields?: LogFields): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Only a plain literal: `string` and templates with a hole are refused by the compiler. */
type Literal<M extends string> = Record<never, never> extends Record<M, 1> ? never : M;

/**
 * Every field a log line may carry. Add one only if its value can never identify a patient or tell of their health.
 * Device and alarm ids are surrogates; user ids are staff.
 */
const FIELDS = [
  'code', // of an outcome, a problem or a Failure
  'component',
  'state',
  'from',
  'to',
  'reason', // from a closed list, never free text
  'deviceId',
  'alarmId',
  'deliveryId',
  'channel',
  'userId',
  'role',
  'requestId',
  'route', // the pattern, never the path: `/api/patients/:id`
  'method',
  'status',
  'partition',
  'offset',
  'group',
  'count',
  'bytes',
  'durationMs',
  'lagMs',
  'attempt',
  'retryAfterMs',
  'limit',
  'port',
  'host',
  'address', // of a peer that was refused
  'pid',
  'signal',
  'exitCode',
  'version',
  'serial',
  'setting', // the name of a setting, never its value
  'path', // of our own files, never of a request
  'error', // as `describeError` puts it
] as const;

type Field = (typeof FIELDS)[number];
export type LogFields = { readonly [Name in Exclude<Field, 'error'>]?: string | number | boolean | undefined } & {
  readonly error?: unknown;
};

export function createLog(options: {
  readonly level: LogLevel;
  /** Default: stderr, written synchronously, so that the last words before a crash are not lost. */
  readonly destination?: DestinationStream;
}): Log {
  const out = pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'message' },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );
  return {
    debug: (message, fields) => out.debug(allowed(fields), message),
    info: (message, fields) => out.info(allowed(fields), message),
    warn: (message, fields) => out.warn(allowed(fields), message),
    error: (message, fields) => out.error(allowed(fields), message),
  };
}

const ALLOWED: ReadonlySet<string> = new Set(FIELDS);

/** A line's strings are cut here: ids have at most 64 characters, and a log line is not a place for documents. */
const STRING_MAX = 256;

function allowed(fields: LogFields | undefined): Record<string, unknown> {
  const passed: Record<string, unknown> = {};
  const omitted: string[] = [];
  for (const [name, value] of Object.entries(fields ?? {})) {
    if (value === undefined) continue;
    if (name === 'error') passed['error'] = describeError(value);
    else if (!ALLOWED.has(name)) omitted.push(name);
    else if (typeof value === 'string') passed[name] = value.slice(0, STRING_MAX);
    else if (typeof value === 'number' || typeof value === 'boolean') passed[name] = value;
    else omitted.push(name);
  }
  // The names come from our own source, never from input; still bounded.
  if (omitted.length > 0) passed['omitted'] = omitted.slice(0, 10).map((name) => name.slice(0, 40));
  return passed;
}

/** Depth of `cause` that is followed: deeper chains repeat themselves. */
const CAUSES_MAX = 4;

/**
 * What may be said of an error: its class, its code, where it happened. Its message is withheld, because foreign
 * messages quote input (JSON.parse quotes the payload, PostgreSQL the key). A `Failure` is ours, and its message is
 * written without data; a system error's syscall and code say what its message would.
 */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  return {
    type: error.name.slice(0, 64),
    ...(isCode(code) && { code }),
    ...(isCode(syscall) && { syscall }),
    ...(error instanceof Failure && { message: error.message.slice(0, STRING_MAX) }),
    at: frames(error),
    ...(error.cause !== undefined && depth < CAUSES_MAX && { cause: describeError(error.cause, depth + 1) }),
  };
}

/** `ECONNREFUSED`, `57P01`, `FST_ERR_VALIDATION`: words without spaces. */
function isCode(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value);
}

/** The stack without its head, which holds the message. */
function frames(error: Error): readonly string[] {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at .*(\d+:\d+\)?|<anonymous>|native)$/.test(line))
    .slice(0, 8)
    .map((line) => line.trim().slice(3));
}
