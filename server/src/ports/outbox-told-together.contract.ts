import { beforeEach, describe, expect, it } from 'vitest';
import type { Priority } from '../domain/alarm.ts';
import type { AlarmId, PatientId, UserId } from '../domain/ids.ts';
import type { AlarmStore } from './alarm-store.ts';
import type { Delivery, DeliveryOrder, Outbox } from './outbox.ts';
import { began, type OutboxWorld, outboxDesk, T } from './outbox-desk.contract.ts';

/** One deterioration, one page: what an outbox must know of the other alarms of a patient. */
export function toldTogetherContract(world: () => OutboxWorld): void {
  describe('of several alarms of one patient', () => {
    let outbox: Outbox;
    let alarms: AlarmStore;
    beforeEach(() => {
      ({ outbox, alarms } = world());
    });
    const { raise, acknowledge, fanOut, take, record, delivered, order } = outboxDesk(world);
    const NIA = { channel: 'sms', recipient: '+4930', userId: 'nia' as UserId };
    const of = (n: number) => ({ ...began(n, 'high'), patientId: 'P-1' as PatientId, rule: `rule-${n}` });
    /** Alarms of one patient, each ordered for Nia a second after the other. */
    const page = async (n: number, over: Partial<DeliveryOrder> = {}, priority: Priority = 'high') => {
      await alarms.apply([{ ...of(n), priority }]);
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
          goesFirst: true,
          alarm: { state: 'active', condition: 'present', priority: 'high', kind: 'physiological' },
        },
      ]);
      expect(others(first)).toMatchObject([{ deliveryId: second.deliveryId, goesFirst: false }]);
      expect([...others(third), ...others(fourth)]).toEqual([]);
    });
    it('lets one that is being sent already go first, though ordered later; once, so that they never wait in a ring', async () => {
      await page(1, {}, 'medium');
      await page(2);
      const [[sent], [waits]] = [await takeNow(T + 2_000, 1), await takeNow(T + 2_000, 1)];
      expect(others(waits as Delivery)).toMatchObject([
        { deliveryId: sent?.deliveryId, state: 'under-way', goesFirst: true },
      ]);
      await record(waits?.deliveryId ?? '', { kind: 'deferred', reason: 'follow-up', untilMs: T + 3_000 });
      const [again] = await takeNow(T + 3_000);
      expect(again?.deliveryId).toBe(waits?.deliveryId);
      expect(others(again as Delivery)).toMatchObject([{ state: 'under-way', goesFirst: false }]);
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
      expect(await takeNow(T + 60_000)).toMatchObject([{ deliveryId: second.deliveryId, event: 'raised', attempt: 1 }]);
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
}
