import type pg from 'pg';
import type { StoredTexts, TextPiece } from '../../ports/stored-texts.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';

/** Rows fetched at once: a few hundred kilobytes of entries, a few megabytes of the largest documents. */
const PAGE = 1_000;

/** Read with a cursor, so that a table of any size takes no more memory than a page of it. */
export class PostgresStoredTexts implements StoredTexts {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async *pieces(): AsyncGenerator<TextPiece> {
    const { rows: tables } = await failing(() => this.#pool.query<Table>(TABLES));
    for (const { name, columns } of tables) yield* this.#table(name, columns);
  }

  async *#table(name: string, columns: readonly string[]): AsyncGenerator<TextPiece> {
    const client = await failing(() => this.#pool.connect());
    let isSound = false;
    try {
      const list = columns.map((column) => `"${column}"`).join(', ');
      await failing(() => client.query('begin transaction read only'));
      await failing(() => client.query(`declare texts no scroll cursor for select ${list} from ${name}`));
      for (let firstRow = 1; ; firstRow += PAGE) {
        const { rows } = await failing(() =>
          client.query<(string | Buffer | null)[]>({ text: `fetch ${PAGE} from texts`, rowMode: 'array' }),
        );
        for (const [at, column] of columns.entries()) {
          const bytes = joined(rows.map((row) => row[at] ?? null));
          yield { column: `${name}.${column}`, firstRow, rows: at === 0 ? rows.length : 0, bytes };
        }
        if (rows.length < PAGE) break;
      }
      await failing(() => client.query('commit'));
      isSound = true;
    } finally {
      client.release(!isSound);
    }
  }
}

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
}

/** Partitions are read with their table. */
const TABLES = `
  select quote_ident(relname) as name, array_agg(attname::text order by attnum) as columns
  from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
  where relkind in ('r', 'p') and not relispartition and relnamespace = current_schema()::regnamespace
    and atttypid = any ('{text,varchar,bpchar,name,json,jsonb,bytea,xml,text[],varchar[]}'::regtype[])
  group by relname, pg_class.oid order by pg_total_relation_size(pg_class.oid), relname`;

/** One after the other, each by itself: a line feed separates words. */
function joined(values: readonly unknown[]): Buffer {
  const parts: Buffer[] = [];
  for (const value of values) {
    if (value === null || value === undefined) continue;
    parts.push(Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
    parts.push(LINE_FEED);
  }
  return Buffer.concat(parts);
}

const LINE_FEED = Buffer.from('\n');
