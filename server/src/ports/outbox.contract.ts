import { beforeEach, describe, expect, it } from 'vitest';
import type { ConditionTransition } from '../domain/alarm.ts';
import type { NotificationEvent } from '../domain/channel.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId, UserId } from '../domain/ids.ts';
import type { AlarmStore } from './alarm-store.ts';
import type { Delivery, DeliveryOrder, DeliveryResult, FanOutPlan, Outbox } from './outbox.ts';

export interface OutboxWorld {
  readonly alarms: AlarmStore;
  readonly outbox: Outbox;
}

/** What every `Outbox` must do, over an empty store of alarms. */
export function outboxContract(engine: string, makeWorld: () => Promise<OutboxWorld>): void {
  describe(`${engine} as an outbox`, () => {
    let outbox: Outbox;
    let alarms: AlarmStore;
    beforeEach(async () => {
      ({ outbox, alarms } = await makeWorld());
    });
    const raise = (n = 1, priority: ConditionTransition['priority'] = 'high') => alarms.apply([began(n, priority)]);
    const acknowledge = (id: AlarmId) => alarms.acknowledge({ id, by: 'Noor', atMs: T + 60_000 });
    /** Tells every change of the kinds named to `recipients`. */
    const fanOut = (plan: Partial<FanOutPlan> = {}, kinds: readonly string[] = ['raised'], nowMs = T) =>
      outbox.fanOut(
        async (changes) =>
          changes.map(({ kind }) =>
            kinds.includes(kind)
              ? { event: kind as NotificationEvent, recipients: [MAIL], followUpOn: [], ...plan }
              : { recipients: [], followUpOn: [] },
          ),
        nowMs,
      );
    const take = (nowMs = T, limit = 10) => outbox.take({ nowMs, leaseUntilMs: nowMs + 30_000, limit });
    const record = (deliveryId: string, outcome: DeliveryResult['outcome'], attempt = 1, atMs = T + 10) =>
      outbox.record({ deliveryId, attempt, outcome, atMs });
    const delivered = (deliveryId: string, receipt?: string, atMs = T + 10) =>
      record(deliveryId, { kind: 'delivered', ...(receipt === undefined ? {} : { receipt }) }, 1, atMs);
    const takeOne = async (nowMs = T) => {
      const taken = await take(nowMs);
      expect(taken).toHaveLength(1);
      const [first] = taken;
      if (first === undefined) throw new Error('nothing was due');
      return first;
    };
    const order = (over: Partial<DeliveryOrder> = {}): DeliveryOrder => ({
      alarmId: 'A-1' as AlarmId,
      event: 'escalated',
      channel: 'sms',
      recipient: '+4930',
      userId: 'U-1' as UserId,
      dedupeKey: 'k1',
      ...over,
    });

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

    describe('of several alarms of one patient', () => {
      const NIA = { channel: 'sms', recipient: '+4930', userId: 'nia' as UserId };
      const of = (n: number) => ({ ...began(n, 'high'), patientId: 'P-1' as PatientId, rule: `rule-${n}` });
      /** Alarms of one patient, each ordered for Nia a second after the other. */
      const page = async (n: number, over: Partial<DeliveryOrder> = {}) => {
        await alarms.apply([of(n)]);
        const alarmId = `A-${n}` as AlarmId;
        await outbox.enqueue([order({ ...NIA, alarmId, dedupeKey: `n${n}`, event: 'raised', ...over })], T + n * 1_000);
      };
      const takeNow = (nowMs = T + 10_000, limit = 10) =>
        outbox.take({ nowMs, leaseUntilMs: nowMs + 30_000, limit, togetherMs: 120_000 });
      const others = ({ about }: Delivery) => (about.kind === 'alarm' ? about.lately.others : []);
      const end = (n: number) =>
        alarms.apply([
          {
            ...of(n),
            kind: 'ended',
            atMs: T + 60_000,
            position: { partition: 0, offset: 100 + n, step: 0 },
          },
        ]);
      /** A-1 is told, A-2 with it. */
      const toldTogether = async () => {
        await page(1);
        await page(2);
        const [first, second] = await takeNow();
        await delivered(first?.deliveryId ?? '', 'SM1');
        const told = await outbox.tellWith({
          deliveryId: second?.deliveryId ?? '',
          attempt: 1,
          toldWith: first?.deliveryId ?? '',
          atMs: T + 20,
        });
        expect(told).toBe(true);
        return { first: first as Delivery, second: second as Delivery };
      };

      it('says what this person was told of the others lately, and nothing of others', async () => {
        await page(1);
        await page(2);
        await raise(3);
        await outbox.enqueue([order({ ...NIA, alarmId: 'A-3' as AlarmId, dedupeKey: 'other patient' })], T + 3_000);
        await page(4, { recipient: '+4931', dedupeKey: 'another phone' });
        const taken = await takeNow();
        const [first, second, third, fourth] = taken as [Delivery, Delivery, Delivery, Delivery];
        expect(others(second)).toMatchObject([
          {
            deliveryId: first.deliveryId,
            alarmId: 'A-1',
            event: 'raised',
            priority: 'high',
            orderedAtMs: T + 1_000,
            state: 'under-way',
            isEarlier: true,
            alarm: { state: 'active', condition: 'present', priority: 'high', kind: 'physiological' },
          },
        ]);
        expect(others(first)).toMatchObject([{ deliveryId: second.deliveryId, isEarlier: false }]);
        expect([...others(third), ...others(fourth)]).toEqual([]);
      });
      it('knows what arrived, what is in trouble, and when one was taken', async () => {
        await page(1);
        const [first] = await takeNow(T + 2_000);
        await record(first?.deliveryId ?? '', { kind: 'retry', reason: 'busy', nextAtMs: T + 900_000 });
        await page(2);
        const [second] = await takeNow(T + 3_000);
        expect(others(second as Delivery)).toMatchObject([{ state: 'in-trouble' }]);
        await delivered(second?.deliveryId ?? '');
        await page(3);
        await acknowledge('A-1' as AlarmId);
        const [third] = await takeNow(T + 4_000);
        expect(
          others(third as Delivery).map(({ alarmId, state, deliveredAtMs }) => [alarmId, state, deliveredAtMs]),
        ).toEqual([
          ['A-1', 'in-trouble', undefined],
          ['A-2', 'delivered', T + 10],
        ]);
        expect(third?.about).toMatchObject({ lately: { takenAtMs: T + 60_000 } });
      });
      it('says nothing where it is told in any case, and when nothing is to be told together', async () => {
        await page(1);
        await page(2, { insists: true });
        expect((await takeNow()).map((each) => [others(each).length, each.insists])).toEqual([
          [1, false],
          [0, true],
        ]);
        expect((await take(T + 60_000)).flatMap(others)).toEqual([]);
      });
      it('one that is told with another shows what became of that', async () => {
        const { second } = await toldTogether();
        expect(await takeNow(T + 999_000)).toEqual([]);
        expect(await outbox.deliveries('A-2')).toMatchObject([
          {
            deliveryId: second.deliveryId,
            state: 'delivered',
            lastDetail: 'told-with',
            receipt: 'SM1',
            toldWith: { alarmId: 'A-1', atMs: T + 1_000 },
          },
        ]);
      });
      it('is not told with one that has not arrived, or whose alarm somebody has', async () => {
        await page(1);
        await page(2);
        const [first, second] = (await takeNow()) as [Delivery, Delivery];
        const tellWith = () =>
          outbox.tellWith({ deliveryId: second.deliveryId, attempt: 1, toldWith: first.deliveryId, atMs: T + 20 });
        expect(await tellWith()).toBe(false);
        await delivered(first.deliveryId);
        await acknowledge('A-1' as AlarmId);
        expect(await tellWith()).toBe(false);
        expect(await outbox.deliveries('A-2')).toMatchObject([{ state: 'pending' }]);
      });
      it('goes out by itself when the other is taken, a moment later', async () => {
        const { second } = await toldTogether();
        await acknowledge('A-1' as AlarmId);
        await fanOut({}, [], T + 60_000);
        expect(await takeNow(T + 74_999)).toEqual([]);
        expect(await takeNow(T + 75_000)).toMatchObject([{ deliveryId: second.deliveryId }]);
      });
      it('at once when the condition of the other has ended, or its message could not be brought', async () => {
        const { second } = await toldTogether();
        await end(1);
        await fanOut({}, [], T + 60_000);
        // It was never sent: this is its first attempt.
        expect(await takeNow(T + 60_000)).toMatchObject([
          { deliveryId: second.deliveryId, event: 'raised', attempt: 1 },
        ]);
      });
      it('at once when the message of the other could not be brought after all', async () => {
        const { second } = await toldTogether();
        await outbox.noteReceipt({ channel: 'sms', receipt: 'SM1', state: 'failed', atMs: T + 99 });
        expect(await takeNow(T + 99)).toMatchObject([{ deliveryId: second.deliveryId }]);
      });
      it('not when it calls nobody any more itself', async () => {
        await toldTogether();
        await acknowledge('A-2' as AlarmId);
        await acknowledge('A-1' as AlarmId);
        await fanOut({}, [], T + 60_000);
        expect(await takeNow(T + 999_000)).toEqual([]);
      });
      it('and not while the other still stands for it', async () => {
        await toldTogether();
        await alarms.act({ id: 'A-1' as AlarmId, act: { kind: 'escalate', step: 'on-call' }, by: 'Nia', atMs: T + 9 });
        await fanOut({}, [], T + 60_000);
        expect(await takeNow(T + 999_000)).toEqual([]);
      });
    });

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

const T = Date.UTC(2026, 10, 22, 1, 2, 3, 456);
const MAIL = { channel: 'mail', recipient: 'ward@example.org' } as const;
const HOOK = { channel: 'hook', recipient: 'endpoint-1' } as const;

function began(n: number, priority: ConditionTransition['priority']): ConditionTransition {
  return {
    kind: 'began',
    patientId: `P-${n}` as PatientId,
    rule: 'heartRate.above.high',
    ruleVersion: 3,
    alarmKind: 'physiological',
    priority,
    cause: { vital: 'heartRate', value: 167, comparison: 'above', limit: 160, text: 'HR 167 > 160' },
    readingId: `r-${n}` as ReadingId,
    deviceId: 'D-a' as DeviceId,
    atMs: T + n * 1_000,
    alarmId: `A-${n}` as AlarmId,
    position: { partition: 2, offset: n, step: 0 },
  };
}
