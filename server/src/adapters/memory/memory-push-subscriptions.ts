import {
  PUSH_SUBSCRIPTIONS_MAX,
  type PushSubscription,
  type PushSubscriptions,
} from '../../ports/push-subscriptions.ts';

/** Push subscriptions that last as long as the process: for tests. */
export function memoryPushSubscriptions(): PushSubscriptions {
  const all = new Map<string, PushSubscription>();
  const ofUser = (userId: string) =>
    [...all.values()].filter((one) => one.userId === userId).sort((a, b) => a.createdAtMs - b.createdAtMs);
  return {
    async put(subscription) {
      const others = ofUser(subscription.userId).filter(({ id }) => id !== subscription.id);
      if (others.length >= PUSH_SUBSCRIPTIONS_MAX) return 'full';
      all.set(subscription.id, subscription);
      return 'kept';
    },
    of: async (userId) => ofUser(userId),
    async remove(userId, endpoint) {
      const found = ofUser(userId).find((one) => one.endpoint === endpoint);
      return found !== undefined && all.delete(found.id);
    },
    async removeGone(id) {
      all.delete(id);
    },
  };
}
