/** Identifiers. Each is a branded string that only its parser makes. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type DeviceId = Branded<'DeviceId'>;
export type PatientId = Branded<'PatientId'>;
export type ReadingId = Branded<'ReadingId'>;
export type AlarmId = Branded<'AlarmId'>;
export type BedId = Branded<'BedId'>;
export type WardId = Branded<'WardId'>;
/** Wards belong to departments. */
export type DepartmentId = Branded<'DepartmentId'>;
export type UserId = Branded<'UserId'>;
export type RotaId = Branded<'RotaId'>;
/** The organisation a record belongs to. */
export type TenantId = Branded<'TenantId'>;

/** Of everything in an installation that serves one organisation. */
export const DEFAULT_TENANT = 'default' as TenantId;

/** Short and lower case, for it is part of the name of a login of the database too (`0024-tenants.sql`). */
const TENANT_ID = /^[a-z][a-z0-9-]{0,31}$/;

/**
 * Characters that are safe in an MQTT topic level, a URI path segment and a file name alike, so that an id never needs
 * escaping: letters, digits, `.`, `_`, `-`; not starting with a dot; at most 64.
 */
const SAFE_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

/** Any printable ASCII without spaces, at most 64: a device maker's own numbering. */
const READING_ID = /^[\x21-\x7e]{1,64}$/;

export const parseDeviceId = (text: unknown): DeviceId | undefined => parseSafe(text) as DeviceId | undefined;
export const parsePatientId = (text: unknown): PatientId | undefined => parseSafe(text) as PatientId | undefined;
export const parseAlarmId = (text: unknown): AlarmId | undefined => parseSafe(text) as AlarmId | undefined;
export const parseBedId = (text: unknown): BedId | undefined => parseSafe(text) as BedId | undefined;
export const parseWardId = (text: unknown): WardId | undefined => parseSafe(text) as WardId | undefined;
export const parseDepartmentId = (text: unknown): DepartmentId | undefined =>
  parseSafe(text) as DepartmentId | undefined;
export const parseUserId = (text: unknown): UserId | undefined => parseSafe(text) as UserId | undefined;
export const parseRotaId = (text: unknown): RotaId | undefined => parseSafe(text) as RotaId | undefined;

export function parseTenantId(text: unknown): TenantId | undefined {
  return typeof text === 'string' && TENANT_ID.test(text) ? (text as TenantId) : undefined;
}

export function parseReadingId(text: unknown): ReadingId | undefined {
  return typeof text === 'string' && READING_ID.test(text) ? (text as ReadingId) : undefined;
}

function parseSafe(text: unknown): string | undefined {
  return typeof text === 'string' && SAFE_ID.test(text) ? text : undefined;
}
