import { type Alarm, type AlarmKind, type Priority, urgencyOf } from './alarm.ts';
import type { NotificationEvent } from './channel.ts';
import type { AlarmId, UserId } from './ids.ts';

/**
 * One deterioration makes several alarms of a patient within a minute, each with its own escalation. Whoever was called
 * to the bed a moment ago is on the way: calling them again takes their attention and adds nothing. Such a page is told
 * with the other one. It goes out by itself after all as soon as the other no longer stands for it: it failed, or its
 * alarm was taken, silenced or is over while this one still calls.
 */
export interface OtherPage {
  readonly deliveryId: string;
  readonly alarmId: AlarmId;
  readonly event: NotificationEvent;
  /** As it was told. */
  readonly priority: Priority;
  readonly orderedAtMs: number;
  /** Of one that arrived. */
  readonly deliveredAtMs?: number;
  /** `in-trouble`: an attempt at it has failed; it may never arrive. */
  readonly state: 'delivered' | 'under-way' | 'in-trouble';
  /**
   * Of two that are under way, only one waits for the other: for the one ordered first; the first time it is looked at
   * also for one ordered later whose sending has begun, which happens when that is more urgent, or was seen sooner. Only
   * then, so that two never wait for each other.
   */
  readonly goesFirst: boolean;
  /** Its alarm, as it is now. */
  readonly alarm: CallingAlarm & { readonly kind: AlarmKind };
}

/** What of an alarm says whether it calls for somebody. */
type CallingAlarm = Pick<Alarm, 'state' | 'condition' | 'acknowledgedAtMs' | 'snoozedUntilMs' | 'priority'>;

export interface PageInQuestion {
  readonly event: NotificationEvent;
  /** Whose it is; absent: a mailbox or a machine, which is told everything. */
  readonly userId?: UserId;
  /** As it was ordered. */
  readonly priority: Priority;
  readonly orderedAtMs: number;
  /** Asked for by a person, or by the watchdog because something failed. */
  readonly insists: boolean;
  readonly alarm: Pick<Alarm, 'kind' | 'priority'>;
  /** To the same address, about other alarms of the same patient. */
  readonly others: readonly OtherPage[];
  /** When an alarm of this patient was last taken, if one was. */
  readonly takenAtMs?: number;
}

/** Two minutes: as long as whoever was called needs to be at the bed. */
export const TOGETHER_MS = 120_000;

/** The page with which this one is told; undefined: none, and it goes out. One that has arrived comes first. */
export function pageThatTells(page: PageInQuestion, togetherMs: number): OtherPage | undefined {
  if (page.userId === undefined || page.insists || !JOINS.has(page.event)) return undefined;
  const standing = page.others.filter((other) => standsFor(other, page, togetherMs));
  return standing.find(({ state }) => state === 'delivered') ?? standing[0];
}

function standsFor(other: OtherPage, page: PageInQuestion, togetherMs: number): boolean {
  const { alarm, state, goesFirst, orderedAtMs, deliveredAtMs = Number.POSITIVE_INFINITY, event } = other;
  return (
    CALLS.has(event) &&
    // A cable that came off is no reason to run: neither stands for the other.
    alarm.kind === page.alarm.kind &&
    calls(alarm) &&
    urgency(page) <= Math.min(urgencyOf(other.priority), urgencyOf(alarm.priority)) &&
    Math.abs(page.orderedAtMs - orderedAtMs) < togetherMs &&
    // Whoever took one of them may have gone again: what rings after that is news.
    (page.takenAtMs === undefined || page.takenAtMs < deliveredAtMs) &&
    (state === 'delivered' || (state === 'under-way' && goesFirst))
  );
}

const urgency = ({ priority, alarm }: PageInQuestion) => Math.max(urgencyOf(priority), urgencyOf(alarm.priority));

/** Present, and nobody has it. */
export function calls({ state, condition, acknowledgedAtMs, snoozedUntilMs }: Omit<CallingAlarm, 'priority'>): boolean {
  return (
    state === 'active' && condition === 'present' && acknowledgedAtMs === undefined && snoozedUntilMs === undefined
  );
}

/** What may be told with another page. That it grew worse is always said. */
const JOINS: ReadonlySet<NotificationEvent> = new Set(['raised', 'returned', 'escalated', 'reminder']);
/** What calls somebody to the bed. */
const CALLS: ReadonlySet<NotificationEvent> = new Set([...JOINS, 'worsened']);

/**
 * How long a page that was told with one whose alarm has been taken waits before it goes out by itself: whoever took the
 * one is about to take the other.
 */
export const TAKEN_GRACE_MS = 15_000;
