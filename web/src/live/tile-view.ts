import type { Alert } from '@healthsync/contracts/alert';
import type { Tile } from '@healthsync/contracts/live';
import {
  ALARM_MARK,
  type AlarmCall,
  type AlarmLook,
  alarmText,
  callOf,
  isUnacknowledged,
  lookOf,
} from './alarm-rank.ts';
import { ageText, connectionOf, durationText, type Freshness, freshnessOf } from './freshness.ts';

/** What one tile shows at one moment: plain strings, so that painting is comparing and nothing else. */
export interface TileView {
  readonly look: AlarmLook | 'none';
  readonly call: AlarmCall | 'none';
  readonly symbol: string;
  /** What needs no acknowledgement but must be seen: no data, leads off, waiting. */
  readonly notice: string;
  readonly alarm: string;
  /** Beside the alarm: ended when, taken by whom, how many more. */
  readonly alarmNote: string;
  /** The alarm somebody here could take now. */
  readonly toTake: string | undefined;
  readonly age: string;
  readonly marks: string;
  readonly connection: Tile['connection'];
  readonly heartRate: Shown;
  readonly spo2: Shown;
  readonly respiratoryRate: Shown;
  readonly pressure: Shown;
  readonly pressureAge: string;
  readonly temperature: Shown;
  readonly news2: Shown;
  readonly news2Tone: 'plain' | 'urgent' | 'emergency';
}

export interface Shown {
  readonly text: string;
  readonly freshness: Freshness | 'none';
  /** This value is what the alarm is about. */
  readonly isCause: boolean;
}

/** In place of a value that was there and is no longer known; never measured is a dash. */
export const LOST = '-?-';
const NEVER = '–';

export function tileView(tile: Tile, alarms: readonly Alert[], nowMs: number): TileView {
  const connection = connectionOf(tile, nowMs);
  const isSilent = connection === 'lost' || connection === 'offline';
  const [top] = alarms;
  const notice = top !== undefined && lookOf(top) === 'technical' ? '' : noticeOf(tile, connection, nowMs);
  const parts = alarmParts(alarms, nowMs);
  const causes = new Set(alarms.filter((alert) => alert.condition === 'present').map((alert) => alert.worst.vital));
  const show = (vital: string, decimals: number): Shown =>
    shown(tile, vital, { decimals, nowMs, isLost: isSilent || isLeadsOff(connection, vital), causes });
  return {
    ...parts,
    // Beside an alarm there is room for one of the two, and silence matters more than how long the alarm has lasted.
    alarmNote: notice === '' ? parts.alarmNote : '',
    toTake: alarms.find(isUnacknowledged)?.id,
    notice: top === undefined ? notice : notice.replace(/ [\d:]+$/, ''),
    age: ageOf(tile, connection, nowMs),
    marks: marksOf(tile),
    connection,
    heartRate: show('heartRate', 0),
    spo2: show('spo2', 0),
    respiratoryRate: show('respiratoryRate', 0),
    ...pressureParts(tile, { nowMs, causes }),
    temperature: shown(tile, 'temperature', { decimals: 1, nowMs, isLost: false, causes }),
    ...news2Parts(tile, connection, causes),
  };
}

/** Heart and breathing come by the leads; saturation, pressure and temperature have sensors of their own. */
function isLeadsOff(connection: Tile['connection'], vital: string): boolean {
  return connection === 'leads-off' && (vital === 'heartRate' || vital === 'respiratoryRate');
}

interface Showing {
  readonly decimals: number;
  readonly nowMs: number;
  readonly isLost: boolean;
  readonly causes: ReadonlySet<string | undefined>;
}

function shown(tile: Tile, vital: string, { decimals, nowMs, isLost, causes }: Showing): Shown {
  const value = tile.values[vital];
  if (value === undefined) return { text: isLost ? LOST : NEVER, freshness: isLost ? 'lost' : 'none', isCause: false };
  const freshness = isLost ? 'lost' : freshnessOf(value, nowMs);
  if (freshness === 'lost') return { text: LOST, freshness, isCause: false };
  return { text: value.v.toFixed(decimals), freshness, isCause: causes.has(vital) };
}

