import { beforeEach, describe, expect, it } from 'vitest';
import type { UserId } from '../domain/ids.ts';
import { PUSH_SUBSCRIPTIONS_MAX, type PushSubscription, type PushSubscriptions } from './push-subscriptions.ts';

/** What every `PushSubscriptions` must do. `make` answers with an empty one that knows the users `u1` and `u2`. */
export function pushSubscriptionsContract(engine: string, make: () => Promise<PushSubscriptions>): void {
  describe(`${engine} for push subscriptions`, () => {
    let subscriptions: PushSubscriptions;
    beforeEach(async () => {
      subscriptions = await make();
    });
    const idsOf = async (userId: string) => (await subscriptions.of(userId as UserId)).map(({ id }) => id);

    it('gives back what was kept, oldest first, to its own person only', async () => {
      expect(await subscriptions.put(browser('a'))).toBe('kept');
      expect(await subscriptions.put(browser('b', { createdAtMs: 2_000 }))).toBe('kept');
      expect(await subscriptions.of('u1' as UserId)).toEqual([browser('a'), browser('b', { createdAtMs: 2_000 })]);
      expect(await idsOf('u2')).toEqual([]);
    });
    it('the same browser subscribed again is one subscription, with its newest keys', async () => {
      await subscriptions.put(browser('a'));
      await subscriptions.put(browser('a', { auth: 'n'.repeat(22) }));
      expect(await subscriptions.of('u1' as UserId)).toEqual([browser('a', { auth: 'n'.repeat(22) })]);
    });
    it('a browser in which somebody else signs in no longer gets the first person’s messages', async () => {
      await subscriptions.put(browser('a'));
      await subscriptions.put(browser('a', { userId: 'u2' as UserId }));
      expect(await idsOf('u1')).toEqual([]);
      expect(await idsOf('u2')).toEqual(['a']);
    });
    it('removes only one’s own', async () => {
      await subscriptions.put(browser('a'));
      expect(await subscriptions.remove('u2' as UserId, browser('a').endpoint)).toBe(false);
      expect(await idsOf('u1')).toEqual(['a']);
      expect(await subscriptions.remove('u1' as UserId, browser('a').endpoint)).toBe(true);
      expect(await subscriptions.remove('u1' as UserId, browser('a').endpoint)).toBe(false);
      expect(await idsOf('u1')).toEqual([]);
    });
    it('forgets what the push service says is gone, once or twice', async () => {
      await subscriptions.put(browser('a'));
      await subscriptions.removeGone('a');
      await subscriptions.removeGone('a');
      expect(await idsOf('u1')).toEqual([]);
    });
    it('refuses more than one person may have, but renews one of those', async () => {
      for (let i = 0; i < PUSH_SUBSCRIPTIONS_MAX; i++) expect(await subscriptions.put(browser(`b${i}`))).toBe('kept');
      expect(await subscriptions.put(browser('more'))).toBe('full');
      expect(await subscriptions.put(browser('b0', { auth: 'n'.repeat(22) }))).toBe('kept');
      expect(await subscriptions.put(browser('more', { userId: 'u2' as UserId }))).toBe('kept');
    });
    it('the bound holds when one person’s browsers subscribe at once', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: PUSH_SUBSCRIPTIONS_MAX + 5 }, (_, i) => subscriptions.put(browser(`b${i}`))),
      );
      expect(outcomes.filter((outcome) => outcome === 'kept')).toHaveLength(PUSH_SUBSCRIPTIONS_MAX);
      expect(await idsOf('u1')).toHaveLength(PUSH_SUBSCRIPTIONS_MAX);
    });
  });
}

function browser(id: string, change: Partial<PushSubscription> = {}): PushSubscription {
  return {
    id,
    userId: 'u1' as UserId,
    endpoint: `https://push.example/${id}`,
    p256dh: 'B'.repeat(87),
    auth: 'a'.repeat(22),
    createdAtMs: 1_000,
    ...change,
  };
}
