import { type ColumnType, type Generated, type RawBuilder, sql } from 'kysely';

/**
 * The tables as Kysely sees them; `migrations/` makes them. Times are milliseconds since 1970 when read and `Date` when
 * written, see `connection.ts`.
 */
export interface Schema {
  readonly ward: { id: string; name: string; department_id: string | null; tenant_id: Generated<string> };
  readonly bed: { id: string; ward_id: string; label: string };
  readonly patient: {
    id: string;
    /** Sealed: see `ports/patient-identities.ts`. */
    identity: Uint8Array | null;
    mrn_index: Uint8Array | null;
    sex: string | null;
    bed_id: string | null;
    spo2_scale: Generated<number>;
    news2_use: Generated<string>;
    tenant_id: Generated<string>;
  };
  readonly device: {
    id: string;
    profile: string | null;
    config: string | null;
    created_at: Time;
    tenant_id: Generated<string>;
  };
  readonly device_certificate: {
    serial: string;
    device_id: string;
    not_before: Time;
    not_after: Time;
    revoked_at: MaybeTime;
    revocation_reason: string | null;
    revocation_code: string | null;
    invalid_from: MaybeTime;
    fingerprint: string | null;
    key_fingerprint: string | null;
    authority: number | null;
    replaces: string | null;
    first_used_at: MaybeTime;
    superseded_from: MaybeTime;
  };
  readonly device_doubt: {
    id: string;
    device_id: string;
    received_from: Time;
    received_until: Time;
    reason: string;
    declared_by: string;
    declared_at: Time;
  };
  readonly device_token: {
    sha256: string;
    device_id: string;
    created_at: Time;
    expires_at: Time;
    revoked_at: MaybeTime;
  };
  readonly assignment: { device_id: string; patient_id: string; from_at: Time; to_at: MaybeTime };
  readonly app_user: {
    id: string;
    name: string;
    display_name: string;
    roles: string[];
    ward_ids: string[];
    password_hash: string | null;
    disabled_at: MaybeTime;
    tenant_id: Generated<string>;
  };
  readonly access_token: {
    sha256: string;
    kind: string;
    user_id: string;
    created_at: Time;
    idle_expires_at: Time;
    expires_at: Time;
    revoked_at: MaybeTime;
    authenticated_at: MaybeTime;
    factors: string[] | null;
    mfa_at: MaybeTime;
    scopes: string[] | null;
    label: string | null;
    last_used_at: MaybeTime;
    told_ending_days: number | null;
  };
  readonly setup_code: { sha256: string; expires_at: Time; claimed_at: MaybeTime };
  readonly rejected_reading: {
    id: Generated<number>;
    device_id: string;
    received_at: Time;
    source: string;
    payload: Uint8Array;
    is_sealed: Generated<boolean>;
    problems: unknown;
    state: Generated<string>;
    marked_at: MaybeTime;
    marked_by: string | null;
  };
}

type Time = ColumnType<number, Date, Date>;
type MaybeTime = ColumnType<number | null, Date | null | undefined, Date | null>;

/** A moment to compare a column of times with. */
export function moment(ms: number): RawBuilder<number> {
  return sql<number>`${new Date(ms)}::timestamptz`;
}
