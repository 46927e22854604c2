import type pg from 'pg';
import type { Consent } from '../../domain/consent.ts';
import type { PatientId } from '../../domain/ids.ts';
import type { Consents } from '../../ports/consents.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { withoutNulls } from './without-nulls.ts';

/** Consents in PostgreSQL. A trigger keeps every version as it was recorded, and tells every process of a new one. */
export class PostgresConsents implements Consents {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async keep(consent: Consent): ReturnType<Consents['keep']> {
    const { id, version, tenantId, patientId, purpose, party, decision, state } = consent;
    const { fromMs, untilMs, givenAtMs, recordedAtMs, recordedBy, source, witness } = consent;
    // The version before it must be there, and this one not: two who change at once cannot both be kept.
    const { rowCount } = await failing(() =>
      this.#pool.query(
        `insert into consent_version
           (consent_id, version, tenant_id, patient_id, purpose, party, decision, state, from_at, until_at, given_at,
            recorded_at, recorded_by, source, witness)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
         where $2 = 1 or exists (select 1 from consent_version where consent_id = $1 and version = $2 - 1)
         on conflict do nothing`,
        [
          id,
          version,
          tenantId,
          patientId,
          purpose,
          party ?? null,
          decision,
          state,
          new Date(fromMs),
          untilMs === undefined ? null : new Date(untilMs),
          new Date(givenAtMs),
          new Date(recordedAtMs),
          recordedBy,
          source ?? null,
          witness ?? null,
        ],
      ),
    );
    return { kind: rowCount === 1 ? 'kept' : 'changed-meanwhile' };
  }

  async versions(id: string): Promise<readonly Consent[]> {
    return await this.#read('where consent_id = $1 order by version desc', [id]);
  }

  async ofPatient(patientId: PatientId): Promise<readonly Consent[]> {
    return await this.#read('where patient_id = $1 order by recorded_at desc, consent_id, version desc', [patientId]);
  }

  async recent({ tenantId, limit, after }: Parameters<Consents['recent']>[0]): Promise<readonly Consent[]> {
    return await this.#read(
      `where tenant_id = $1
         and ($2::timestamptz is null or recorded_at < $2 or (recorded_at = $2 and consent_id > $3))
         and not exists (select 1 from consent_version later
                         where later.consent_id = consent_version.consent_id and later.version > consent_version.version)
       order by recorded_at desc, consent_id limit $4`,
      [tenantId, after === undefined ? null : new Date(after.recordedAtMs), after?.id ?? null, limit],
    );
  }

  async standing({ nowMs, patientId }: Parameters<Consents['standing']>[0]): Promise<readonly Consent[]> {
    return await this.#read(
      `where ($2::text is null or patient_id = $2) and state = 'active' and (until_at is null or until_at > $1)
         and not exists (select 1 from consent_version later
                         where later.consent_id = consent_version.consent_id and later.version > consent_version.version)
       order by recorded_at desc, consent_id`,
      [new Date(nowMs), patientId ?? null],
    );
  }

  async #read(rest: string, values: readonly unknown[]): Promise<readonly Consent[]> {
    const { rows } = await failing(() =>
      this.#pool.query<object>(`select ${FIELDS} from consent_version ${rest}`, [...values]),
    );
    return rows.map((row) => withoutNulls(row) as Consent);
  }
}

const FIELDS = `consent_id as id, version, tenant_id as "tenantId", patient_id as "patientId", purpose, party, decision,
  state, from_at as "fromMs", until_at as "untilMs", given_at as "givenAtMs", recorded_at as "recordedAtMs",
  recorded_by as "recordedBy", source, witness`;
