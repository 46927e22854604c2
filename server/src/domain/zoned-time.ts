/**
 * Wall-clock time in a place, and the moments it names. Handovers and quiet hours are agreed in local time, which
 * twice a year has an hour too few or too many; everything else counts in milliseconds.
 */

/** A local date, as days since 1970-01-01, and the minute of its day. */
export interface LocalTime {
  readonly day: number;
  readonly minute: number;
}

/** On these weekdays (1 is Monday, ISO 8601) from then to then; an end at or before the begin is on the next day. */
export interface WeeklyWindow {
  readonly weekdays: readonly number[];
  /** `19:00` */
  readonly from: string;
  readonly to: string;
}

export interface Interval {
  readonly fromMs: number;
  /** Not included. */
  readonly toMs: number;
}

export function isZone(zone: string): boolean {
  try {
    formatterOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** What clocks show there at that moment. */
export function localTime(zone: string, atMs: number): LocalTime {
  const localMs = atMs + offsetMs(zone, atMs);
  const day = Math.floor(localMs / DAY_MS);
  return { day, minute: Math.floor((localMs - day * DAY_MS) / MINUTE_MS) };
}

/**
 * The moment clocks there show this. A time that is skipped in spring counts as that much after the skip began; of a
 * time that comes twice in autumn the first counts. (RFC 5545 §3.3.5 and Temporal's "compatible" decide the same.)
 */
export function momentOf(zone: string, { day, minute }: LocalTime): number {
  const asUtcMs = day * DAY_MS + minute * MINUTE_MS;
  const before = offsetMs(zone, asUtcMs - DAY_MS);
  const after = offsetMs(zone, asUtcMs + DAY_MS);
  const fits = [asUtcMs - before, asUtcMs - after].filter((ms) => ms + offsetMs(zone, ms) === asUtcMs);
  return fits.length > 0 ? Math.min(...fits) : asUtcMs - before;
}

/** The stretches of a period that lie in the windows, in order, those that touch or overlap joined. */
export function windowsBetween(
  zone: string,
  windows: readonly WeeklyWindow[],
  { fromMs, toMs }: Interval,
): readonly Interval[] {
  const lastDay = localTime(zone, toMs).day;
  const found: Interval[] = [];
  // A window that began the day before may reach into the period.
  for (let day = localTime(zone, fromMs).day - 1; day <= lastDay; day++)
    for (const { weekdays, from, to } of windows) {
      if (!weekdays.includes(weekdayOf(day))) continue;
      const [begin, end] = [minuteOf(from), minuteOf(to)];
      const clipped = {
        fromMs: Math.max(fromMs, momentOf(zone, { day, minute: begin })),
        toMs: Math.min(toMs, momentOf(zone, { day: end <= begin ? day + 1 : day, minute: end })),
      };
      if (clipped.fromMs < clipped.toMs) found.push(clipped);
    }
  return joined(found);
}

/** The window a moment lies in. Ends are looked for two days either way: a window lasts 25 hours at most. */
export function windowAt(zone: string, window: WeeklyWindow, atMs: number): Interval | undefined {
  const around = windowsBetween(zone, [window], { fromMs: atMs - 2 * DAY_MS, toMs: atMs + 2 * DAY_MS });
  return around.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
}

/** `2026-11-22` as days since 1970-01-01; undefined for what is no date. */
export function parseLocalDate(text: string): number | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const ms = Date.UTC(year, month - 1, day);
  const isReal = year >= 1970 && new Date(ms).getUTCMonth() === month - 1;
  return isReal ? ms / DAY_MS : undefined;
}

/** `19:00` as minutes after midnight. Wants text that has been checked. */
export function minuteOf(timeOfDay: string): number {
  return Number(timeOfDay.slice(0, 2)) * 60 + Number(timeOfDay.slice(3, 5));
}

/** 1 is Monday; 1970-01-01 was a Thursday. */
export function weekdayOf(day: number): number {
  return ((((day + 3) % 7) + 7) % 7) + 1;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** How far clocks there are ahead of UTC. */
function offsetMs(zone: string, atMs: number): number {
  const wholeMs = Math.floor(atMs / 1000) * 1000;
  const shown: Record<string, number> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(wholeMs)) shown[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = shown as Partial<Record<string, number>>;
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs;
}

/** Making one costs a hundred times what using it does. */
const formatters = new Map<string, Intl.DateTimeFormat>();
/** There are some 600 zones; more names than this are one zone written in many ways, and not worth keeping. */
const FORMATTERS_MAX = 1_000;

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (formatters.size >= FORMATTERS_MAX) formatters.clear();
  formatters.set(zone, made);
  return made;
}

function joined(intervals: readonly Interval[]): readonly Interval[] {
  const result: Interval[] = [];
  for (const next of [...intervals].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = result.at(-1);
    if (last !== undefined && next.fromMs <= last.toMs)
      result[result.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, next.toMs) };
    else result.push(next);
  }
  return result;
}
