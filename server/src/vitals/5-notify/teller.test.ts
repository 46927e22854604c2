import { afterEach, describe, expect, it } from 'vitest';
import { MemoryAlarmStore } from '../../adapters/memory/memory-alarm-store.ts';
import type { ConditionTransition } from '../../domain/alarm.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId } from '../../domain/ids.ts';
import { Failure } from '../../ports/failure.ts';
import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';
import { startTeller, type Teller, type TellerHooks, type TellerSettings } from './teller.ts';

const NOW = 1_800_000_000_000;
const ROUTES = [{ channel: 'test', recipient: 'nurse@ward.example' }];

/** A channel that answers as told, and remembers. */
function channel(answer: (attempt: number) => DeliveryOutcome | Promise<DeliveryOutcome>) {
  const sent: { readonly message: Notification; readonly key: string }[] = [];
  let atOnce = 0;
  const most = { atOnce: 0 };
  const notifier: Notifier = {
    channel: 'test',
    type: 'webhook',
    async send(message, { idempotencyKey }) {
      sent.push({ message, key: idempotencyKey });
      most.atOnce = Math.max(most.atOnce, ++atOnce);
      try {
        return await answer(sent.length);
      } finally {
        atOnce--;
      }
    },
  };
  return { notifier, sent, most };
}

function raise(store: MemoryAlarmStore, name = 'P1') {
  const transition: ConditionTransition = {
    kind: 'began',
    patientId: name as PatientId,
    rule: 'heartRate.above.high',
    ruleVersion: 1,
    alarmKind: 'physiological',
    priority: 'high',
    cause: { vital: 'heartRate', value: 167, comparison: 'above', limit: 160, text: 'HR 167 > 160' },
    readingId: 'r1' as ReadingId,
    deviceId: 'D1' as DeviceId,
    atMs: NOW,
    alarmId: `alarm-${name}` as AlarmId,
    position: { partition: 0, offset: 1, step: 0 },
  };
  return store.apply([transition]);
}

const running: Teller[] = [];
afterEach(async () => {
  for (const teller of running.splice(0)) await teller.stop();
});

function start(
  store: MemoryAlarmStore,
  notifiers: readonly Notifier[],
  hooks: TellerHooks = {},
  settings: Partial<TellerSettings> = {},
) {
  const clock = { nowMs: NOW };
  const teller = startTeller({
    outbox: store,
    notifiers,
    routes: ROUTES,
    bedOf: () => 'W3-01',
    now: () => clock.nowMs,
    monotonicMs: () => performance.now(),
    random: () => 0,
    hooks,
    settings: { pollMs: 5, ...settings },
  });
  running.push(teller);
  return { teller, clock };
}

async function until(claim: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await claim()); tries++) {
    if (tries > 5_000) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
const stateOf = async (store: MemoryAlarmStore, name = 'P1') => (await store.deliveries(`alarm-${name}`))[0];
const delivered = { kind: 'delivered', receipt: 'ok' } as const;

describe('a raised alarm', () => {
  it('is told once, with bed and urgency, and the delivery is recorded', async () => {
    const store = new MemoryAlarmStore();
    const { notifier, sent } = channel(() => delivered);
    start(store, [notifier]);
    await raise(store);
    await until(async () => (await stateOf(store))?.state === 'delivered');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(sent).toHaveLength(1);
    expect(sent[0]?.message).toMatchObject({ subject: 'High alarm, bed W3-01', recipient: 'nurse@ward.example' });
    expect(await stateOf(store)).toMatchObject({ attempts: 1, lastDetail: 'ok' });
  });

  it('is told at once when the teller is woken', async () => {
    const store = new MemoryAlarmStore();
    const { notifier, sent } = channel(() => delivered);
    const { teller } = start(store, [notifier], {}, { pollMs: 3_600_000 });
    await new Promise((resolve) => setTimeout(resolve, 10));
    await raise(store);
    teller.wake();
    await until(() => sent.length === 1);
  });

  it('is told again until it is delivered, each time under the same key', async () => {
    const store = new MemoryAlarmStore();
    const { notifier, sent } = channel((attempt) => (attempt < 3 ? { kind: 'transient', reason: 'busy' } : delivered));
    const { clock, teller } = start(store, [notifier]);
    await raise(store);
    await until(() => sent.length === 1);
    await until(async () => (await stateOf(store))?.attempts === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sent).toHaveLength(1);
    expect(teller.health().get('test')).toMatchObject({ failedInARow: 1, lastFailure: 'busy' });
    clock.nowMs += 500;
    await until(async () => (await stateOf(store))?.attempts === 2);
    clock.nowMs += 1_000;
    await until(async () => (await stateOf(store))?.state === 'delivered');
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
    expect(teller.health().get('test')).toMatchObject({ failedInARow: 0, lastDeliveredAtMs: NOW + 1_500 });
  });

  it('that is refused is recorded as failed, and said loudly', async () => {
    const store = new MemoryAlarmStore();
    const failed: string[] = [];
    const { notifier, sent } = channel(() => ({ kind: 'permanent', reason: 'SMTP 550' }));
    start(store, [notifier], { onFailed: (_delivery, reason) => failed.push(reason) });
    await raise(store);
    await until(async () => (await stateOf(store))?.state === 'failed');
    expect(failed).toEqual(['refused']);
    expect((await stateOf(store))?.lastDetail).toBe('refused: SMTP 550');
    expect(sent).toHaveLength(1);
  });

  it('waits for a channel that throws or is not configured', async () => {
    const store = new MemoryAlarmStore();
    const { notifier } = channel(() => {
      throw new TypeError('a defect');
    });
    start(store, [notifier]);
    await raise(store);
    await until(async () => (await stateOf(store))?.lastDetail === 'TypeError');
    expect((await stateOf(store))?.state).toBe('pending');
    const other = new MemoryAlarmStore();
    start(other, []);
    await raise(other);
    await until(async () => (await stateOf(other))?.lastDetail === 'channel not configured');
  });
});

describe('the teller', () => {
  it('sends no more at once than its bound, and all in the end', async () => {
    const store = new MemoryAlarmStore();
    const { notifier, sent, most } = channel(async () => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return delivered;
    });
    for (let i = 0; i < 30; i++) await raise(store, `P${i}`);
    start(store, [notifier], {}, { concurrencyMax: 4 });
    await until(async () =>
      (await Promise.all(Array.from({ length: 30 }, (_, i) => stateOf(store, `P${i}`)))).every(
        (each) => each?.state === 'delivered',
      ),
    );
    expect(most.atOnce).toBe(4);
    expect(sent).toHaveLength(30);
  });

  it('goes on when the outbox was away', async () => {
    const store = new MemoryAlarmStore();
    const errors: unknown[] = [];
    const { notifier, sent } = channel(() => delivered);
    await raise(store);
    store.refusal = new Failure('database-unavailable', 'away', { retryable: true });
    start(store, [notifier], { onOutboxError: (error) => errors.push(error) });
    await until(() => errors.length > 1);
    store.refusal = undefined;
    await until(() => sent.length === 1);
  });

  it('finishes and records what it is sending before it stops', async () => {
    const store = new MemoryAlarmStore();
    let answer: (outcome: DeliveryOutcome) => void = () => {};
    const { notifier, sent } = channel(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const { teller } = start(store, [notifier]);
    await raise(store);
    await until(() => sent.length === 1);
    const stopped = teller.stop();
    answer(delivered);
    await stopped;
    expect((await stateOf(store))?.state).toBe('delivered');
  });
});
