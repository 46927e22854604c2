import type pg from 'pg';
import type { AuditStore, LegalHold } from '../../ports/audit-store.ts';
import { failing } from './database-failure.ts';
import { withoutNulls } from './without-nulls.ts';

const FIELDS = `id, kind, subject, reason, placed_by as "placedBy", placed_at as "placedAtMs",
  released_by as "releasedBy", released_at as "releasedAtMs"`;

/** What keeps entries of the audit log beyond their retention. */
export class PostgresLegalHolds {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Those that hold first, then those released, newest first. */
  async list(): Promise<readonly LegalHold[]> {
    const { rows } = await failing(() =>
      this.#pool.query<object>(
        `select ${FIELDS} from audit_hold order by released_at desc nulls first, placed_at desc`,
      ),
    );
    return rows.map((row) => withoutNulls(row) as LegalHold);
  }

  async place({ kind, subject, reason, placedBy, placedAtMs }: Parameters<AuditStore['placeHold']>[0]) {
    const { rows } = await failing(() =>
      this.#pool.query<object>(
        `insert into audit_hold (kind, subject, reason, placed_by, placed_at) values ($1, $2, $3, $4, $5) returning ${FIELDS}`,
        [kind, subject, reason, placedBy, new Date(placedAtMs)],
      ),
    );
    return withoutNulls(rows[0] as object) as LegalHold;
  }

  async release(id: string, by: string, atMs: number): Promise<boolean> {
    const { rowCount } = await failing(() =>
      this.#pool.query(
        'update audit_hold set released_by = $2, released_at = $3 where id = $1 and released_at is null',
        [id, by, new Date(atMs)],
      ),
    );
    return rowCount === 1;
  }
}
