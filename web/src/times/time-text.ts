import { HOUSE_ZONE, SCREEN_ZONE } from './house-zone.ts';

/** How exact, and with how much of the date. */
export type TimeStyle = keyof typeof STYLES;

/**
 * A moment in the house's zone. The zone is named where a reader may be mistaken: on a screen that is set to another, and
 * within a day of the clocks being changed, when `02:30` comes twice. `named`: always, where the time is evidence, and is
 * read elsewhere and years later (audit, security, consent).
 */
export function timeText(at: string | number, style: TimeStyle = 'minute', zone: ZoneShown = 'if-needed'): string {
  return houseText(typeof at === 'number' ? at : Date.parse(at), { style, zone });
}

/** `never`: what stands around it names the zone, as an axis does for all its times. */
type ZoneShown = 'named' | 'if-needed' | 'never';

/** `22 Nov 2026, 14:05 CET`: as evidence. */
export const evidenceText = (at: string): string => timeText(at, 'minute', 'named');

/** `22 Nov 2026` */
export const dayText = (at: string): string => timeText(at, 'day');

const NUMERIC_DAY = { day: 'numeric', month: 'short', year: 'numeric' } as const;
const CLOCK = { hour: '2-digit', minute: '2-digit' } as const;
const CLOCK_SECOND = { ...CLOCK, second: '2-digit' } as const;
/** Two figures: these stand below each other in lists. */
const SHORT_DAY = { day: '2-digit', month: 'short' } as const;

const STYLES = {
  /** `22 Nov 2026, 14:05` */
  minute: { ...NUMERIC_DAY, ...CLOCK },
  /** `22 Nov 2026, 14:05:09` */
  second: { ...NUMERIC_DAY, ...CLOCK_SECOND },
  /** `Sunday, 22 November 2026 at 14:05:09` */
  long: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', ...CLOCK_SECOND },
  /** `22 Nov, 14:05`: of the last days. */
  recent: { ...SHORT_DAY, ...CLOCK },
  'recent-second': { ...SHORT_DAY, ...CLOCK_SECOND },
  'recent-millisecond': { ...SHORT_DAY, ...CLOCK_SECOND, fractionalSecondDigits: 3 },
  /** `14:05`: within the hour. */
  clock: CLOCK,
  'clock-second': CLOCK_SECOND,
  /** `22 Nov 2026`: no zone is named, a day more or less is no mistake there. */
  day: NUMERIC_DAY,
  'recent-day': { day: 'numeric', month: 'short' },
} as const satisfies Readonly<Record<string, Intl.DateTimeFormatOptions>>;

interface Manner {
  readonly style: TimeStyle;
  readonly zone: ZoneShown;
  readonly house?: string;
  readonly screen?: string;
}

/** The zones as arguments: those of a page are there once and for all. */
export function houseText(atMs: number, manner: Manner): string {
  const { style, zone, house = HOUSE_ZONE, screen = SCREEN_ZONE } = manner;
  const hasClock = 'hour' in STYLES[style];
  const isNamed = hasClock && (zone === 'named' || (zone === 'if-needed' && isAmbiguous(atMs, { house, screen })));
  return formatOf(house, style, isNamed).format(atMs);
}

/** `CET`, `GMT-5`: what the house's zone is called at that moment. */
export function zoneName(atMs: number): string {
  return namePart(HOUSE_ZONE, atMs);
}

/** Whether this screen's clock shows anything else than the house's, so that a time that is typed needs its zone. */
export const isElsewhere = (atMs: number): boolean => offsetPart(HOUSE_ZONE, atMs) !== offsetPart(SCREEN_ZONE, atMs);

const DAY_MS = 86_400_000;

function isAmbiguous(atMs: number, { house, screen }: { readonly house: string; readonly screen: string }): boolean {
  const offset = offsetPart(house, atMs);
  if (house !== screen && offset !== offsetPart(screen, atMs)) return true;
  return offset !== offsetPart(house, atMs - DAY_MS) || offset !== offsetPart(house, atMs + DAY_MS);
}

/** By zone and what it is for: a format takes as long to make as a thousand times to use. */
const formats = new Map<string, Intl.DateTimeFormat>();

function kept(key: string, make: () => Intl.DateTimeFormat): Intl.DateTimeFormat {
  const format = formats.get(key) ?? make();
  formats.set(key, format);
  return format;
}

const formatOf = (timeZone: string, style: TimeStyle, isNamed: boolean): Intl.DateTimeFormat =>
  kept(
    `${timeZone} ${style} ${isNamed}`,
    () =>
      new Intl.DateTimeFormat('en-GB', {
        ...STYLES[style],
        hourCycle: 'h23',
        timeZone,
        ...(isNamed && { timeZoneName: 'short' }),
      }),
  );

function offsetPart(timeZone: string, atMs: number): string {
  return partOf(
    kept(`${timeZone} offset`, () => new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'longOffset' })),
    atMs,
  );
}

function namePart(timeZone: string, atMs: number): string {
  return partOf(
    kept(`${timeZone} name`, () => new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'short' })),
    atMs,
  );
}

const partOf = (format: Intl.DateTimeFormat, atMs: number): string =>
  format.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
