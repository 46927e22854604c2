import { type Alarm, type AlarmChange, resolved, withdrawn } from './alarm.ts';
import { type AlarmPolicy, snoozeChoicesMs } from './alarm-policy.ts';
import type { UserId } from './ids.ts';

/** What people do to an alarm, and what becomes of it. */
export type AlarmAct =
  | { readonly kind: 'acknowledge' }
  /** Take it over; `from`: whose it was when it was seen, absent where nobody's. */
  | { readonly kind: 'own'; readonly from?: string; readonly note?: string }
  /** Its owner gives it back: it calls for somebody else. */
  | { readonly kind: 'release'; readonly note?: string }
  | { readonly kind: 'snooze'; readonly forMs: number }
  | { readonly kind: 'unsnooze' }
  | { readonly kind: 'note'; readonly note: string }
  /** Its escalation told further people: `step` names whom, without naming a person. */
  | { readonly kind: 'escalate'; readonly step: string };

export interface Actor {
  /** How they are named in what they did; of the program itself, its name. */
  readonly by: string;
  /** Absent where it is no person with an account here. */
  readonly byId?: UserId;
}

export type ActDecision =
  | { readonly kind: 'done'; readonly change: AlarmChange }
  | { readonly kind: 'refused'; readonly reason: ActRefusal; readonly alarm: Alarm };

export type ActRefusal =
  | 'already-acknowledged'
  | 'already-resolved'
  | 'owned-by-other' // not by whom the caller thought
  | 'not-owner'
  | 'snooze-not-offered' // not for this long, or not at all
  | 'not-snoozed'
  | 'too-many-notes';

/** Pages of talk about one alarm belong elsewhere; and a script that went mad must end somewhere. */
export const NOTES_MAX = 200;

export function actOn(
  alarm: Alarm,
  act: AlarmAct,
  actor: Actor,
  atMs: number,
  policy: Pick<AlarmPolicy, 'snoozeMs'>,
): ActDecision {
  const refused = (reason: ActRefusal): ActDecision => ({ kind: 'refused', reason, alarm });
  if ('note' in act && act.note !== undefined && alarm.notes >= NOTES_MAX) return refused('too-many-notes');
  if (act.kind === 'note') return done('noted', { ...alarm, notes: alarm.notes + 1 }, actor, atMs);
  if (alarm.state === 'resolved') return refused('already-resolved');
  switch (act.kind) {
    case 'acknowledge':
      return alarm.acknowledgedAtMs === undefined ? acknowledge(alarm, actor, atMs) : refused('already-acknowledged');
    case 'own':
      return own(alarm, act, actor, atMs);
    case 'release':
      return isOwner(alarm, actor) ? release(alarm, act, actor, atMs) : refused('not-owner');
    case 'snooze':
      return snoozeChoicesMs(alarm, policy).includes(act.forMs)
        ? snooze(alarm, act.forMs, actor, atMs)
        : refused('snooze-not-offered');
    case 'unsnooze':
      return alarm.snoozedUntilMs === undefined
        ? refused('not-snoozed')
        : done('unsnoozed', withdrawn(alarm, ['snooze']).alarm, actor, atMs);
    case 'escalate':
      return alarm.acknowledgedAtMs === undefined
        ? done('escalated', { ...alarm, escalationStep: act.step, escalatedAtMs: atMs }, actor, atMs)
        : refused('already-acknowledged');
    default:
      return act satisfies never;
  }
}

/** Whoever acknowledges looks after it. A condition that has ended needs no more than that: it is over. */
function acknowledge(alarm: Alarm, actor: Actor, atMs: number, note?: string): ActDecision {
  const { alarm: awake, undone } = withdrawn(alarm, ['snooze']);
  const taken = { ...owned(noted(awake, note), actor), acknowledgedAtMs: atMs, acknowledgedBy: actor.by };
  const more = {
    ...(undone === undefined ? {} : { undone }),
    ...(alarm.owner === undefined || alarm.owner === actor.by ? {} : { previousOwner: alarm.owner }),
  };
  return alarm.condition === 'ended'
    ? done('resolved', resolved(taken, 'person', atMs), actor, atMs, more)
    : done('acknowledged', taken, actor, atMs, more);
}

/**
 * Takes it from whom the caller saw it belonging to: of two who reach for the same colleague's alarm, one has it and the
 * other is told so. The note may say why; it is not asked for, since the bed may not wait for it. An alarm that nobody has
 * acknowledged is acknowledged by this.
 */
function own(alarm: Alarm, act: AlarmAct & { readonly kind: 'own' }, actor: Actor, atMs: number): ActDecision {
  if (isOwner(alarm, actor))
    return alarm.acknowledgedAtMs === undefined
      ? acknowledge(alarm, actor, atMs, act.note)
      : act.note === undefined
        ? { kind: 'done', change: { kind: 'unchanged', alarm, atMs } }
        : done('noted', noted(alarm, act.note), actor, atMs);
  if (alarm.owner !== act.from) return { kind: 'refused', reason: 'owned-by-other', alarm };
  if (alarm.acknowledgedAtMs === undefined) return acknowledge(alarm, actor, atMs, act.note);
  const previous = alarm.owner === undefined ? {} : { previousOwner: alarm.owner };
  return done('owner-changed', owned(noted(alarm, act.note), actor), actor, atMs, previous);
}

function release(alarm: Alarm, act: AlarmAct & { readonly kind: 'release' }, actor: Actor, atMs: number): ActDecision {
  const { alarm: untaken, undone } = withdrawn(noted(alarm, act.note), ['acknowledgement', 'snooze']);
  const { owner: previousOwner = actor.by, ownerId, ...free } = untaken;
  return done('released', { ...free, reminders: 0 }, actor, atMs, {
    previousOwner,
    ...(undone === undefined ? {} : { undone }),
  });
}

/** An acknowledgement does not expire under a snooze: both say "not now", and the later one counts. */
function snooze(alarm: Alarm, forMs: number, actor: Actor, atMs: number): ActDecision {
  const untilMs = atMs + forMs;
  const expiresAtMs = alarm.acknowledgementExpiresAtMs;
  const snoozed: Alarm = {
    ...alarm,
    snoozedUntilMs: untilMs,
    snoozedAtMs: atMs,
    snoozedBy: actor.by,
    ...(expiresAtMs === undefined ? {} : { acknowledgementExpiresAtMs: Math.max(expiresAtMs, untilMs) }),
  };
  return done('snoozed', snoozed, actor, atMs);
}

function owned(alarm: Alarm, { by, byId }: Actor): Alarm {
  const { owner, ownerId, ...free } = alarm;
  return { ...free, owner: by, ...(byId === undefined ? {} : { ownerId: byId }) };
}

/** By account where both are known, since a name can be changed; else by name. */
function isOwner({ owner, ownerId }: Alarm, { by, byId }: Actor): boolean {
  return ownerId !== undefined && byId !== undefined ? ownerId === byId : owner !== undefined && owner === by;
}

function noted(alarm: Alarm, note: string | undefined): Alarm {
  return note === undefined ? alarm : { ...alarm, notes: alarm.notes + 1 };
}

function done(
  kind: AlarmChange['kind'],
  alarm: Alarm,
  actor: Actor,
  atMs: number,
  more: Pick<AlarmChange, 'undone' | 'previousOwner'> = {},
): ActDecision {
  const byId = actor.byId === undefined ? {} : { byId: actor.byId };
  return { kind: 'done', change: { kind, alarm, atMs, by: actor.by, ...byId, ...more } };
}
