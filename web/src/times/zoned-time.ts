/**
 * Times as a zone’s own walls show them, whatever zone the browser is in. Days are 23, 24 or 25 hours long;
 * a local time that a clock change skips is taken as the moment the clocks jump to.
 */
export interface LocalDay {
  /** `2026-11-23` */
  readonly date: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Seven days from a Monday's midnight. */
export function weekOf(atMs: number, zone: string): readonly LocalDay[] {
  const today = localDate(atMs, zone);
  const monday = addDays(today, -((new Date(`${today}T00:00Z`).getUTCDay() + 6) % 7));
  return Array.from({ length: 7 }, (_, i) => {
    const date = addDays(monday, i);
    return { date, fromMs: momentOf(date, '00:00', zone), toMs: momentOf(addDays(date, 1), '00:00', zone) };
  });
}

/** `2026-11-23` in that zone. */
export function localDate(atMs: number, zone: string): string {
  const { year, month, day } = partsOf(atMs, zone);
  return `${year}-${month}-${day}`;
}

/** `07:00` in that zone. */
export function localTime(atMs: number, zone: string): string {
  const { hour, minute } = partsOf(atMs, zone);
  return `${hour}:${minute}`;
}

/** The moment at which that zone's clocks show this date and time. */
export function momentOf(date: string, time: string, zone: string): number {
  const asUtc = Date.parse(`${date}T${time}Z`);
  // The offset before and after: a day around a change has two, and the guess lies on one side of it.
  const first = asUtc - offsetAt(asUtc, zone);
  const second = asUtc - offsetAt(first, zone);
  if (second === first) return first;
  // Skipped by the change: neither guess shows the wanted time, and the later is where the clocks jump to.
  return asUtc - offsetAt(second, zone) === second ? second : Math.max(first, second);
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

const DATE = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });

/** `Mon, 23 Nov` for `2026-11-23`: a date is the same everywhere. */
export const dateText = (date: string): string => DATE.format(Date.parse(`${date}T00:00Z`));

function offsetAt(atMs: number, zone: string): number {
  const { year, month, day, hour, minute, second } = partsOf(atMs, zone);
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - Math.floor(atMs / 1_000) * 1_000;
}

type Parts = Readonly<Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', string>>;
const formats = new Map<string, Intl.DateTimeFormat>();

function partsOf(atMs: number, zone: string): Parts {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  formats.set(zone, format);
  return Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value])) as Parts;
}
