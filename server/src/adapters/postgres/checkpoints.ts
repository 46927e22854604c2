import type pg from 'pg';
import type { Checkpoints } from '../../ports/checkpoints.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';

/** The assessor's checkpoints in PostgreSQL, one row per partition. */
export class PostgresCheckpoints implements Checkpoints {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async save({ partition, next, state }: Parameters<Checkpoints['save']>[0]): Promise<void> {
    await failing(() =>
      this.#pool.query({
        name: 'save-checkpoint',
        text: `insert into assessor_checkpoint (partition, next, state) values ($1, $2, $3)
          on conflict (partition) do update set next = excluded.next, state = excluded.state, saved_at = now()`,
        values: [partition, next, state],
      }),
    );
  }

  async load(): ReturnType<Checkpoints['load']> {
    const { rows } = await failing(() =>
      this.#pool.query<{ partition: number; next: number; state: string }>(
        'select partition, next, state from assessor_checkpoint order by partition',
      ),
    );
    return rows;
  }
}
