import type { RotaId, UserId } from './ids.ts';
import { gapsOf, type Rota, type RotaLayer, type RotaOverride, type RotaSpan, rotaSpans } from './rota.ts';
import { type Interval, isZone, parseLocalDate } from './zoned-time.ts';

/** What keeps a rota from being taken, each with the field at fault. */
export interface RotaProblem {
  readonly code:
    | 'unknown-zone'
    | 'unknown-person'
    | 'unknown-ward'
    | 'not-a-date'
    | 'named-twice'
    | 'unknown-layer'
    | 'empty-period'
    | 'too-long'
    | 'in-the-past';
  /** Such as `layers.1.people.0`. */
  readonly field: string;
  readonly detail: string;
}

/** Every problem of a rota as asked for, at once. */
export function rotaProblems(
  rota: Omit<Rota, 'id' | 'version'>,
  known: { readonly userIds: ReadonlySet<string>; readonly wardIds: ReadonlySet<string> },
): readonly RotaProblem[] {
  const problems: RotaProblem[] = [];
  if (!isZone(rota.zone))
    problems.push({ code: 'unknown-zone', field: 'zone', detail: 'an IANA time zone, such as Europe/Berlin' });
  rota.wardIds.forEach((wardId, index) => {
    if (!known.wardIds.has(wardId))
      problems.push({ code: 'unknown-ward', field: `wardIds.${index}`, detail: 'there is no such ward' });
  });
  rota.layers.forEach((layer, index) => {
    problems.push(...layerProblems(layer, `layers.${index}`, known.userIds));
    if (rota.layers.findIndex(({ name }) => name === layer.name) < index)
      problems.push({ code: 'named-twice', field: `layers.${index}.name`, detail: 'another layer has this name' });
  });
  return problems;
}

function layerProblems(layer: RotaLayer, field: string, userIds: ReadonlySet<string>): readonly RotaProblem[] {
  const problems: RotaProblem[] = layer.people.flatMap((userId, index) =>
    userIds.has(userId)
      ? []
      : [
          {
            code: 'unknown-person' as const,
            field: `${field}.people.${index}`,
            detail: 'there is no such person, or disabled',
          },
        ],
  );
  if (parseLocalDate(layer.startsOn) === undefined)
    problems.push({ code: 'not-a-date', field: `${field}.startsOn`, detail: 'a date such as 2026-11-02' });
  return problems;
}

/** A year and a day: whatever lasts longer is a change of the rota, not an override. */
const OVERRIDE_MAX_MS = 366 * 86_400_000;

/** Every problem of an override as asked for, at once. */
export function overrideProblems(
  rota: Rota,
  override: Omit<RotaOverride, 'id' | 'rotaId' | 'madeAtMs'>,
  known: { readonly userIds: ReadonlySet<string>; readonly nowMs: number },
): readonly RotaProblem[] {
  const problems: RotaProblem[] = [];
  if (!rota.layers.some(({ name }) => name === override.layer))
    problems.push({
      code: 'unknown-layer',
      field: 'layer',
      detail: `one of ${rota.layers.map(({ name }) => name).join(', ')}`,
    });
  if (!known.userIds.has(override.userId))
    problems.push({ code: 'unknown-person', field: 'userId', detail: 'there is no such person, or disabled' });
  if (!(override.fromMs < override.toMs))
    problems.push({ code: 'empty-period', field: 'to', detail: 'must be after `from`' });
  else if (override.toMs - override.fromMs > OVERRIDE_MAX_MS)
    problems.push({ code: 'too-long', field: 'to', detail: 'at most 366 days after `from`' });
  // Who was on call in the past is a record and stays as it was.
  if (override.toMs <= known.nowMs)
    problems.push({ code: 'in-the-past', field: 'to', detail: 'must not be over already' });
  return problems;
}

export interface RotaInForce {
  readonly rota: Rota;
  readonly overrides: readonly RotaOverride[];
}

export type RotaWarning = Partial<Interval> & {
  readonly code: 'gap' | 'double-booked' | 'unknown-person' | 'unreachable' | 'overlapping-overrides';
  readonly rotaId: RotaId;
  readonly layer?: string;
  readonly userId?: UserId;
  readonly text: string;
};

/**
 * What will go wrong in a period if nobody acts, in the order of when. `others` are the rotas on which the same people
 * may be on call at the same time.
 */
