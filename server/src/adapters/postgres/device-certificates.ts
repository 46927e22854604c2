import type pg from 'pg';
import type { DeviceCertificates } from '../../ports/device-certificates.ts';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { withoutNulls } from './without-nulls.ts';

/** What becomes of devices' certificates, in the registry's own tables: its triggers tell everybody. */
export class PostgresDeviceCertificates implements DeviceCertificates {
  readonly #pool: pg.Pool;

  constructor({ pool }: Pick<Connections, 'pool'>) {
    this.#pool = pool;
  }

  async keyUses(keyFingerprint: string): ReturnType<DeviceCertificates['keyUses']> {
    const rows = await this.#query(
      `select device_id as "deviceId", revocation_code as "revocationCode"
       from device_certificate where key_fingerprint = $1`,
      [keyFingerprint],
    );
    return rows.map((row) => withoutNulls(row)) as never;
  }

  async firstUsed({ serial, atMs, supersedeAtMs }: Parameters<DeviceCertificates['firstUsed']>[0]): Promise<void> {
    await this.#query(
      `with used as (
         update device_certificate set first_used_at = $2
         where serial = $1 and first_used_at is null
         returning serial, device_id, replaces
       )
       update device_certificate older set superseded_from = $3
       from used
       where older.device_id = used.device_id and older.serial <> used.serial
         and (older.serial = used.replaces or (older.replaces = used.replaces and older.first_used_at is null))
         and older.superseded_from is null and older.revoked_at is null`,
      [serial, new Date(atMs), new Date(supersedeAtMs)],
    );
  }

  async revokeSuperseded(nowMs: number): ReturnType<DeviceCertificates['revokeSuperseded']> {
    // Asked first: an update announces a change of the registry even where it finds nothing, and all of it is read anew.
    const due = 'superseded_from <= $1 and revoked_at is null';
    const [found] = await this.#query(`select 1 from device_certificate where ${due} limit 1`, [new Date(nowMs)]);
    if (found === undefined) return [];
    const rows = await this.#query(
      `update device_certificate
       set revoked_at = $1, revocation_code = 'superseded', revocation_reason = 'replaced by a newer certificate'
       where ${due}
       returning device_id as "deviceId", serial`,
      [new Date(nowMs)],
    );
    return rows as never;
  }

  async revokeAuthority(revocation: Parameters<DeviceCertificates['revokeAuthority']>[0]): Promise<number> {
    const { authority, atMs, reason, code } = revocation;
    const rows = await this.#query(
      `update device_certificate set revoked_at = $2, revocation_reason = $3, revocation_code = $4
       where coalesce(authority, 1) = $1 and revoked_at is null
       returning serial`,
      [authority, new Date(atMs), reason, code],
    );
    return rows.length;
  }

  async nextListNumber(authority: number): Promise<number> {
    const [row] = await this.#query(
      `insert into device_revocation_list (authority, number) values ($1, 1)
       on conflict (authority) do update set number = device_revocation_list.number + 1
       returning number`,
      [authority],
    );
    return (row as { number: number }).number;
  }

  async doubt(doubt: Parameters<DeviceCertificates['doubt']>[0]): Promise<void> {
    await this.#query(
      `insert into device_doubt (id, tenant_id, device_id, received_from, received_until, reason, declared_by, declared_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        doubt.id,
        doubt.tenantId,
        doubt.deviceId,
        new Date(doubt.receivedFromMs),
        new Date(doubt.receivedUntilMs),
        doubt.reason,
        doubt.declaredBy,
        new Date(doubt.declaredAtMs),
      ],
    );
  }

  async #query(sql: string, values: unknown[]): Promise<readonly object[]> {
    return await failing(async () => (await this.#pool.query<object>(sql, values)).rows);
  }
}
