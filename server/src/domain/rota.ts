import type { RotaId, TenantId, UserId, WardId } from './ids.ts';
import {
  type Interval,
  localTime,
  minuteOf,
  momentOf,
  parseLocalDate,
  type WeeklyWindow,
  windowsBetween,
} from './zoned-time.ts';

/**
 * Who is on call. In each layer of a rota people take turns; a handover is at a local time of day, so a week's turn is
 * an hour shorter or longer where the clocks change. An override gives a stretch of a layer to somebody else.
 */
export interface Rota {
  /** Whose. Absent: the first organisation's. */
  readonly tenantId?: TenantId;
  readonly id: RotaId;
  readonly version: number;
  readonly name: string;
  /** Whose alarms it is called for; empty: every ward. */
  readonly wardIds: readonly WardId[];
  /** IANA name. */
  readonly zone: string;
  /** In the order in which they are called. */
  readonly layers: readonly RotaLayer[];
}

export interface RotaLayer {
  readonly name: string;
  /** In the order of their turns. */
  readonly people: readonly UserId[];
  /** Local date of the first handover: `2026-11-02`. */
  readonly startsOn: string;
  /** `08:00` */
  readonly handoverAt: string;
  /** 7: a week each. */
  readonly turnDays: number;
  /** When somebody is needed; absent: always. */
  readonly hours?: readonly WeeklyWindow[];
}

export interface RotaOverride extends Interval {
  readonly id: string;
  readonly rotaId: RotaId;
  readonly layer: string;
  readonly userId: UserId;
  readonly madeAtMs: number;
}

/** A stretch of a layer in which nothing changes. Where nobody is needed, there is no stretch. */
export type RotaSpan = Interval & { readonly layer: string } & (
    | { readonly by: 'rotation'; readonly userId: UserId }
    | { readonly by: 'override'; readonly userId: UserId; readonly overrideId: string }
    | { readonly by: 'nobody' }
  );

/** Who is on call in a layer, and until when it stays so. */
export type OnCall = { readonly layer: string; readonly untilMs?: number } & (
  | { readonly by: 'rotation' | 'override'; readonly userId: UserId }
  | { readonly by: 'nobody' | 'not-needed' }
);

export function onCallAt(rota: Rota, overrides: readonly RotaOverride[], atMs: number): readonly OnCall[] {
  return rota.layers.map((layer): OnCall => {
    // As far as the next handover and a week: beyond, "until" is no longer interesting.
    const spans = layerSpans(rota, layer, overrides, { fromMs: atMs, toMs: atMs + (layer.turnDays + 7) * DAY_MS });
    const [first] = spans;
    if (first === undefined) return { layer: layer.name, by: 'not-needed' };
    if (first.fromMs > atMs) return { layer: layer.name, by: 'not-needed', untilMs: first.fromMs };
    return first.by === 'nobody'
      ? { layer: layer.name, by: 'nobody', untilMs: first.toMs }
      : { layer: layer.name, by: first.by, userId: first.userId, untilMs: first.toMs };
  });
}

/** The whole rota over a period, layer by layer, each in order of time. */
export function rotaSpans(rota: Rota, overrides: readonly RotaOverride[], period: Interval): readonly RotaSpan[] {
  return rota.layers.flatMap((layer) => layerSpans(rota, layer, overrides, period));
}

/** Stretches in which somebody is needed and nobody is on call. */
export function gapsOf(rota: Rota, overrides: readonly RotaOverride[], period: Interval): readonly RotaSpan[] {
  return rotaSpans(rota, overrides, period).filter(({ by }) => by === 'nobody');
}

function layerSpans(
  { id, zone }: Rota,
  layer: RotaLayer,
  overrides: readonly RotaOverride[],
  period: Interval,
): readonly RotaSpan[] {
  const own = overrides
    .filter(
      (each) =>
        each.rotaId === id && each.layer === layer.name && each.fromMs < period.toMs && each.toMs > period.fromMs,
    )
    // The one made last counts.
    .sort((a, b) => b.madeAtMs - a.madeAtMs || (a.id < b.id ? 1 : -1));
  const needed = layer.hours === undefined ? [period] : windowsBetween(zone, layer.hours, period);
  const turns = turnsOf(zone, layer, period);
  const edges = [...needed, ...turns, ...own, period].flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  const inside = edges.filter((ms) => ms >= period.fromMs && ms <= period.toMs);
  const points = [...new Set(inside)].sort((a, b) => a - b);
  const spans: RotaSpan[] = [];
  for (const [index, fromMs] of points.slice(0, -1).entries()) {
    const stretch = { fromMs, toMs: points[index + 1] as number, layer: layer.name };
    const override = own.find((each) => covers(each, fromMs));
    const turn = turns.find((each) => covers(each, fromMs));
    // Whoever was put there by name is on call, also when nobody would be needed.
    if (override !== undefined)
      push(spans, { ...stretch, by: 'override', userId: override.userId, overrideId: override.id });
    else if (!needed.some((each) => covers(each, fromMs))) continue;
    else
      push(
        spans,
        turn === undefined ? { ...stretch, by: 'nobody' } : { ...stretch, by: 'rotation', userId: turn.userId },
      );
  }
  return spans;
}

interface Turn extends Interval {
  readonly userId: UserId;
}

/** The turns that touch the period, whole. Before the first handover there are none. */
function turnsOf(zone: string, layer: RotaLayer, period: Interval): readonly Turn[] {
  const startDay = parseLocalDate(layer.startsOn);
  if (startDay === undefined || layer.people.length === 0 || !(layer.turnDays >= 1)) return [];
  const minute = minuteOf(layer.handoverAt);
  const handover = (turn: number) => momentOf(zone, { day: startDay + turn * layer.turnDays, minute });
  // One turn early: on the day of a handover it may not have come yet.
  let turn = Math.max(0, Math.floor((localTime(zone, period.fromMs).day - startDay) / layer.turnDays) - 1);
  const turns: Turn[] = [];
  for (let fromMs = handover(turn); fromMs < period.toMs; turn++) {
    const toMs = handover(turn + 1);
    const userId = layer.people[turn % layer.people.length] as UserId;
    if (toMs > period.fromMs) turns.push({ fromMs, toMs, userId });
    fromMs = toMs;
  }
  return turns;
}

/** Goes on with the last stretch where the same holds. */
function push(spans: RotaSpan[], next: RotaSpan): void {
  const last = spans.at(-1);
  const isSame =
    last !== undefined &&
    last.toMs === next.fromMs &&
    last.by === next.by &&
    holderOf(last) === holderOf(next) &&
    (last.by !== 'override' || (next.by === 'override' && last.overrideId === next.overrideId));
  if (isSame) spans[spans.length - 1] = { ...last, toMs: next.toMs };
  else spans.push(next);
}

const holderOf = (span: RotaSpan) => (span.by === 'nobody' ? undefined : span.userId);
const covers = ({ fromMs, toMs }: Interval, atMs: number) => fromMs <= atMs && atMs < toMs;
const DAY_MS = 86_400_000;
