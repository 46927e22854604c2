import { HOUSE_ZONE } from './house-zone.ts';
import { localDate, localTime, momentOf as momentIn } from './zoned-time.ts';

/** `2026-11-22T01:02`, as such a field has it, as a moment in RFC 3339; empty or half typed: none. */
export function momentOf(typed: string, zone = HOUSE_ZONE): string | undefined {
  const [, date = '', time = ''] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(typed) ?? [];
  if (Number.isNaN(Date.parse(`${date}T${time}Z`))) return undefined;
  return new Date(momentIn(date, time, zone)).toISOString();
}

/** The other way. */
export function typedOf(moment: string | undefined, zone = HOUSE_ZONE): string {
  if (moment === undefined) return '';
  const atMs = Date.parse(moment);
  return `${localDate(atMs, zone)}T${localTime(atMs, zone)}`;
}
