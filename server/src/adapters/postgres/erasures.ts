import type pg from 'pg';
import type { PatientId } from '../../domain/ids.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { inTransaction } from './transaction.ts';

/** Who was erased, when, by whom and why. A copy of the keys that comes back is made to follow this list. */
export class PostgresErasures {
  readonly #pool: Connections['pool'];

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  /** Written before the key is destroyed: what was interrupted is gone on with at the next start. */
  async begin(erasure: Erasure): Promise<void> {
    const { subject, atMs, by, reason } = erasure;
    await failing(() =>
      this.#pool.query(
        'insert into erasure (subject, at, by_whom, reason) values ($1, $2, $3, $4) on conflict do nothing',
        [subject, new Date(atMs), by, reason],
      ),
    );
  }

  /**
   * Takes out of the patient's row what cannot be opened any more, and out of what was refused while they wore a device
   * what it brought. Answers how many sealed records there are.
   */
  async clear(patientId: PatientId): Promise<{
    readonly notes: number;
    readonly hadIdentity: boolean;
    readonly refusedReadings: number;
  }> {
    return await inTransaction(this.#pool, async (client) => {
      const cleared = await client.query(
        'update patient set identity = null, mrn_index = null, sex = null where id = $1 and identity is not null',
        [patientId],
      );
      const { rows } = await client.query<{ notes: number }>(
        'select count(*)::int as notes from alarm_note join alarm on alarm.id = alarm_id where patient_id = $1',
        [patientId],
      );
      const refusedReadings = await emptyRefused(client, [patientId]);
      return { notes: rows[0]?.notes ?? 0, hadIdentity: cleared.rowCount === 1, refusedReadings };
    });
  }

  /**
   * Whose key is gone, says the store of keys: a backup of before may have come back, which knows nothing of it and has
   * the index of their record number yet, by which they could be found. Answers how many rows were cleared again.
   */
  async follow(erased: readonly { readonly subject: string; readonly patientId: string; readonly atMs: number }[]) {
    if (erased.length === 0) return 0;
    return await inTransaction(this.#pool, async (client) => {
      const subjects = erased.map(({ subject }) => subject);
      const times = erased.map(({ atMs }) => new Date(atMs));
      await client.query(
        `insert into erasure (subject, at, by_whom, reason)
         select subject, at, 'the store of keys', 'erased before this database was restored'
         from unnest($1::text[], $2::timestamptz[]) as gone (subject, at) on conflict do nothing`,
        [subjects, times],
      );
      const ids = erased.map(({ patientId }) => patientId);
      const cleared = await client.query(
        `update patient set identity = null, mrn_index = null, sex = null
         where id = any ($1) and (identity is not null or mrn_index is not null)`,
        [ids],
      );
      await emptyRefused(client, ids);
      return cleared.rowCount ?? 0;
    });
  }

  async all(): Promise<readonly Erasure[]> {
    const { rows } = await failing(() =>
      this.#pool.query<Erasure>('select subject, at as "atMs", by_whom as "by", reason from erasure order by at'),
    );
    return rows;
  }
}

/** Understood by nobody and sealed with the house's key, it outlives theirs: that it came, and why it was refused, stays. */
async function emptyRefused(client: pg.PoolClient, patientIds: readonly string[]): Promise<number> {
  const { rowCount } = await client.query(
    `update rejected_reading as refused set payload = '', is_sealed = true
     where payload <> '' and exists (
       select from assignment as worn
       where worn.patient_id = any ($1) and worn.device_id = refused.device_id
         and worn.from_at <= refused.received_at and refused.received_at < coalesce(worn.to_at, 'infinity'))`,
    [patientIds],
  );
  return rowCount ?? 0;
}

export interface Erasure {
  /** `patient:P1` */
  readonly subject: string;
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
}
