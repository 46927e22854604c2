import type { Priority } from '../domain/alarm.ts';
import type { NotificationEvent } from '../domain/channel.ts';
import type { UserId } from '../domain/ids.ts';
import type { Subscriber, Subscription, Topic } from '../domain/topic.ts';
import type { VersionedOutcome } from './versioned.ts';

/** Who asked to be told of what. Those of the settings are not here: the settings keep them. */
export interface TopicSubscriptions {
  /** All, oldest first. */
  list(): Promise<readonly StoredSubscription[]>;
  /** One per topic and subscriber: a second replaces the first, under its id. */
  put(subscription: {
    readonly topic: Topic;
    readonly subscriber: Subscriber;
    readonly minPriority?: Priority;
    readonly events?: readonly NotificationEvent[];
    readonly by: string;
    readonly atMs: number;
  }): Promise<StoredSubscription>;
  /** Of a person's list; 0: never set. Every change of it counts, whoever made it. */
  versionOf(userId: UserId): Promise<number>;
  /**
   * These of the person, and no others, in one step: from the version they were made from, and without one only where
   * the person never had any.
   */
  replaceOf(
    userId: UserId,
    wanted: readonly Pick<Subscription, 'topic' | 'minPriority' | 'events'>[],
    made: { readonly from?: number; readonly by: string; readonly atMs: number },
  ): Promise<VersionedOutcome>;
  remove(id: string, made: { readonly by: string; readonly atMs: number }): Promise<boolean>;
}

export interface StoredSubscription extends Subscription {
  readonly createdBy: string;
  readonly createdAtMs: number;
}
