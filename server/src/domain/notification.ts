import type { Alarm, AlarmChange, Priority } from './alarm.ts';
import { NOTIFICATION_EVENTS, type NotificationEvent } from './channel.ts';

/**
 * Who is told of what, and in which words. A message may pass through mail servers and lock screens, so by default it
 * holds the least that gets a person to the bed: how urgent, and which bed. No name, no value, no rule.
 */
export interface NotificationRoute {
  /** The channel's name, e.g. `smtp`. */
  readonly channel: string;
  readonly recipient: string;
  /** Only these wards; empty or absent: all. */
  readonly wardIds?: readonly string[];
  readonly tells?: TellWhen;
}

/** Which changes of which alarms. */
export interface TellWhen {
  readonly changes: readonly AlarmChange['kind'][];
  readonly physiological: readonly Priority[];
  /** Technical alarms by rule: a flat battery can wait for the round. */
  readonly technical: readonly string[];
  /** A condition that returns to an open alarm is told only after it was away for this long. */
  readonly returnedAfterMs: number;
}

/**
 * A new alarm that asks for somebody, once. What follows (worse, ended, taken) is on the wall; but an old alarm that
 * nobody took must not hide that the patient is in danger again, so a condition is told anew when it returns after ten
 * minutes. A value that wavers about its limit returns sooner, and is not.
 */
export const TELL_BY_DEFAULT: TellWhen = {
  changes: ['raised', 'returned'],
  returnedAfterMs: 600_000,
  physiological: ['high', 'medium'],
  technical: ['technical.lost'],
};

/** The recipients of a change, each once per channel. */
export function recipientsOf(
  change: AlarmChange,
  routes: readonly NotificationRoute[],
): readonly { readonly channel: string; readonly recipient: string }[] {
  const told = new Map<string, { readonly channel: string; readonly recipient: string }>();
  for (const route of routes)
    if (concerns(route, change)) {
      const { channel, recipient } = route;
      told.set(`${channel}\n${recipient}`, { channel, recipient });
    }
  return [...told.values()];
}

function concerns({ wardIds = [], tells = TELL_BY_DEFAULT }: NotificationRoute, change: AlarmChange): boolean {
  const { kind, alarm, awayMs = 0 } = change;
  // An alarm whose ward is not known is everyone's.
  const isOurs = wardIds.length === 0 || alarm.wardId === undefined || wardIds.includes(alarm.wardId);
  if (!isOurs || !tells.changes.includes(kind)) return false;
  if (kind === 'returned' && awayMs < tells.returnedAfterMs) return false;
  return alarm.kind === 'physiological'
    ? tells.physiological.includes(alarm.priority)
    : tells.technical.includes(alarm.rule);
}

export interface NotificationText {
  readonly event: NotificationEvent;
  readonly alarm: { readonly id: string } & Pick<Alarm, 'priority' | 'kind' | 'raisedAtMs'>;
  readonly subject: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** `bed` is what the wall shows (`W3-01`); `wallUrl` where to look, if the installation has an address. */
export function notificationOf(
  change: AlarmChange,
  place: { readonly bed?: string; readonly wallUrl?: string },
): NotificationText {
  const { alarm, kind } = change;
  const where = place.bed === undefined ? 'no bed assigned' : `bed ${place.bed}`;
  const subject = `${headline(change)}, ${where}`;
  const raisedAt = new Date(alarm.raisedAtMs).toISOString();
  const lines = [subject, `Raised ${raisedAt}.`, ...(place.wallUrl === undefined ? [] : [`See ${place.wallUrl}`])];
  return {
    event: NOTIFICATION_EVENTS.find((event) => event === kind) ?? 'raised',
    alarm: { id: alarm.id, priority: alarm.priority, kind: alarm.kind, raisedAtMs: alarm.raisedAtMs },
    subject,
    text: `${lines.join('\n')}\n`,
    fields: {
      change: kind,
      priority: alarm.priority,
      kind: alarm.kind,
      raisedAt,
      alarmId: alarm.id,
      ...(place.bed === undefined ? {} : { bed: place.bed }),
    },
  };
}

function headline({ kind, alarm, previousPriority = alarm.priority }: AlarmChange): string {
  const name = `${alarm.priority === 'high' ? 'High' : alarm.priority === 'medium' ? 'Medium' : 'Low'} ${
    alarm.kind === 'technical' ? 'technical alarm' : 'alarm'
  }`;
  switch (kind) {
    case 'raised':
      return name;
    case 'worsened':
      return `${name} worse`;
    case 'returned':
      return `${name} again`;
    case 'ended':
      return `${name} over, not acknowledged`;
    case 'acknowledged':
      return `${name} acknowledged`;
    case 'resolved':
      return `${name} resolved`;
    case 'priority-changed':
      return `${name}, before ${previousPriority}`;
    case 'owner-changed':
      return `${name} taken over`;
    case 'released':
      return `${name} given back, nobody has it`;
    case 'snoozed':
      return `${name} silenced for a while`;
    case 'unsnoozed':
      return `${name} no longer silenced`;
    case 'acknowledgement-expired':
      return `${name} goes on, acknowledgement expired`;
    case 'reminder':
      return `${name} waits`;
    case 'escalated':
      return `${name} escalated`;
    case 'noted':
    case 'unchanged':
      return name;
    default:
      return name;
  }
}

/** What becomes of a delivery after one attempt. */
export type NextAttempt =
  | { readonly kind: 'retry'; readonly atMs: number }
  | { readonly kind: 'failed'; readonly reason: 'refused' | 'attempts-exhausted' | 'too-late' };

export interface RetryPolicy {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly attemptsMax: number;
  /** Counted from the raising of the alarm. */
  readonly giveUpAfterMs: number;
}

/**
 * 1, 2, 4 … seconds, then every five minutes, for four hours at most: a mail server that is down overnight must not pour
 * out yesterday's alarms in the morning. 60 attempts are what fits.
 */
export const RETRY_BY_DEFAULT: RetryPolicy = {
  firstMs: 1_000,
  maxMs: 300_000,
  attemptsMax: 60,
  giveUpAfterMs: 4 * 3_600_000,
};

/** `random` in [0, 1) spreads the retries of many deliveries (full jitter over the upper half). */
export function nextAttempt(
  attempt: {
    readonly number: number;
    readonly nowMs: number;
    readonly raisedAtMs: number;
    readonly outcome: { readonly kind: 'transient'; readonly retryAfterMs?: number } | { readonly kind: 'permanent' };
  },
  policy: RetryPolicy,
  random: number,
): NextAttempt {
  if (attempt.outcome.kind === 'permanent') return { kind: 'failed', reason: 'refused' };
  if (attempt.number >= policy.attemptsMax) return { kind: 'failed', reason: 'attempts-exhausted' };
  const backoffMs = Math.min(policy.firstMs * 2 ** Math.min(attempt.number - 1, 30), policy.maxMs);
  const ownMs = Math.round(backoffMs * (0.5 + random / 2));
  const waitMs = Math.max(ownMs, attempt.outcome.retryAfterMs ?? 0);
  const atMs = attempt.nowMs + waitMs;
  if (atMs > attempt.raisedAtMs + policy.giveUpAfterMs) return { kind: 'failed', reason: 'too-late' };
  return { kind: 'retry', atMs };
}