export function rotaWarnings(
  { rota, overrides }: RotaInForce,
  people: {
    /** Who exists and is not disabled. */
    readonly isKnown: (userId: UserId) => boolean;
    readonly isReachable: (userId: UserId) => boolean;
  },
  period: Interval,
  others: readonly RotaInForce[] = [],
): readonly RotaWarning[] {
  const base = { rotaId: rota.id };
  const spans = rotaSpans(rota, overrides, period);
  const warnings: RotaWarning[] = gapsOf(rota, overrides, period).map(({ layer, fromMs, toMs }) => ({
    ...base,
    code: 'gap',
    layer,
    fromMs,
    toMs,
    text: `nobody is on call in layer ${layer}`,
  }));
  warnings.push(...peopleWarnings(base, spans, people), ...overlaps(base, overrides, period));
  const elsewhere = others
    .filter((other) => other.rota.id !== rota.id)
    .flatMap((other) =>
      rotaSpans(other.rota, other.overrides, period).map((span) => ({ span, where: `rota ${other.rota.name}` })),
    );
  warnings.push(...doubleBooked(base, spans, elsewhere));
  return warnings.sort((a, b) => (a.fromMs ?? 0) - (b.fromMs ?? 0));
}

/** One for each person and layer, from the first stretch it concerns. */
function peopleWarnings(
  base: { readonly rotaId: RotaId },
  spans: readonly RotaSpan[],
  { isKnown, isReachable }: Parameters<typeof rotaWarnings>[1],
): readonly RotaWarning[] {
  const seen = new Set<string>();
  return spans.flatMap((span): RotaWarning[] => {
    if (span.by === 'nobody' || seen.has(`${span.layer}\n${span.userId}`)) return [];
    seen.add(`${span.layer}\n${span.userId}`);
    const { layer, userId, fromMs, toMs } = span;
    if (!isKnown(userId))
      return [{ ...base, code: 'unknown-person', layer, userId, fromMs, toMs, text: 'on call, but no longer a user' }];
    if (!isReachable(userId))
      return [
        { ...base, code: 'unreachable', layer, userId, fromMs, toMs, text: 'on call, but has no verified contact' },
      ];
    return [];
  });
}

function overlaps(
  base: { readonly rotaId: RotaId },
  overrides: readonly RotaOverride[],
  period: Interval,
): readonly RotaWarning[] {
  const own = overrides.filter((each) => each.rotaId === base.rotaId);
  return pairs(own).flatMap(([a, b]): RotaWarning[] => {
    const both = common(common(a, b), period);
    if (both === undefined || a.layer !== b.layer || a.userId === b.userId) return [];
    const text = 'two overrides for one time: the one made last counts';
    return [{ ...base, ...both, code: 'overlapping-overrides', layer: a.layer, text }];
  });
}

/** Whoever is called first cannot also be the one who is called when the first does not answer. */
function doubleBooked(
  base: { readonly rotaId: RotaId },
  spans: readonly RotaSpan[],
  elsewhere: readonly { readonly span: RotaSpan; readonly where: string }[],
): readonly RotaWarning[] {
  const own = spans.map((span) => ({ span, where: `layer ${span.layer}` }));
  // Layers below, so that two layers are not warned about twice.
  const rank = new Map([...new Set(spans.map(({ layer }) => layer))].map((layer, index) => [`layer ${layer}`, index]));
  const byPerson = new Map<UserId, typeof own>();
  for (const booked of [...own, ...elsewhere]) {
    if (booked.span.by === 'nobody') continue;
    const of = byPerson.get(booked.span.userId);
    if (of === undefined) byPerson.set(booked.span.userId, [booked]);
    else of.push(booked);
  }
  return own.flatMap(({ span, where }) => {
    if (span.by === 'nobody') return [];
    const { layer, userId } = span;
    return (byPerson.get(userId) ?? []).flatMap((other): RotaWarning[] => {
      const both = common(span, other.span);
      const isLater = (rank.get(other.where) ?? Number.POSITIVE_INFINITY) > (rank.get(where) ?? 0);
      if (both === undefined || !isLater) return [];
      return [
        { ...base, ...both, code: 'double-booked', layer, userId, text: `on call in ${other.where} at the same time` },
      ];
    });
  });
}

function common(a: Interval | undefined, b: Interval): Interval | undefined {
  if (a === undefined) return undefined;
  const [fromMs, toMs] = [Math.max(a.fromMs, b.fromMs), Math.min(a.toMs, b.toMs)];
  return fromMs < toMs ? { fromMs, toMs } : undefined;
}

function pairs<T>(items: readonly T[]): readonly (readonly [T, T])[] {
  return items.flatMap((a, index) => items.slice(index + 1).map((b) => [a, b] as const));
}
