import type { Writable } from 'node:stream';
import pg from 'pg';

/**
 * A connection that sends together what is asked in one turn, and lets PostgreSQL remember what is asked often: such a statement gets a name, and with it is read,
 * analysed and planned once where it was for every call, which is most of the work of a statement over a few rows.
 *
 * Only the first `NAMED_MAX` statements that are asked `OFTEN` times get one, for each connection keeps tens of KiB for
 * each name. And none keeps its name for more than `USES_MAX` calls: a plan that was made while a table was empty would
 * read all of it for every row once it is full, until PostgreSQL looks at it anew, which may be a minute.
 */
export class NamingClient extends pg.Client {
  readonly #known = new Map<string, Known>();
  #isGathering = false;

  override query(...args: unknown[]): never {
    this.#gather();
    const [asked, ...rest] = withValues(args);
    const often = asked === undefined ? undefined : nameOf(asked.text);
    if (often === undefined) return ask.apply(this, args) as never;
    return ask.apply(this, [{ ...asked, name: this.#nameOf(often) }, ...rest]) as never;
  }

  /** What is asked in one turn goes to PostgreSQL together: each write of its own is a system call, and wakes it. */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    const { stream } = (this as unknown as { readonly connection: { readonly stream: Writable } }).connection;
    stream.cork();
    process.nextTick(() => {
      this.#isGathering = false;
      stream.uncork();
    });
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

  /** After all that was asked under this name. */
  #forget(name: string): void {
    // What `pg` takes PostgreSQL to remember; its types do not say so.
    const { parsedStatements } = (this as unknown as { readonly connection: { parsedStatements: object } }).connection;
    ask.call(this, new Forget(name, () => Reflect.deleteProperty(parsedStatements, name)));
  }
}

/** `pg.Query` as it is, whose types leave out what a query does with its connection. */
const Query = pg.Query as unknown as new (
  config: { readonly text: string },
  values: undefined,
  done: () => void,
) => object;

/**
 * Has PostgreSQL forget a name by its protocol ("Close"): that is no error for a name that is not there, nor in a
 * transaction that has failed, and a pooler between the two understands it. `deallocate` is none of this.
 */
class Forget extends Query {
  readonly #name: string;

  constructor(name: string, done: () => void) {
    super({ text: '' }, undefined, done);
    this.#name = name;
  }

  /** `pg` calls it when the statements before it are sent. */
  submit(connection: { close(what: { readonly type: 'S'; readonly name: string }): void; sync(): void }): null {
    connection.close({ type: 'S', name: this.#name });
    connection.sync();
    return null;
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
  if (typeof first !== 'object' || first === null || Object.keys(first).length !== 2) return [undefined];
  const { text, values } = first as { readonly text?: unknown; readonly values?: unknown };
  if (typeof text !== 'string' || !Array.isArray(values) || values.length === 0) return [undefined];
  return [{ text, values }, ...rest];
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
