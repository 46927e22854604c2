import pg from 'pg';

/**
 * A connection that lets PostgreSQL remember what is asked often: such a statement gets a name, and with it is read,
 * analysed and planned once where it was for every call, which is most of the work of a statement over a few rows.
 *
 * Only the first `NAMED_MAX` statements that are asked `OFTEN` times get one, for each connection keeps tens of KiB for
 * each name. And none keeps its name for more than `USES_MAX` calls: a plan that was made while a table was empty would
 * read all of it for every row once it is full, until PostgreSQL looks at it anew, which may be a minute.
 */
export class NamingClient extends pg.Client {
  readonly #known = new Map<string, Known>();

  override query(...args: unknown[]): never {
    const [asked, ...rest] = withValues(args);
    const often = asked === undefined ? undefined : nameOf(asked.text);
    if (often === undefined) return ask.apply(this, args) as never;
    return ask.apply(this, [{ ...asked, name: this.#nameOf(often) }, ...rest]) as never;
  }

  /** Ours for the statement, which another connection plans for itself. */
  #nameOf(often: string): string {
    const known = this.#known.get(often);
    if (known !== undefined && known.uses < USES_MAX) {
      known.uses++;
      return known.name;
    }
    if (known !== undefined) this.#forget(known.name);
    const time = (known?.time ?? 0) + 1;
    const name = `${often}.${time}`;
    this.#known.set(often, { name, time, uses: 1 });
    return name;
  }

  /** PostgreSQL is told after all that was asked under this name, and `pg` forgets it when that is done. */
  #forget(name: string): void {
    // What `pg` knows to be there; its types do not say so. Anything else would be an error, and end a transaction.
    const { parsedStatements } = (this as unknown as { readonly connection: { parsedStatements: object } }).connection;
    if (!Object.hasOwn(parsedStatements, name)) return;
    ask.call(this, `deallocate "${name}"`, () => Reflect.deleteProperty(parsedStatements, name));
  }
}

interface Known {
  readonly name: string;
  /** How many names it had on this connection. */
  readonly time: number;
  uses: number;
}

/** Its many overloads are one to whoever hands everything on. */
const ask = pg.Client.prototype.query as (...args: readonly unknown[]) => unknown;

type WithValues = { readonly text: string; readonly values: readonly unknown[] };

/** A statement with values and what else was said, if it is one that may get a name: nothing of its own making. */
function withValues([first, ...rest]: readonly unknown[]): [asked: WithValues | undefined, ...rest: unknown[]] {
  if (typeof first === 'string') {
    const [values, ...more] = rest;
    return Array.isArray(values) && values.length > 0 ? [{ text: first, values }, ...more] : [undefined];
  }
  const isPlain = typeof first === 'object' && first !== null && Object.keys(first).sort().join() === 'text,values';
  return isPlain ? [first as WithValues, ...rest] : [undefined];
}

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
/** Five of them PostgreSQL plans for their values before it keeps a plan: with a hundred, one in seventeen is planned. */
const USES_MAX = 100;
/** Texts that are composed (a filter here, a column there) are many. */
const HEARD_OF_MAX = 5_000;
