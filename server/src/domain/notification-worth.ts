import type { Alarm, Priority } from './alarm.ts';
import { CHANNEL_TRAITS, type ChannelType, type NotificationEvent } from './channel.ts';
import type { Rank } from './rate-limit.ts';
import { type PageInQuestion, pageThatTells, TOGETHER_MS } from './told-together.ts';

/** What is known of a delivery at the moment it could be sent. */
export interface DeliveryFacts {
  readonly event: NotificationEvent;
  readonly orderedAtMs: number;
  readonly channelType: ChannelType;
  /** Changes what this recipient was sent before, because of that alone. */
  readonly isFollowUp: boolean;
  /** The alarm as it is now. */
  readonly alarm: Pick<Alarm, 'state' | 'acknowledgedAtMs'>;
  /** Of the deliveries of this alarm to this recipient that were ordered before. */
  readonly earlier: {
    readonly wasDelivered: boolean;
    /** One is being sent, or still to be sent. */
    readonly isPending: boolean;
    /** One told of the raising. */
    readonly wasToldOfRaising: boolean;
    /** When the latest was ordered that was delivered or is under way, and was no mere change of another. */
    readonly latestOrderedAtMs?: number;
    /** What the latest is called on the other side. */
    readonly receipt?: string;
  };
  /** Of other alarms of the same patient to the same recipient, and how far apart pages may be to be one. */
  readonly page?: PageInQuestion;
  readonly togetherMs?: number;
}

/**
 * Whether it is still worth sending. `wait`: what it would change is itself under way. A reason is kept with the
 * delivery that was dropped.
 */
export type Worth =
  | { readonly kind: 'send' }
  | { readonly kind: 'wait' }
  /** The page of another alarm has called whom this one calls. */
  | { readonly kind: 'told-with'; readonly deliveryId: string }
  | { readonly kind: 'drop'; readonly reason: 'told-already' | 'nothing-to-change' | 'taken' | 'over' };

export function worthOf(facts: DeliveryFacts): Worth {
  const { event, earlier, alarm, isFollowUp } = facts;
  if (isFollowUp) return worthOfFollowUp(facts);
  if (event === 'raised' && earlier.wasToldOfRaising) return drop('told-already');
  // Whoever subscribed and is also next on the ladder: where nobody stood before them, both come within the same second.
  if (event === 'escalated' && CHANNEL_TRAITS[facts.channelType].isForPeople && isJustTold(facts))
    return earlier.isPending ? { kind: 'wait' } : drop('told-already');
  if (!CHANNEL_TRAITS[facts.channelType].isForPeople || !CALLS.includes(event)) return { kind: 'send' };
  // Nobody is called to what somebody has, or what is over.
  if (alarm.state === 'resolved') return drop('over');
  return alarm.acknowledgedAtMs === undefined ? worthBeside(facts) : drop('taken');
}

/** Beside what the same person was told of the same patient. */
function worthBeside({ page, togetherMs = TOGETHER_MS }: DeliveryFacts): Worth {
  const other = page && pageThatTells(page, togetherMs);
  if (other === undefined) return { kind: 'send' };
  // While it is on its way nobody knows yet that it arrives.
  return other.state === 'delivered' ? { kind: 'told-with', deliveryId: other.deliveryId } : { kind: 'wait' };
}

/** The same alarm twice within this is once too often; a minute later it is a reminder that nobody has come. */
const JUST_TOLD_MS = 60_000;

function isJustTold({ orderedAtMs, earlier }: DeliveryFacts): boolean {
  return earlier.latestOrderedAtMs !== undefined && orderedAtMs - earlier.latestOrderedAtMs < JUST_TOLD_MS;
}

function worthOfFollowUp({ event, alarm, earlier, channelType }: DeliveryFacts): Worth {
  if (earlier.isPending) return { kind: 'wait' };
  const { followUpsNeedReceipt, isForPeople } = CHANNEL_TRAITS[channelType];
  const canChange = earlier.wasDelivered && (followUpsNeedReceipt !== true || earlier.receipt !== undefined);
  if (!canChange) return drop('nothing-to-change');
  // The word that it is over is under way too, and must not be overtaken by this one. A machine wants both.
  const isOvertaken = event !== 'resolved' && alarm.state === 'resolved';
  return isOvertaken && isForPeople ? drop('over') : { kind: 'send' };
}

const drop = (reason: Extract<Worth, { kind: 'drop' }>['reason']): Worth => ({ kind: 'drop', reason });

/** Events that ask for somebody. The others inform, and whoever subscribed to them wants them late too. */
const CALLS: readonly NotificationEvent[] = ['raised', 'worsened', 'returned', 'ended', 'escalated', 'reminder'];

/**
 * What must never wait for our own limits: the first word of a high alarm to somebody. A reminder repeats what was said.
 */
export const FIRST_WORDS: readonly NotificationEvent[] = ['raised', 'worsened', 'returned', 'escalated'];

export function mustGo(event: NotificationEvent, priority: Priority): boolean {
  // A code is waited for by the person who asked for it, and has a limit of its own.
  if (event === 'verification') return true;
  return priority === 'high' && FIRST_WORDS.includes(event);
}

/** May be told as one with others. What changes an earlier message must reach that very message. */
export const SUMMARISED: readonly NotificationEvent[] = [...CALLS];

/** One that had to wait is told together with the others that wait from this many on: two are still read as two. */
export const SUMMARY_FROM = 3;

export function rankOf(priority: Priority): Rank {
  return priority === 'high' ? 0 : priority === 'medium' ? 1 : 2;
}
