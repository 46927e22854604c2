import type pg from 'pg';
import type { PatientId } from '../../domain/ids.ts';
import type { PatientSeal } from '../../ports/patient-seal.ts';
import type { VipPatient, VipPatients } from '../../ports/vip-patients.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';

/** In PostgreSQL; the reason is sealed with the patient's key. */
export class PostgresVipPatients implements VipPatients {
  readonly #pool: pg.Pool;
  readonly #seal: PatientSeal;

  constructor({ pool }: Pick<Connections, 'pool'>, seal: PatientSeal) {
    this.#pool = pool;
    this.#seal = seal;
  }

  async find(patientId: PatientId): Promise<VipPatient | undefined> {
    const { rows } = await failing(() =>
      this.#pool.query<Omit<VipPatient, 'reason'> & { reason: Uint8Array }>(
        `select since as "sinceMs", by_id as "byId", by_name as by, reason from patient_vip where patient_id = $1`,
        [patientId],
      ),
    );
    const row = rows[0];
    return row && { ...row, reason: await this.#seal.open(patientId, FIELD, row.reason) };
  }

  async set({ patientId, sinceMs, byId, by, reason }: Parameters<VipPatients['set']>[0]): Promise<void> {
    const sealed = await this.#seal.seal(patientId, FIELD, reason ?? '');
    await failing(() =>
      this.#pool.query(
        `insert into patient_vip (patient_id, since, by_id, by_name, reason) values ($1, $2, $3, $4, $5)
         on conflict (patient_id) do update set by_id = excluded.by_id, by_name = excluded.by_name,
           reason = excluded.reason`,
        [patientId, new Date(sinceMs), byId, by, sealed],
      ),
    );
  }

  async lift(patientId: PatientId): Promise<boolean> {
    const { rowCount } = await failing(() =>
      this.#pool.query('delete from patient_vip where patient_id = $1', [patientId]),
    );
    return rowCount === 1;
  }
}

const FIELD = 'patient.vip';