/** Measured now and then: it stands with its age, and is lost by its own interval, not by the connection's. */
function pressureParts(
  tile: Tile,
  { nowMs, causes }: Pick<Showing, 'nowMs' | 'causes'>,
): Pick<TileView, 'pressure' | 'pressureAge'> {
  const { systolic, diastolic } = tile.values;
  const first = systolic ?? diastolic;
  if (first === undefined) return { pressure: { text: NEVER, freshness: 'none', isCause: false }, pressureAge: '' };
  const freshness = freshnessOf(first, nowMs);
  const pressureAge = ageText(nowMs - Math.min(first.at, first.rx));
  if (freshness === 'lost') return { pressure: { text: LOST, freshness, isCause: false }, pressureAge };
  const part = (value: typeof first | undefined) => value?.v.toFixed(0) ?? NEVER;
  const isCause = causes.has('systolic') || causes.has('diastolic') || causes.has('mean');
  return { pressure: { text: `${part(systolic)}/${part(diastolic)}`, freshness, isCause }, pressureAge };
}

/** A partial score reads `≥3`: what is missing can only add to it. A lost one has no colour, it says nothing. */
function news2Parts(
  tile: Tile,
  connection: Tile['connection'],
  causes: ReadonlySet<string | undefined>,
): Pick<TileView, 'news2' | 'news2Tone'> {
  const { news2, news2NotApplicable } = tile;
  // Not "none yet": for this patient there will be none (RCP 2017: not under 16, not in pregnancy).
  if (news2NotApplicable !== undefined)
    return { news2: { text: 'n/a', freshness: 'none', isCause: false }, news2Tone: 'plain' };
  if (connection === 'lost' || connection === 'offline')
    return { news2: { text: LOST, freshness: 'lost', isCause: false }, news2Tone: 'plain' };
  if (news2 === undefined || Object.keys(news2.points).length === 0)
    return { news2: { text: NEVER, freshness: 'none', isCause: false }, news2Tone: 'plain' };
  const text = news2.missing.length > 0 ? `≥${news2.score}` : String(news2.score);
  const freshness = connection === 'stale' ? 'stale' : 'live';
  return { news2: { text, freshness, isCause: causes.has('news2') }, news2Tone: news2Tone(news2) };
}

/** RCP NEWS2 2017 chart 4: 7 and more emergency, 5–6 or a single parameter of 3 urgent. */
export function news2Tone(news2: NonNullable<Tile['news2']>): TileView['news2Tone'] {
  return news2.score >= 7 ? 'emergency' : news2.score >= 5 || news2.single3 ? 'urgent' : 'plain';
}

function alarmParts(
  alarms: readonly Alert[],
  nowMs: number,
): Pick<TileView, 'look' | 'call' | 'symbol' | 'alarm' | 'alarmNote'> {
  const [top] = alarms;
  if (top === undefined) return { look: 'none', call: 'none', symbol: '', alarm: '', alarmNote: '' };
  const look = lookOf(top);
  const call = callOf(top);
  const more = alarms.length > 1 ? `+${alarms.length - 1}` : '';
  return {
    look,
    call,
    symbol: ALARM_MARK[look].symbol,
    alarm: alarmText(top),
    alarmNote: [alarmNote(top, call, nowMs), more].filter((part) => part !== '').join(' '),
  };
}

function alarmNote(alert: Alert, call: TileView['call'], nowMs: number): string {
  if (call === 'taken') return `✓ ${alert.owner ?? alert.acknowledgedBy ?? ''}`;
  if (call === 'snoozed') return `zZ ${durationText(Date.parse(alert.snooze?.until ?? '') - nowMs)}`;
  if (call === 'latched') return `ended ${ageText(nowMs - Date.parse(alert.endedAt ?? alert.raisedAt))}`;
  return durationText(nowMs - Date.parse(alert.raisedAt));
}

function noticeOf(tile: Tile, connection: Tile['connection'], nowMs: number): string {
  const since = tile.lastAt === undefined ? '' : ` ${durationText(nowMs - tile.lastAt)}`;
  switch (connection) {
    case 'waiting':
      return 'Waiting for data';
    case 'lost':
      return `! NO DATA${since}`;
    case 'offline':
      return `! DEVICE OFFLINE${since}`;
    case 'leads-off':
      return '! LEADS OFF';
    case 'stale':
    case 'live':
      return '';
    default:
      return connection satisfies never;
  }
}

function ageOf(tile: Tile, connection: Tile['connection'], nowMs: number): string {
  if (tile.lastAt === undefined || connection === 'live') return '';
  const age = nowMs - tile.lastAt;
  return connection === 'leads-off' && age < 5_000 ? '' : ageText(age);
}

const BATTERY_LOW = 0.2;

function marksOf(tile: Tile): string {
  const battery = tile.battery !== undefined && tile.battery <= BATTERY_LOW;
  return [tile.oxygen === true ? 'O₂' : '', battery ? `Batt ${Math.round((tile.battery ?? 0) * 100)}%` : '']
    .filter((mark) => mark !== '')
    .join(' ');
}
