import pg from 'pg';

/**
 * A connection that lets PostgreSQL remember what is asked often: such a statement gets a name, and with it is read and
 * planned once for each connection where it was for every call, which for a row by its key is most of the work.
 *
 * Only the first `NAMED_MAX` statements that are asked `OFTEN` times get one, for each connection keeps tens of KiB for
 * each name.
 *
 * A plan that is kept may outlive the size of its table, until PostgreSQL looks at it anew: that is for rows by their key.
 * Statements over many rows, of tables that are empty one minute and full the next, are asked as `{ text, values }`,
 * which is left alone (`workflow-store.ts`, `alarm-apply.ts`).
 */
export class NamingClient extends pg.Client {
  override query(...args: unknown[]): never {
    const [text, values, ...rest] = args;
    const name = typeof text === 'string' && Array.isArray(values) && values.length > 0 ? nameOf(text) : undefined;
    return ask.apply(this, name === undefined ? args : [{ name, text }, values, ...rest]) as never;
  }
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
