import pg from 'pg';

/**
 * A connection that lets PostgreSQL remember what is asked often: such a statement gets a name, and with it is read and
 * planned once for each connection where it was for every call, which for a row by its key is most of the work.
 *
 * Only the first `NAMED_MAX` statements that are asked `OFTEN` times get one, for each connection keeps tens of KiB for
 * each name. PostgreSQL sees by itself when a plan no longer fits a table.
 */
export class NamingClient extends pg.Client {
  override query(...args: unknown[]): never {
    const [what, second, ...rest] = args;
    // As `query(text, values)` or `query({ text, values })`; a stream, such as a COPY, is neither.
    const plain = typeof what === 'string' ? { text: what, values: second } : what;
    const name = isPlain(plain) ? nameOf(plain.text) : undefined;
    if (name === undefined) return ask.apply(this, args) as never;
    const named = { ...(plain as object), name };
    return ask.apply(this, typeof what === 'string' ? [named, undefined, ...rest] : [named, second, ...rest]) as never;
  }
}

/** With values, and without a name of its own. */
function isPlain(what: unknown): what is { readonly text: string } {
  if (typeof what !== 'object' || what === null || 'submit' in what || 'name' in what) return false;
  const { text, values } = what as { readonly text?: unknown; readonly values?: unknown };
  return typeof text === 'string' && Array.isArray(values) && values.length > 0;
}

/** Its many overloads are one to whoever hands everything on. */
const ask = pg.Client.prototype.query as (...args: readonly unknown[]) => unknown;

function nameOf(text: string): string | undefined {
  const known = asked.get(text);
  if (typeof known === 'string') return known;
  if (known === undefined && asked.size >= HEARD_OF_MAX) return undefined;
  const times = (known ?? 0) + 1;
  const isNamed = times >= OFTEN && named < NAMED_MAX;
  const name = isNamed ? `often-${++named}` : undefined;
  asked.set(text, name ?? times);
  return name;
}

/** How often each statement was asked, or what it is called: by all connections of this process. */
const asked = new Map<string, number | string>();
let named = 0;

const OFTEN = 10;
const NAMED_MAX = 200;
/** Texts that are composed (a filter here, a column there) are many. */
const HEARD_OF_MAX = 5_000;
