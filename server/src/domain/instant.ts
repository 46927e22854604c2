/**
 * A moment as RFC 3339 writes it, with its zone, in milliseconds since 1970 UTC. Stricter than `Date.parse`, which takes
 * local times and guesses; a reading whose zone must be guessed could be hours off.
 * Digits beyond the millisecond are cut off. A leap second (`23:59:60` UTC, RFC 3339 §5.7) counts as the second after.
 */
export function parseInstant(text: string): number | undefined {
  // The longest we take is `2026-11-22T01:02:03.123456789+01:00`.
  if (text.length < 20 || text.length > 35) return undefined;
  const day = parseDay(text);
  const timeMs = parseTimeOfDay(text);
  if (day === undefined || timeMs === undefined) return undefined;

  const fraction = parseFraction(text);
  if (fraction === undefined) return undefined;
  const offsetMs = parseOffset(text, fraction.end);
  if (offsetMs === undefined) return undefined;

  const atMs = day * DAY_MS + timeMs + fraction.ms - offsetMs;
  const isLeapSecond = text.charCodeAt(17) === 0x36;
  // Leap seconds are inserted at the end of a UTC day only.
  return isLeapSecond && mod(atMs - fraction.ms, DAY_MS) !== 0 ? undefined : atMs;
}

const DAY_MS = 86_400_000;

/** `YYYY-MM-DD` as days since 1970-01-01. */
function parseDay(text: string): number | undefined {
  const century = twoDigits(text, 0);
  const yearOfCentury = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (century < 0 || yearOfCentury < 0 || text[4] !== '-' || text[7] !== '-') return undefined;
  const year = century * 100 + yearOfCentury;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  return daysSince1970(year, month, day);
}

/** `Thh:mm:ss` in milliseconds; 60 seconds are let through for the leap second. */
function parseTimeOfDay(text: string): number | undefined {
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  const separator = text[10];
  if ((separator !== 'T' && separator !== 't') || text[13] !== ':' || text[16] !== ':') return undefined;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return undefined;
  return ((hour * 60 + minute) * 60 + second) * 1000;
}

/** `.123…` after the seconds, or nothing: whole milliseconds, and where the zone begins. */
function parseFraction(text: string): { readonly ms: number; readonly end: number } | undefined {
  if (text[19] !== '.') return { ms: 0, end: 19 };
  let ms = 0;
  let end = 20;
  let weight = 100;
  for (; end < text.length; end++) {
    const digit = text.charCodeAt(end) - 0x30;
    if (digit < 0 || digit > 9) break;
    ms += digit * weight;
    weight = Math.floor(weight / 10);
  }
  // At least one digit, at most nanoseconds.
  return end === 20 || end > 29 ? undefined : { ms, end };
}

/** `Z` or `±hh:mm`. */
function parseOffset(text: string, start: number): number | undefined {
  const sign = text[start];
  if (sign === 'Z' || sign === 'z') return text.length === start + 1 ? 0 : undefined;
  if ((sign !== '+' && sign !== '-') || text.length !== start + 6 || text[start + 3] !== ':') return undefined;
  const hours = twoDigits(text, start + 1);
  const minutes = twoDigits(text, start + 4);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined;
  return (sign === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** −1 where there are no two digits. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30;
  const ones = text.charCodeAt(at + 1) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/**
 * Proleptic Gregorian day count, with the year starting in March so that the leap day comes last:
 * 365 days a year, one more every 4, one less every 100, one more every 400; 153 days in any five months from March;
 * 719,468 days from 0000-03-01 to 1970-01-01.
 */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const monthFromMarch = (month + 9) % 12;
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}
