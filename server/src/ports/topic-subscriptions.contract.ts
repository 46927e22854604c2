import { beforeEach, describe, expect, it } from 'vitest';
import type { UserId } from '../domain/ids.ts';
import { parseTopic, type Topic, topicName } from '../domain/topic.ts';
import type { Accounts } from './accounts.ts';
import type { TopicSubscriptions } from './topic-subscriptions.ts';

export interface TopicSubscriptionsWorld {
  readonly topics: TopicSubscriptions;
  readonly accounts: Accounts;
}

/** What every `TopicSubscriptions` must do. */
export function topicSubscriptionsContract(engine: string, makeWorld: () => Promise<TopicSubscriptionsWorld>): void {
  describe(`${engine} for subscriptions`, () => {
    let topics: TopicSubscriptions;
    beforeEach(async () => {
      const world = await makeWorld();
      topics = world.topics;
      for (const [id, name] of [
        [NOOR, 'noor'],
        [BEN, 'ben'],
      ] as const)
        await world.accounts.putUser({ id, name, displayName: name, roles: ['nurse'], wardIds: [] });
    });
    const made = { by: 'noor', atMs: T };
    const names = async () => (await topics.list()).map(({ topic }) => topicName(topic)).sort();

    it('keeps all that was asked for', async () => {
      const wanted = {
        topic: topic('alarms.high.W3'),
        subscriber: MAIL,
        minPriority: 'medium',
        events: ['raised', 'ended'],
      } as const;
      const stored = await topics.put({ ...wanted, ...made });
      expect(stored).toEqual({ id: stored.id, ...wanted, createdBy: 'noor', createdAtMs: T });
      expect(await topics.list()).toEqual([stored]);
    });

    it('one per topic and subscriber: a second replaces the first', async () => {
      const first = await topics.put({ topic: topic('alarms'), subscriber: MAIL, minPriority: 'high', ...made });
      const second = await topics.put({ topic: topic('alarms'), subscriber: MAIL, ...made, by: 'ben' });
      expect(second.id).toBe(first.id);
      expect(second).not.toHaveProperty('minPriority');
      await topics.put({ topic: topic('alarms'), subscriber: { kind: 'user', userId: NOOR }, ...made });
      await topics.put({ topic: topic('alarms'), subscriber: { ...MAIL, recipient: 'b@x' }, ...made });
      expect(await topics.list()).toHaveLength(3);
    });

    it('replaces those of one person in one step, and leaves others alone', async () => {
      await topics.put({ topic: topic('alarms'), subscriber: MAIL, ...made });
      await topics.replaceOf(BEN, [{ topic: topic('technical') }], made);
      await topics.replaceOf(NOOR, [{ topic: topic('alarms.high') }, { topic: topic('system') }], made);
      await topics.replaceOf(NOOR, [{ topic: topic('system'), minPriority: 'high' }], { ...made, from: 1 });
      expect(await topics.list()).toContainEqual(
        expect.objectContaining({ subscriber: { kind: 'user', userId: NOOR }, minPriority: 'high' }),
      );
      expect(await names()).toEqual(['alarms', 'system', 'technical']);
      expect(await topics.replaceOf(NOOR, [], { ...made, from: 2 })).toEqual({ kind: 'kept', version: 3 });
      expect(await names()).toEqual(['alarms', 'technical']);
    });

    it('whoever replaces from an old version is told whose came between', async () => {
      const put = (by: string, from?: number) =>
        topics.replaceOf(NOOR, [{ topic: topic('alarms') }], { ...made, by, ...(from !== undefined && { from }) });
      expect(await put('noor')).toEqual({ kind: 'kept', version: 1 });
      const { id } = await topics.put({
        topic: topic('system'),
        subscriber: { kind: 'user', userId: NOOR },
        ...made,
        by: 'operator',
      });
      expect(await put('noor', 1)).toMatchObject({ kind: 'changed-meanwhile', version: 2, by: 'operator' });
      await topics.remove(id, made);
      const both = await Promise.all([put('noor', 3), put('noor', 3)]);
      expect(both.map(({ kind }) => kind).sort()).toEqual(['changed-meanwhile', 'kept']);
      expect(await topics.versionOf(NOOR)).toBe(4);
    });

    it('ends one, once', async () => {
      const { id } = await topics.put({ topic: topic('alarms'), subscriber: MAIL, ...made });
      expect([await topics.remove(id, made), await topics.remove(id, made)]).toEqual([true, false]);
      expect(await topics.list()).toEqual([]);
    });
  });
}

const T = Date.UTC(2026, 10, 22, 1, 2, 3);
const NOOR = 'U-noor' as UserId;
const BEN = 'U-ben' as UserId;
const MAIL = { kind: 'endpoint', channel: 'smtp', recipient: 'ward@x' } as const;
const topic = (text: string) => parseTopic(text) as Topic;
