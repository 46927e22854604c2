import { type MessageFacts, type MessageWords, vitalToChart } from '../../domain/message-words.ts';
import { VITALS, type VitalName } from '../../domain/vital.ts';
import type { VitalsHistory } from '../../ports/vitals-history.ts';
import { type Trend, trendChart } from './chart/trend-chart.ts';
import type { MessageSources } from './compose.ts';

/**
 * A mail that shows the vital's last hour beside the words of the message. For channels that the policy calls rich; where
 * there is nothing to draw, the plain text says it all.
 */
export function createRichMail(parts: {
  readonly history: Pick<VitalsHistory, 'trend'>;
  readonly now: () => number;
  /** IANA; UTC by default. */
  readonly timeZone?: string;
}): NonNullable<MessageSources['rich']> {
  const { history, now, timeZone } = parts;
  return async (facts, alarm, words) => {
    const vital = vitalToChart(alarm);
    if (vital === undefined) return undefined;
    const toMs = now();
    const fromMs = Math.min(alarm.raisedAtMs - LEAD_MS, toMs - SHOWN_MS);
    const shown = { fromMs: Math.max(fromMs, toMs - SHOWN_MAX_MS), toMs };
    const points = await history.trend({ patientId: alarm.patientId, vital, ...shown, buckets: BUCKETS });
    if (points.length === 0) return undefined;
    const trend: Trend = {
      ...shown,
      label: `${SPOKEN[vital]} ${UNITS[vital]}`,
      points: points.map(({ atMs, mean }) => ({ atMs, value: Number(mean.toFixed(VITALS[vital].decimals)) })),
      raisedAtMs: alarm.raisedAtMs,
      ...limitOf(facts),
      ...(timeZone === undefined ? {} : { timeZone }),
    };
    const alt = altOf(trend);
    return { html: htmlOf(words, facts.wallUrl, alt), images: [{ cid: CID, png: trendChart(trend), alt }] };
  };
}

/** What came before the alarm says as much as what followed. */
const LEAD_MS = 1_800_000;
const SHOWN_MS = 3_600_000;
/** An alarm that has stood longer than this is past what a mail can show. */
const SHOWN_MAX_MS = 24 * 3_600_000;
/** A point for every third pixel. */
const BUCKETS = 280;
const CID = 'trend@healthsync';

function limitOf({ alarm: { cause } }: MessageFacts): Pick<Trend, 'limit'> {
  const { comparison, limit } = cause;
  return limit === undefined || comparison === undefined
    ? {}
    : { limit: { comparison: comparison === 'below' ? 'below' : 'above', value: limit } };
}

/** For those who see no pictures. */
function altOf({ label, points, limit }: Trend): string {
  const values = points.map(({ value }) => value);
  const range = `${label}: ${Math.min(...values)} to ${Math.max(...values)}, last ${values.at(-1)}`;
  return limit === undefined ? range : `${range}, limit ${limit.value}`;
}

/**
 * Tables and inline styles, as mail programs want them. Nothing is fetched from anywhere, everything is escaped, and the
 * only link is the wall's.
 */
function htmlOf({ subject, text }: MessageWords, wallUrl: string | undefined, alt: string): string {
  const lines = text
    .trim()
    .split('\n')
    .filter((line) => line !== subject && !(wallUrl !== undefined && line.includes(wallUrl)));
  const paragraphs = lines.map((line) => `<p style="margin:0 0 6px">${escaped(line)}</p>`).join('');
  const link =
    wallUrl === undefined ? '' : `<p style="margin:12px 0 0"><a href="${escaped(wallUrl)}">Open the wall</a></p>`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(subject)}</title></head><body style="margin:0;padding:16px;font:16px/1.4 sans-serif;color:#1a202c;background:#fff"><h1 style="margin:0 0 8px;font-size:20px">${escaped(subject)}</h1>${paragraphs}<img src="cid:${CID}" width="480" height="200" alt="${escaped(alt)}" style="display:block;max-width:100%;height:auto">${link}</body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

const SPOKEN: Readonly<Record<VitalName, string>> = {
  heartRate: 'Heart rate',
  spo2: 'SpO2',
  respiratoryRate: 'Respiratory rate',
  temperature: 'Temperature',
  systolic: 'Systolic pressure',
  diastolic: 'Diastolic pressure',
  mean: 'Mean pressure',
};

/** As wards write them; inside, UCUM. */
const UNITS: Readonly<Record<VitalName, string>> = {
  heartRate: '/min',
  spo2: '%',
  respiratoryRate: '/min',
  temperature: '°C',
  systolic: 'mmHg',
  diastolic: 'mmHg',
  mean: 'mmHg',
};
