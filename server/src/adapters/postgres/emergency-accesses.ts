import type pg from 'pg';
import type { TenantId, UserId } from '../../domain/ids.ts';
import type {
  EmergencyAccess,
  EmergencyAccesses,
  EmergencyReviewOutcome,
  NewEmergencyAccess,
} from '../../ports/emergency-accesses.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { withoutNulls } from './without-nulls.ts';

/** Emergency access in PostgreSQL. A trigger keeps what was said from being rewritten. */
export class PostgresEmergencyAccesses implements EmergencyAccesses {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async begin(access: NewEmergencyAccess): Promise<void> {
    const { id, tenantId, userId, signed, patientId, wardId, reason, proof, beganAtMs, endsAtMs } = access;
    await failing(() =>
      this.#pool.query(
        `insert into emergency_access
           (id, tenant_id, user_id, signed, patient_id, ward_id, reason, proof, began_at, ends_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          id,
          tenantId,
          userId,
          signed,
          patientId,
          wardId ?? null,
          reason,
          proof,
          new Date(beganAtMs),
          new Date(endsAtMs),
        ],
      ),
    );
  }

  async running(nowMs: number): Promise<readonly EmergencyAccess[]> {
    return await this.#read(
      'where began_at <= $1 and $1 < ends_at and ($1 < ended_at or ended_at is null) order by began_at, id',
      [new Date(nowMs)],
    );
  }

  async end({ id, by, atMs }: Parameters<EmergencyAccesses['end']>[0]): Promise<boolean> {
    const { rowCount } = await failing(() =>
      this.#pool.query(
        'update emergency_access set ended_at = $3, ended_by = $2 where id = $1 and ended_at is null and $3 < ends_at',
        [id, by, new Date(atMs)],
      ),
    );
    return rowCount === 1;
  }

  async review(request: Parameters<EmergencyAccesses['review']>[0]): Promise<EmergencyReviewOutcome> {
    const { id, justified, comment, byId, by, atMs } = request;
    const { rowCount } = await failing(() =>
      this.#pool.query(
        `update emergency_access set justified = $2, review_comment = $3, reviewed_by_id = $4, reviewed_by = $5,
           reviewed_at = $6
         where id = $1 and reviewed_at is null and user_id <> $4`,
        [id, justified, comment, byId, by, new Date(atMs)],
      ),
    );
    const access = await this.find(id);
    if (access === undefined) return { kind: 'not-found' };
    if (rowCount === 1) return { kind: 'reviewed', access };
    return access.userId === byId ? { kind: 'own' } : { kind: 'already-reviewed', access };
  }

  async find(id: string): Promise<EmergencyAccess | undefined> {
    return (await this.#read('where id = $1', [id]))[0];
  }

  async list({ isReviewed, limit, after }: Parameters<EmergencyAccesses['list']>[0]) {
    const [sign, order] = isReviewed ? ['<', 'desc'] : ['>', 'asc'];
    return await this.#read(
      `where (reviewed_at is not null) = $1 and ($3::timestamptz is null or (began_at, id) ${sign} ($3, $4))
       order by began_at ${order}, id ${order} limit $2`,
      [isReviewed, limit, after === undefined ? null : new Date(after.beganAtMs), after?.id ?? null],
    );
  }

  async overdue(beganBeforeMs: number): Promise<readonly TenantId[]> {
    const { rows } = await failing(() =>
      this.#pool.query<{ tenantId: TenantId }>(
        `select distinct tenant_id as "tenantId" from emergency_access
         where reviewed_at is null and began_at < $1 order by tenant_id`,
        [new Date(beganBeforeMs)],
      ),
    );
    return rows.map(({ tenantId }) => tenantId);
  }

  async #read(rest: string, values: readonly unknown[]): Promise<readonly EmergencyAccess[]> {
    const { rows } = await failing(() =>
      this.#pool.query<Row>(`select ${FIELDS} from emergency_access ${rest}`, [...values]),
    );
    return rows.map(toAccess);
  }
}

const FIELDS = `id, tenant_id as "tenantId", user_id as "userId", signed, patient_id as "patientId",
  ward_id as "wardId", reason, proof, began_at as "beganAtMs", ends_at as "endsAtMs", ended_at as "endedAtMs",
  ended_by as "endedBy", justified, review_comment as "comment", reviewed_by_id as "reviewedById",
  reviewed_by as "reviewedBy", reviewed_at as "reviewedAtMs"`;

interface Row extends NewEmergencyAccess {
  readonly justified: boolean | null;
  readonly comment: string | null;
  readonly reviewedById: UserId | null;
  readonly reviewedBy: string | null;
  readonly reviewedAtMs: number | null;
}

function toAccess({ justified, comment, reviewedById, reviewedBy, reviewedAtMs, ...rest }: Row): EmergencyAccess {
  const access = withoutNulls(rest) as EmergencyAccess;
  if (justified === null || reviewedById === null || reviewedAtMs === null) return access;
  return {
    ...access,
    review: { justified, comment: comment ?? '', byId: reviewedById, by: reviewedBy ?? '', atMs: reviewedAtMs },
  };
}
