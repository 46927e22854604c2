import type pg from 'pg';
import type { UserId } from '../../domain/ids.ts';
import type { OwnRecord, OwnRecordChange, OwnRecords } from '../../ports/own-records.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { withoutNulls } from './without-nulls.ts';

export class PostgresOwnRecords implements OwnRecords {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async all(): Promise<ReadonlyMap<UserId, OwnRecord>> {
    const { rows } = await failing(() => this.#pool.query<Row>(`select ${FIELDS} from own_record`));
    return new Map(rows.map(recordOf));
  }

  async find(userId: UserId): Promise<OwnRecord | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<Row>(`select ${FIELDS} from own_record where user_id = $1`, [userId]),
    );
    return rows.map(recordOf)[0]?.[1];
  }

  async put(userId: UserId, change: OwnRecordChange, { by, atMs }: Parameters<OwnRecords['put']>[2]): Promise<void> {
    const values = [change.patientId, change.mrnIndex, change.addressIndex, change.familyNameIndex];
    // Each once for its value, and once for whether it is to be set.
    const set = values.map((value) => value !== undefined);
    await failing(() =>
      this.#pool.query(
        `insert into own_record (user_id, patient_id, mrn_index, address_index, family_name_index, changed_at, changed_by)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (user_id) do update set
           patient_id = case when $8 then excluded.patient_id else own_record.patient_id end,
           mrn_index = case when $9 then excluded.mrn_index else own_record.mrn_index end,
           address_index = case when $10 then excluded.address_index else own_record.address_index end,
           family_name_index = case when $11 then excluded.family_name_index else own_record.family_name_index end,
           changed_at = excluded.changed_at, changed_by = excluded.changed_by`,
        [userId, ...values.map((value) => value ?? null), new Date(atMs), by, ...set],
      ),
    );
  }
}

const FIELDS = `user_id as "userId", patient_id as "patientId", mrn_index as "mrnIndex", address_index as "addressIndex",
  family_name_index as "familyNameIndex"`;

type Row = { readonly userId: UserId } & { readonly [Field in keyof OwnRecord]: OwnRecord[Field] | null };

function recordOf({ userId, ...row }: Row): readonly [UserId, OwnRecord] {
  return [userId, withoutNulls(row) as OwnRecord];
}
