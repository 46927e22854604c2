/**
 * A timestamp of the States Language: the RFC 3339 profile of ISO 8601, with an uppercase `T`, and an uppercase `Z`
 * where there is no numeric offset. Milliseconds since 1970, with their fraction; undefined: it is none.
 */
export function parseTimestamp(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const parts = TIMESTAMP.exec(text);
  if (parts === null) return undefined;
  const [, day = '', hour, minute, second, fraction = '', zone = ''] = parts;
  // Date.parse takes 24:00 and rolls 31 February over into March.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  const ms = Date.parse(`${day}T${hour}:${minute}:${second}${zone}`);
  return Number.isNaN(ms) ? undefined : ms + Number(`0.${fraction || '0'}`) * 1_000;
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;
