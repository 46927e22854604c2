import { type Alarm, type AlarmChange, type AlarmKind, type Priority, urgencyOf } from './alarm.ts';
import type { NotificationEvent } from './channel.ts';
import {
  DEFAULT_TENANT,
  type DepartmentId,
  parseDepartmentId,
  parseWardId,
  type TenantId,
  type UserId,
  type WardId,
} from './ids.ts';

/**
 * What people and endpoints subscribe to: `<class>.<priority>.<ward>` or `<class>.<priority>.@<department>`, where
 * whatever is left out or `*` means any.
 * `alarms.high.W3` is a high alarm of a patient of ward W3, `technical` any technical alarm of a patient, `system` one of
 * the installation. The ward comes last because its id may itself hold dots.
 */
export interface Topic {
  readonly class: TopicClass;
  readonly priority?: Priority;
  readonly wardId?: WardId;
  /** All of its wards, as they belong to it now. */
  readonly departmentId?: DepartmentId;
}

export type TopicClass = 'alarms' | 'technical' | 'system';

export interface Subscription {
  readonly id: string;
  readonly topic: Topic;
  readonly subscriber: Subscriber;
  /** Only what is at least this urgent. */
  readonly minPriority?: Priority;
  /** Which happenings; absent: what `isNews`. */
  readonly events?: readonly NotificationEvent[];
  /** Whose: of what happens in another organisation it hears nothing. Absent: the first one's. */
  readonly tenantId?: TenantId;
}

export type Subscriber =
  | { readonly kind: 'user'; readonly userId: UserId }
  | { readonly kind: 'endpoint'; readonly channel: string; readonly recipient: string };

/** A person as far as telling is concerned. Who is disabled is not among them. */
export interface ReachablePerson {
  /** Empty: all. */
  readonly wardIds: readonly WardId[];
  /** Whether this person's roles let them hear of patients' alarms. */
  readonly mayHearOfPatients: boolean;
  /** Verified ones only. */
  readonly contacts: readonly {
    readonly channel: string;
    readonly address: string;
    readonly minPriority?: Priority;
  }[];
}

export interface Recipient {
  readonly channel: string;
  readonly recipient: string;
  readonly userId?: UserId;
}

/** What is to be told, as far as it matters to whom. */
export interface Happening {
  readonly event: NotificationEvent;
  readonly class: TopicClass;
  readonly priority: Priority;
  /** Where it rang, and where the patient lies now. Empty: nobody knows, so it is everyone's. */
  readonly wardIds: readonly WardId[];
  /** Asks for somebody who does not know of it yet. */
  readonly isNews: boolean;
  /** In which organisation. Absent: in the first one; of the installation's alarms, in all of them. */
  readonly tenantId?: TenantId;
}

export function parseTopic(text: string): Topic | undefined {
  const [, kind, priority, ward] = /^(alarms|technical|system)(?:\.(high|medium|low|\*)(?:\.(.+))?)?$/.exec(text) ?? [];
  if (kind === undefined) return undefined;
  const isPlace = ward !== undefined && ward !== '*';
  const departmentId = isPlace && ward.startsWith('@') ? parseDepartmentId(ward.slice(1)) : undefined;
  const wardId = isPlace ? parseWardId(ward) : undefined;
  if (isPlace && (wardId ?? departmentId) === undefined) return undefined;
  // An installation's alarm is of no ward.
  if (kind === 'system' && ward !== undefined) return undefined;
  return {
    class: kind as TopicClass,
    ...(priority === undefined || priority === '*' ? {} : { priority: priority as Priority }),
    ...(wardId === undefined ? {} : { wardId }),
    ...(departmentId === undefined ? {} : { departmentId }),
  };
}

/** The shortest name of a topic. */
export function topicName({ class: kind, priority, wardId, departmentId }: Topic): string {
  if (departmentId !== undefined) return `${kind}.${priority ?? '*'}.@${departmentId}`;
  if (wardId !== undefined) return `${kind}.${priority ?? '*'}.${wardId}`;
  return priority === undefined ? kind : `${kind}.${priority}`;
}

/** A subscription of a department is one of each of its wards; of a department without wards, of none. */
export function ofWards(
  subscriptions: readonly Subscription[],
  wards: readonly { readonly id: WardId; readonly departmentId?: DepartmentId }[],
): readonly Subscription[] {
  return subscriptions.flatMap((subscription) => {
    const { departmentId, ...topic } = subscription.topic;
    if (departmentId === undefined) return [subscription];
    return wards
      .filter((ward) => ward.departmentId === departmentId)
      .map(({ id: wardId }) => ({ ...subscription, topic: { ...topic, wardId } }));
  });
}

