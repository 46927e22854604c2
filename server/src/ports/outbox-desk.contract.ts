import { expect } from 'vitest';
import type { ConditionTransition } from '../domain/alarm.ts';
import type { NotificationEvent } from '../domain/channel.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId, UserId } from '../domain/ids.ts';
import type { AlarmStore } from './alarm-store.ts';
import type { DeliveryOrder, DeliveryResult, FanOutPlan, Outbox } from './outbox.ts';

export interface OutboxWorld {
  readonly alarms: AlarmStore;
  readonly outbox: Outbox;
}

/** What the contract of an outbox does to it, in its own words. */
export function outboxDesk(world: () => OutboxWorld) {
  const raise = (n = 1, priority: ConditionTransition['priority'] = 'high') =>
    world().alarms.apply([began(n, priority)]);
  const acknowledge = (id: AlarmId) => world().alarms.acknowledge({ id, by: 'Noor', atMs: T + 60_000 });
  /** Tells every change of the kinds named to `recipients`. */
  const fanOut = (plan: Partial<FanOutPlan> = {}, kinds: readonly string[] = ['raised'], nowMs = T) =>
    world().outbox.fanOut(
      async (changes) =>
        changes.map(({ kind }) =>
          kinds.includes(kind)
            ? { event: kind as NotificationEvent, recipients: [MAIL], followUpOn: [], ...plan }
            : { recipients: [], followUpOn: [] },
        ),
      nowMs,
    );
  const take = (nowMs = T, limit = 10) => world().outbox.take({ nowMs, leaseUntilMs: nowMs + 30_000, limit });
  const record = (deliveryId: string, outcome: DeliveryResult['outcome'], attempt = 1, atMs = T + 10) =>
    world().outbox.record({ deliveryId, attempt, outcome, atMs });
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
  return { raise, acknowledge, fanOut, take, record, delivered, takeOne, order };
}

export const T = Date.UTC(2026, 10, 22, 1, 2, 3, 456);
export const MAIL = { channel: 'mail', recipient: 'ward@example.org' } as const;
export const HOOK = { channel: 'hook', recipient: 'endpoint-1' } as const;

export function began(n: number, priority: ConditionTransition['priority']): ConditionTransition {
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
