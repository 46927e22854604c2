import type pg from 'pg';
import type {
  DeviceEnrollments,
  Enrollment,
  EnrollmentRequest,
  NewEnrollment,
} from '../../ports/device-enrollments.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { withoutNulls } from './without-nulls.ts';

/** Devices on their way in, in PostgreSQL. A trigger keeps a code bound to its first key, and what was decided. */
export class PostgresDeviceEnrollments implements DeviceEnrollments {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async add(enrollment: NewEnrollment): Promise<void> {
    await this.#change(
      `insert into device_enrollment (id, tenant_id, device_id, code_sha256, patient_id, profile, invited_by,
         invited_by_id, invited_at, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        enrollment.id,
        enrollment.tenantId,
        enrollment.deviceId,
        enrollment.codeSha256,
        enrollment.patientId ?? null,
        enrollment.profile ?? null,
        enrollment.invitedBy,
        enrollment.invitedById ?? null,
        new Date(enrollment.invitedAtMs),
        new Date(enrollment.expiresAtMs),
      ],
    );
  }

  async findByCode(codeSha256: string): Promise<Enrollment | undefined> {
    return (await this.#read('where code_sha256 = $1', [codeSha256]))[0];
  }

  async find(id: string): Promise<Enrollment | undefined> {
    return (await this.#read('where id = $1', [id]))[0];
  }

  async list({ tenantId, limit }: Parameters<DeviceEnrollments['list']>[0]): Promise<readonly Enrollment[]> {
    return await this.#read(
      `where tenant_id = $1
       order by state not in ('waiting', 'approved'), coalesce(decided_at, requested_at, invited_at) desc, id limit $2`,
      [tenantId, limit],
    );
  }

  async bind(id: string, request: Parameters<DeviceEnrollments['bind']>[1]): Promise<boolean> {
    const { der, keyFingerprint, stated, address, atMs, expiresAtMs } = request;
    return await this.#change(
      `update device_enrollment
       set state = 'waiting', request = $2, key_fingerprint = $3, stated = $4, address = $5, requested_at = $6,
         expires_at = greatest(expires_at, $7)
       where id = $1 and state = 'invited'`,
      [id, Buffer.from(der), keyFingerprint, JSON.stringify(stated), address, new Date(atMs), new Date(expiresAtMs)],
    );
  }

  async decide(id: string, decision: Parameters<DeviceEnrollments['decide']>[1]): Promise<boolean> {
    const { state, by, atMs, reason } = decision;
    return await this.#change(
      `update device_enrollment set state = $2, decided_by = $3, decided_at = $4, reason = $5
       where id = $1 and state = any($6)`,
      [id, state, by, new Date(atMs), reason ?? null, state === 'withdrawn' ? ['invited'] : ['waiting']],
    );
  }

  async complete(id: string, issued: Parameters<DeviceEnrollments['complete']>[1]): Promise<boolean> {
    return await this.#change(
      `update device_enrollment set state = 'issued', serial = $2, certificate = $3 where id = $1 and state = 'approved'`,
      [id, issued.serial, issued.certificatePem],
    );
  }

  async #change(sql: string, values: unknown[]): Promise<boolean> {
    const { rowCount } = await failing(() => this.#pool.query(sql, values));
    return rowCount === 1;
  }

  async #read(rest: string, values: unknown[]): Promise<readonly Enrollment[]> {
    const { rows } = await failing(() =>
      this.#pool.query<EnrollmentRow>(`select ${FIELDS} from device_enrollment ${rest}`, values),
    );
    return rows.map(toEnrollment);
  }
}

type EnrollmentRow = Record<string, unknown> & {
  readonly der: Uint8Array | null;
  readonly keyFingerprint: string;
  readonly stated: EnrollmentRequest['stated'];
  readonly address: string;
  readonly atMs: number;
};

function toEnrollment({ der, keyFingerprint, stated, address, atMs, ...row }: EnrollmentRow): Enrollment {
  return {
    ...withoutNulls(row),
    ...(der !== null && { request: { der, keyFingerprint, stated, address, atMs } }),
  } as unknown as Enrollment;
}

const FIELDS = `id, tenant_id as "tenantId", device_id as "deviceId", patient_id as "patientId", profile,
  invited_by as "invitedBy", invited_by_id as "invitedById", invited_at as "invitedAtMs", expires_at as "expiresAtMs",
  state, request as der, key_fingerprint as "keyFingerprint", stated, address, requested_at as "atMs",
  decided_by as "decidedBy", decided_at as "decidedAtMs", reason, serial, certificate as "certificatePem"`;
