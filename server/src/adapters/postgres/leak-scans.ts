import type pg from 'pg';
import type { PatientId } from '../../domain/ids.ts';
import type { LeakScanRecord, LeakScanResult, LeakScans } from '../../ports/security-alerts.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { withoutNulls } from './without-nulls.ts';

export class PostgresLeakScans implements LeakScans {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async begin({ id, atMs }: Parameters<LeakScans['begin']>[0]): Promise<boolean> {
    const { rowCount } = await failing(() =>
      this.#pool.query('insert into leak_scan (id, started_at) values ($1, $2) on conflict do nothing', [
        id,
        new Date(atMs),
      ]),
    );
    return rowCount === 1;
  }

  async end({ id, atMs, ...result }: LeakScanResult): Promise<void> {
    await failing(() =>
      this.#pool.query('update leak_scan set ended_at = $2, result = $3 where id = $1', [
        id,
        new Date(atMs),
        JSON.stringify(result),
      ]),
    );
  }

  async list(limit: number): Promise<readonly LeakScanRecord[]> {
    const { rows } = await failing(() =>
      this.#pool.query<{ result: object | null }>(
        `select id, started_at as "startedAtMs", ended_at as "endedAtMs", result from leak_scan
         order by started_at desc, id limit $1`,
        [limit],
      ),
    );
    return rows.map(({ result, ...row }) => ({ ...result, ...withoutNulls(row) }) as LeakScanRecord);
  }

  async canaries(): ReturnType<LeakScans['canaries']> {
    const { rows } = await failing(() =>
      this.#pool.query<{ patientId: PatientId; identity: Uint8Array }>(
        `select patient.id as "patientId", identity from patient join canary on patient_id = patient.id
         where identity is not null order by patient.id`,
      ),
    );
    return rows;
  }

  async markCanary(patientId: PatientId, atMs: number): Promise<void> {
    await failing(() =>
      this.#pool.query('insert into canary (patient_id, planted_at) values ($1, $2)', [patientId, new Date(atMs)]),
    );
  }
}