/** The recipients of what happened, each once per channel. `people` holds everyone who is among the subscribers. */
export function recipientsOf(
  happening: Happening,
  subscriptions: readonly Subscription[],
  people: ReadonlyMap<UserId, ReachablePerson>,
): readonly Recipient[] {
  const told = new Map<string, Recipient>();
  for (const subscription of subscriptions) {
    if (!concerns(subscription, happening)) continue;
    for (const recipient of reached(subscription.subscriber, happening, people)) {
      const key = `${recipient.channel}\n${recipient.recipient}`;
      if (!told.has(key)) told.set(key, recipient);
    }
  }
  return [...told.values()];
}

function concerns(subscription: Subscription, happening: Happening): boolean {
  const { topic, minPriority, events } = subscription;
  // A department's wards are put in its place before (`ofWards`): of none it concerns nobody.
  if (topic.class !== happening.class || topic.departmentId !== undefined) return false;
  if (!isOfTenant(subscription, happening)) return false;
  if (topic.priority !== undefined && topic.priority !== happening.priority) return false;
  if (topic.wardId !== undefined && !isOf([topic.wardId], happening)) return false;
  if (!isUrgentEnough(happening.priority, minPriority)) return false;
  return events === undefined ? happening.isNews : events.includes(happening.event);
}

function isOfTenant(subscription: Subscription, happening: Happening): boolean {
  if (happening.class === 'system' && happening.tenantId === undefined) return true;
  return (subscription.tenantId ?? DEFAULT_TENANT) === (happening.tenantId ?? DEFAULT_TENANT);
}

function reached(
  subscriber: Subscriber,
  happening: Happening,
  people: ReadonlyMap<UserId, ReachablePerson>,
): readonly Recipient[] {
  if (subscriber.kind === 'endpoint') return [{ channel: subscriber.channel, recipient: subscriber.recipient }];
  const person = people.get(subscriber.userId);
  if (person === undefined || !mayHear(person, happening)) return [];
  return person.contacts
    .filter((contact) => isUrgentEnough(happening.priority, contact.minPriority))
    .map(({ channel, address }) => ({ channel, recipient: address, userId: subscriber.userId }));
}

function mayHear({ wardIds, mayHearOfPatients }: ReachablePerson, happening: Happening): boolean {
  if (happening.class === 'system') return true;
  return mayHearOfPatients && (wardIds.length === 0 || isOf(wardIds, happening));
}

function isOf(wardIds: readonly WardId[], happening: Happening): boolean {
  return happening.wardIds.length === 0 || happening.wardIds.some((ward) => wardIds.includes(ward));
}

function isUrgentEnough(priority: Priority, least: Priority | undefined): boolean {
  return least === undefined || urgencyOf(priority) >= urgencyOf(least);
}

/**
 * A condition that returns to an alarm nobody took is told anew after this long away: an old alarm must not hide that
 * the patient is in danger again. A value that wavers about its limit returns sooner, and is not.
 */
export const RETURNED_AFTER_MS = 600_000;

/** What a change of an alarm is to those who are told; undefined: nothing. `wardId` is where the patient lies now. */
export function happeningOf(change: AlarmChange, wardId?: WardId): Happening | undefined {
  const { alarm } = change;
  const event = eventOf(change);
  if (event === undefined) return undefined;
  return {
    event,
    class: CLASS_OF_KIND[alarm.kind],
    priority: alarm.priority,
    wardIds: [...new Set([alarm.wardId, wardId].filter((each) => each !== undefined))],
    isNews: isNews(change),
  };
}

const CLASS_OF_KIND: Readonly<Record<AlarmKind, TopicClass>> = { physiological: 'alarms', technical: 'technical' };

/**
 * New, or more urgent than it was, once. What follows (worse, ended, taken) is on the wall, and telling again those who
 * were told is the business of escalation.
 */
function isNews({ kind, awayMs = 0, alarm, previousPriority }: AlarmChange): boolean {
  if (kind === 'raised' || isMoreUrgent(alarm, previousPriority)) return true;
  return kind === 'returned' && awayMs >= RETURNED_AFTER_MS;
}

function isMoreUrgent({ priority }: Pick<Alarm, 'priority'>, before: Priority | undefined): boolean {
  return before !== undefined && urgencyOf(priority) > urgencyOf(before);
}

function eventOf({ kind, alarm, previousPriority }: AlarmChange): NotificationEvent | undefined {
  switch (kind) {
    case 'raised':
    case 'worsened':
    case 'returned':
    case 'ended':
    case 'acknowledged':
    case 'resolved':
    case 'reminder':
    case 'escalated':
      return kind;
    case 'priority-changed':
      return isMoreUrgent(alarm, previousPriority) ? 'worsened' : undefined;
    // Somebody had it, and nobody has it now.
    case 'acknowledgement-expired':
    case 'released':
      return 'reminder';
    case 'owner-changed':
      return 'acknowledged';
    case 'snoozed':
    case 'unsnoozed':
    case 'noted':
    case 'unchanged':
      return undefined;
    default:
      // A newer version may have written kinds that this one does not know.
      kind satisfies never;
      return undefined;
  }
}
