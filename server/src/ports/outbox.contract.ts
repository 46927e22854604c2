import { beforeEach, describe, expect, it } from 'vitest';
import type { ConditionTransition } from '../domain/alarm.ts';
import type { AlarmId, UserId } from '../domain/ids.ts';
import type { Outbox } from './outbox.ts';
import { HOOK, MAIL, type OutboxWorld, outboxDesk, T } from './outbox-desk.contract.ts';
import { toldTogetherContract } from './outbox-told-together.contract.ts';

/** What every `Outbox` must do, over an empty store of alarms. */
export function outboxContract(engine: string, makeWorld: () => Promise<OutboxWorld>): void {
  describe(`${engine} as an outbox`, () => {
    let world: OutboxWorld;
    let outbox: Outbox;
    beforeEach(async () => {
      world = await makeWorld();
      ({ outbox } = world);
    });
    const { raise, acknowledge, fanOut, take, record, delivered, takeOne, order } = outboxDesk(() => world);

    it('makes one delivery for each change, channel and recipient, and asks nobody where there is nothing', async () => {
      await raise();
      expect(await fanOut({ recipients: [MAIL, HOOK, MAIL] })).toBe(2);
      let asked = 0;
      await outbox.fanOut(async (changes) => {
        asked++;
        return changes.map(() => ({ recipients: [], followUpOn: [] }));
      }, T);
      expect(asked).toBe(0);
      const taken = await take();
      expect(
        taken.map(({ channel, recipient, attempt, event }) => [channel, recipient, attempt, event]).sort(),
      ).toEqual([
        ['hook', 'endpoint-1', 1, 'raised'],
        ['mail', 'ward@example.org', 1, 'raised'],
      ]);
    });

    it('asks once about what is to be told to nobody', async () => {
      await raise();
      expect(await fanOut({ recipients: [] })).toBe(0);
      expect(await fanOut()).toBe(0);
      await acknowledge('A-1' as AlarmId);
      expect(await fanOut({}, ['acknowledged'])).toBe(1);
      expect((await take()).map(({ event }) => event)).toEqual(['acknowledged']);
    });

    it('knows the alarm as it was to be told, and as it is now', async () => {
      await raise();
      await fanOut({ recipients: [{ ...MAIL, userId: 'U-1' as UserId }] });
      await acknowledge('A-1' as AlarmId);
      expect(await takeOne()).toMatchObject({
        userId: 'U-1',
        priority: 'high',
        orderedAtMs: T,
        isFollowUp: false,
        about: {
          kind: 'alarm',
          alarm: { id: 'A-1', acknowledgedBy: 'Noor' },
          change: { kind: 'raised', alarm: { raisedAtMs: T + 1_000 } },
          earlier: { wasDelivered: false, isPending: false, wasToldOfRaising: false },
        },
      });
    });

    it('a plan that fails loses nothing: the changes are there at the next try', async () => {
      await raise();
      await expect(outbox.fanOut(() => Promise.reject(new Error('no subscribers')), T)).rejects.toThrow();
      expect(await fanOut()).toBe(1);
    });

    it('takes an order once, however often it is given', async () => {
      await raise();
      expect(await outbox.enqueue([order(), order({ recipient: '+4931', dedupeKey: 'k2' })], T)).toBe(2);
      expect(await outbox.enqueue([order(), order({ dedupeKey: 'k3' })], T)).toBe(1);
      expect(await outbox.enqueue([order({ alarmId: 'A-none' as AlarmId, dedupeKey: 'k4' })], T)).toBe(0);
      expect(await outbox.enqueue([], T)).toBe(0);
      expect((await take()).map(({ recipient }) => recipient)).toEqual(['+4930', '+4931', '+4930']);
    });

    it('an order carries the alarm without a change', async () => {
      await raise();
      await outbox.enqueue([order()], T);
      const { about, event, userId } = await takeOne();
      expect({ about, event, userId }).toMatchObject({
        event: 'escalated',
        userId: 'U-1',
        about: { alarm: { id: 'A-1' } },
      });
      expect(about).not.toHaveProperty('change');
    });

    it('takes what is urgent first, and of the same what came first', async () => {
      await raise(1, 'low');
      await raise(2, 'medium');
      await raise(3, 'high');
      await raise(4, 'high');
      await fanOut();
      const ids = async (limit: number) =>
        (await take(T, limit)).map(({ about }) => (about.kind === 'alarm' ? about.alarm.id : ''));
      expect([...(await ids(3)), ...(await ids(3))]).toEqual(['A-3', 'A-4', 'A-2', 'A-1']);
    });

    it('gives a delivery to one notifier only, until its lease runs out', async () => {
      await raise();
      await fanOut({ recipients: [MAIL, HOOK] });
      const shares = await Promise.all([take(T, 1), take(T, 1), take(T, 1)]);
      const ids = shares.flat().map(({ deliveryId }) => deliveryId);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.length + (await take()).length).toBe(2);
      expect(await take(T + 29_999)).toEqual([]);
      expect((await take(T + 30_000)).map(({ attempt }) => attempt)).toEqual([2, 2]);
    });

    it('tries again when told to, and never again when it is done', async () => {
      await raise();
      await fanOut({ recipients: [MAIL, HOOK] });
      const [first, second] = await take();
      await delivered(first?.deliveryId ?? '', 'id 7');
      await record(second?.deliveryId ?? '', { kind: 'retry', reason: 'SMTP 451', nextAtMs: T + 5_000 });
      expect(await take(T + 4_999)).toEqual([]);
      expect(await take(T + 5_000)).toMatchObject([{ deliveryId: second?.deliveryId, attempt: 2 }]);
      await record(second?.deliveryId ?? '', { kind: 'failed', reason: 'SMTP 550' }, 2, T + 5_100);
      expect(await take(T + 999_000)).toEqual([]);
      const records = await outbox.deliveries('A-1');
      expect(
        records.map(({ state, attempts, lastDetail, receipt }) => [state, attempts, lastDetail, receipt]).sort(),
      ).toEqual([
        ['delivered', 1, 'delivered', 'id 7'],
        ['failed', 2, 'SMTP 550', undefined],
      ]);
      expect(records.find(({ state }) => state === 'delivered')).toMatchObject({
        deliveredAtMs: T + 10,
        updatedAtMs: T + 10,
      });
      expect(await outbox.deliveries('A-none')).toEqual([]);
    });

    it('an attempt that is outlived by its lease changes nothing, unless it delivered', async () => {
      await raise();
      await fanOut();
      const { deliveryId } = await takeOne();
      await takeOne(T + 30_000);
      await record(deliveryId, { kind: 'failed', reason: 'late' });
      expect(await outbox.deliveries('A-1')).toMatchObject([{ state: 'pending', attempts: 2 }]);
      await delivered(deliveryId);
      expect(await outbox.deliveries('A-1')).toMatchObject([{ state: 'delivered' }]);
    });

    it('what was only made to wait was no attempt', async () => {
      await raise();
      await fanOut();
      const { deliveryId } = await takeOne();
      await record(deliveryId, { kind: 'deferred', reason: 'limit', untilMs: T + 7_000 });
      expect(await take(T + 6_999)).toEqual([]);
      expect(await takeOne(T + 7_000)).toMatchObject({ deliveryId, attempt: 1 });
    });

    it('what was dropped is not taken again, and says why', async () => {
      await raise();
      await fanOut();
      await record((await takeOne()).deliveryId, { kind: 'dropped', reason: 'taken' });
      expect(await take(T + 999_000)).toEqual([]);
      expect(await outbox.deliveries('A-1')).toMatchObject([{ state: 'dropped', lastDetail: 'taken' }]);
    });

    describe('follows up', () => {
      it('what was told before, to the same, on the channels that change what they sent', async () => {
        await raise();
        await fanOut({ recipients: [MAIL, HOOK] });
        for (const { deliveryId, channel } of await take()) await delivered(deliveryId, `receipt of ${channel}`);
        await acknowledge('A-1' as AlarmId);
        expect(await fanOut({ recipients: [], followUpOn: ['hook'] }, ['acknowledged'])).toBe(1);
        expect(await takeOne()).toMatchObject({
          event: 'acknowledged',
          channel: 'hook',
          recipient: 'endpoint-1',
          isFollowUp: true,
          about: {
            earlier: {
              wasDelivered: true,
              isPending: false,
              wasToldOfRaising: true,
              latestOrderedAtMs: T,
              receipt: 'receipt of hook',
            },
          },
        });
      });
      it('a change that its subscriber is told anyway is told once, as what was asked for', async () => {
        await raise();
        await fanOut({ recipients: [HOOK] });
        await delivered((await takeOne()).deliveryId);
        await acknowledge('A-1' as AlarmId);
        expect(await fanOut({ recipients: [HOOK], followUpOn: ['hook'] }, ['acknowledged'])).toBe(1);
        expect(await takeOne()).toMatchObject({ isFollowUp: false });
      });
      it('knows that what it changes is still under way, and that nothing came of it', async () => {
        await raise();
        await fanOut({ recipients: [HOOK] });
        const first = await takeOne();
        await acknowledge('A-1' as AlarmId);
        await fanOut({ recipients: [], followUpOn: ['hook'] }, ['acknowledged']);
        const second = await takeOne();
        expect(second).toMatchObject({
          isFollowUp: true,
          about: { earlier: { isPending: true, wasDelivered: false } },
        });
        await record(first.deliveryId, { kind: 'failed', reason: 'refused' });
        await record(second.deliveryId, { kind: 'deferred', reason: 'follow-up', untilMs: T + 1 });
        expect(await takeOne(T + 1)).toMatchObject({ about: { earlier: { isPending: false, wasDelivered: false } } });
      });
    });

    describe('summarises', () => {
      const waiting = async (count: number, priority: ConditionTransition['priority'] = 'medium') => {
        for (let n = 1; n <= count; n++) await raise(n, priority);
        await fanOut();
        return await takeOne0();
      };
      const takeOne0 = async () => (await take(T, 1))[0];
      const summarise = (deliveryId: string, atLeast = 3) =>
        outbox.summarise({
          delivery: { deliveryId, ...MAIL },
          events: ['raised', 'returned'],
          neverHigh: ['raised'],
          atLeast,
          nowMs: T,
          leaseUntilMs: T + 30_000,
        });

      it('what waits for one recipient, as one that is taken already', async () => {
        const first = await waiting(4);
        const summary = await summarise(first?.deliveryId ?? '');
        expect(summary).toMatchObject({
          event: 'summary',
          ...MAIL,
          attempt: 1,
          priority: 'medium',
          about: { kind: 'summary', count: 4 },
        });
        expect(await take()).toEqual([]);
        expect(await outbox.deliveries('A-3')).toMatchObject([{ state: 'pending', lastDetail: 'summarised' }]);
        await delivered(summary?.deliveryId ?? '', 'id 9');
        expect(await outbox.deliveries('A-3')).toMatchObject([
          { state: 'delivered', lastDetail: 'summarised', deliveredAtMs: T + 10, receipt: 'id 9' },
        ]);
      });
      it('only what still calls for somebody', async () => {
        const first = await waiting(5);
        await acknowledge('A-4' as AlarmId);
        await acknowledge('A-5' as AlarmId);
        expect(await summarise(first?.deliveryId ?? '')).toMatchObject({ about: { count: 3 } });
        expect(await outbox.deliveries('A-4')).toMatchObject([{ state: 'pending' }]);
      });
      it('again after a failure, like any other', async () => {
        const first = await waiting(3);
        const summary = await summarise(first?.deliveryId ?? '');
        await record(summary?.deliveryId ?? '', { kind: 'retry', reason: 'busy', nextAtMs: T + 1 });
        expect(await takeOne(T + 1)).toMatchObject({ event: 'summary', attempt: 2, about: { count: 3 } });
      });
      it('not too few', async () => {
        const first = await waiting(2);
        expect(await summarise(first?.deliveryId ?? '')).toBeUndefined();
        expect(await take()).toHaveLength(1);
      });
      it('never the first words of a high alarm', async () => {
        await raise(9, 'high');
        const first = await waiting(3);
        expect(first?.priority).toBe('high');
        const [medium] = await take(T, 1);
        expect(await summarise(medium?.deliveryId ?? '')).toMatchObject({ about: { count: 3 } });
        expect(await outbox.deliveries('A-9')).toMatchObject([{ state: 'pending', attempts: 1 }]);
      });
      it('nothing that somebody else is sending', async () => {
        const first = await waiting(3);
        await take(T, 1);
        expect(await summarise(first?.deliveryId ?? '')).toBeUndefined();
        expect(await summarise(first?.deliveryId ?? '', 2)).toMatchObject({ about: { count: 2 } });
      });
    });

    toldTogetherContract(() => world);

    describe('receipts', () => {
      const sent = async () => {
        await raise();
        await fanOut();
        const { deliveryId } = await takeOne();
        await delivered(deliveryId, 'SM1');
        return deliveryId;
      };
      const note = (state: 'delivered' | 'failed' | 'read', receipt = 'SM1') =>
        outbox.noteReceipt({ channel: 'mail', receipt, state, detail: '30003', atMs: T + 99 });

      it('that come later are kept with the delivery, each once', async () => {
        const deliveryId = await sent();
        expect(await note('delivered')).toEqual({ deliveryId, recipient: MAIL.recipient, isNew: true });
        expect(await note('delivered')).toEqual({ deliveryId, recipient: MAIL.recipient, isNew: false });
        expect(await note('read')).toEqual({ deliveryId, recipient: MAIL.recipient, isNew: true });
        expect(await note('delivered')).toEqual({ deliveryId, recipient: MAIL.recipient, isNew: false });
        expect(await outbox.deliveries('A-1')).toMatchObject([
          { state: 'delivered', receiptState: 'read', receiptAtMs: T + 99 },
        ]);
      });
      it('that say it could not be brought make it failed, with the reason', async () => {
        await sent();
        expect(await note('failed')).toMatchObject({ isNew: true });
        expect(await outbox.deliveries('A-1')).toMatchObject([
          { state: 'failed', receiptState: 'failed', lastDetail: '30003' },
        ]);
      });
      it('of an arrival are not undone by a failure that comes late', async () => {
        await sent();
        await note('delivered');
        expect(await note('failed')).toMatchObject({ isNew: false });
        expect(await outbox.deliveries('A-1')).toMatchObject([{ state: 'delivered' }]);
      });
      it('that nobody knows change nothing', async () => {
        await sent();
        expect(await note('read', 'SM2')).toBeUndefined();
        expect(await outbox.noteReceipt({ channel: 'sms', receipt: 'SM1', state: 'read', atMs: T })).toBeUndefined();
      });
    });

    it('says what an address was told of last, and whether it was told of an alarm', async () => {
      expect(await outbox.latestTo(MAIL)).toBeUndefined();
      await raise(1);
      await fanOut();
      await delivered((await takeOne()).deliveryId, undefined, T + 10);
      await raise(2);
      await fanOut();
      const second = await takeOne(T + 20);
      expect(await outbox.latestTo(MAIL)).toEqual({ alarmId: 'A-1', event: 'raised', atMs: T + 10 });
      await delivered(second.deliveryId, undefined, T + 30);
      expect(await outbox.latestTo(MAIL)).toEqual({ alarmId: 'A-2', event: 'raised', atMs: T + 30 });
      expect(await outbox.latestTo(HOOK)).toBeUndefined();
      const told = (alarmId: string, over: { channel?: string; recipient?: string } = {}) =>
        outbox.wasTold({ alarmId: alarmId as AlarmId, channel: 'mail', ...over });
      expect(await told('A-1')).toBe(true);
      expect(await told('A-1', { recipient: MAIL.recipient })).toBe(true);
      expect(await told('A-1', { recipient: 'else' })).toBe(false);
      expect(await told('A-1', { channel: 'hook' })).toBe(false);
      expect(await told('A-3')).toBe(false);
    });

    it('tells of an alarm of the installation once per raising', async () => {
      const alarm = {
        id: 'channel.sms.failing',
        rule: 'channel.failing',
        priority: 'medium',
        text: 'x',
        state: 'active',
      } as const;
      expect(await outbox.enqueueSystem({ ...alarm, raisedAtMs: T }, [MAIL, HOOK], T)).toBe(2);
      expect(await outbox.enqueueSystem({ ...alarm, raisedAtMs: T }, [MAIL], T)).toBe(0);
      expect(await outbox.enqueueSystem({ ...alarm, raisedAtMs: T + 1 }, [MAIL], T)).toBe(1);
      expect((await take())[0]).toMatchObject({
        event: 'raised',
        priority: 'medium',
        about: { kind: 'system', alarm: { id: 'channel.sms.failing', raisedAtMs: T } },
      });
    });

    it('shows how each channel fares', async () => {
      expect(await outbox.traffic()).toEqual([]);
      await raise(1);
      await fanOut({ recipients: [MAIL, HOOK] });
      for (const { channel, deliveryId } of await take())
        if (channel === 'mail') await delivered(deliveryId);
        else await record(deliveryId, { kind: 'failed', reason: 'refused: HTTP 410' }, 1, T + 20);
      await raise(2);
      await fanOut({}, ['raised'], T + 500);
      expect([...(await outbox.traffic())].sort((a, b) => (a.channel < b.channel ? -1 : 1))).toEqual([
        { channel: 'hook', waiting: 0, lastFailedAtMs: T + 20, lastFailure: 'refused: HTTP 410' },
        { channel: 'mail', waiting: 1, oldestWaitingAtMs: T + 500, lastDeliveredAtMs: T + 10 },
      ]);
    });
  });
}
