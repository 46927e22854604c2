import { afterEach, describe, expect, it } from 'vitest';
import { MemoryAlarmStore } from '../../adapters/memory/memory-alarm-store.ts';
import { MemoryOutbox } from '../../adapters/memory/memory-outbox.ts';
import type { ConditionTransition } from '../../domain/alarm.ts';
import type { ChannelType } from '../../domain/channel.ts';
import type { AlarmId, DeviceId, PatientId, ReadingId, WardId } from '../../domain/ids.ts';
import { type ChannelPolicy, defaultPolicy } from '../../domain/message-policy.ts';
import { parseTopic, type Subscription } from '../../domain/topic.ts';
import { Failure } from '../../ports/failure.ts';
import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';
import { createChannelWatch } from './channel-watch.ts';
import type { MessageSources } from './compose.ts';
import { startTeller, type Teller, type TellerHooks, type TellerSettings } from './teller.ts';

const NOW = 1_800_000_000_000;

/** A channel that answers as told, and remembers. */
function channel(
  answer: (attempt: number, message: Notification) => DeliveryOutcome | Promise<DeliveryOutcome> = () => DELIVERED,
  type: ChannelType = 'smtp',
) {
  const sent: { readonly message: Notification; readonly key: string }[] = [];
  let atOnce = 0;
  const most = { atOnce: 0 };
  const notifier: Notifier = {
    channel: 'test',
    type,
    async send(message, { idempotencyKey }) {
      sent.push({ message, key: idempotencyKey });
      most.atOnce = Math.max(most.atOnce, ++atOnce);
      try {
        return await answer(sent.length, message);
      } finally {
        atOnce--;
      }
    },
  };
  return { notifier, sent, most };
}

interface World {
  readonly alarms: MemoryAlarmStore;
  readonly outbox: MemoryOutbox;
}

function makeWorld(): World {
  const alarms = new MemoryAlarmStore({ now: () => NOW });
  return { alarms, outbox: new MemoryOutbox(alarms) };
}

let offset = 0;
function raise({ alarms }: World, name = 'P1', over: Partial<ConditionTransition> = {}) {
  const transition: ConditionTransition = {
    kind: 'began',
    patientId: name as PatientId,
    rule: 'heartRate.above.high',
    ruleVersion: 1,
    alarmKind: 'physiological',
    priority: 'high',
    cause: { vital: 'heartRate', value: 187, comparison: 'above', limit: 160, text: 'HR 187 > 160' },
    readingId: 'r1' as ReadingId,
    deviceId: 'D1' as DeviceId,
    atMs: NOW,
    alarmId: `alarm-${name}` as AlarmId,
    position: { partition: 0, offset: ++offset, step: 0 },
    ...over,
  };
  return alarms.apply([transition]);
}
const acknowledge = ({ alarms }: World, name = 'P1') =>
  alarms.acknowledge({ id: `alarm-${name}` as AlarmId, by: 'Noor', atMs: NOW });

const running: Teller[] = [];
afterEach(async () => {
  for (const teller of running.splice(0)) await teller.stop();
});

function start(
  { outbox }: World,
  notifiers: readonly Notifier[],
  options: {
    readonly hooks?: TellerHooks;
    readonly settings?: Partial<TellerSettings>;
    readonly policy?: Partial<ChannelPolicy>;
    readonly subscriptions?: readonly Subscription[];
    readonly sources?: Partial<MessageSources>;
    readonly policies?: () => Promise<ReadonlyMap<string, ChannelPolicy>>;
  } = {},
) {
  const clock = { nowMs: NOW };
  const now = () => clock.nowMs;
  const raised = new Map<string, { readonly priority: string; readonly text: string }>();
  const watch = createChannelWatch({
    channels: notifiers.map((each) => each.channel),
    systemAlarms: { raise: ({ id, ...alarm }) => void raised.set(id, alarm), clear: (id) => void raised.delete(id) },
    now,
  });
  const policy = { ...defaultPolicy(notifiers[0]?.type ?? 'smtp'), ...options.policy };
  const teller = startTeller({
    outbox,
    notifiers,
    subscribers: async () => ({ subscriptions: options.subscriptions ?? [subscribe('alarms')], people: new Map() }),
    policies: options.policies ?? (async () => new Map([['test', policy]])),
    sources: { placeOf: () => ({ bed: 'W3-01', wardId: 'W3' as WardId }), ...options.sources },
    watch,
    now,
    monotonicMs: () => performance.now(),
    random: () => 0,
    hooks: options.hooks ?? {},
    settings: { pollMs: 5, ...options.settings },
  });
  running.push(teller);
  return { teller, clock, watch, raised };
}

function subscribe(topic: string, over: Partial<Subscription> = {}): Subscription {
  const parsed = parseTopic(topic);
  if (parsed === undefined) throw new Error('no such topic');
  const subscriber = { kind: 'endpoint', channel: 'test', recipient: 'nurse@ward.example' } as const;
  return { id: topic, topic: parsed, subscriber, ...over };
}

async function until(claim: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await claim()); tries++) {
    if (tries > 5_000) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
const recordOf = async ({ outbox }: World, name = 'P1') => (await outbox.deliveries(`alarm-${name}`))[0];
const stateIs =
  (world: World, state: string, name = 'P1') =>
  async () =>
    (await recordOf(world, name))?.state === state;
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 30));
const DELIVERED = { kind: 'delivered', receipt: 'id 7' } as const;
const BUSY = { kind: 'transient', reason: 'busy' } as const;

describe('a raised alarm', () => {
  it('is told once, with bed and urgency and nothing else, and the receipt is kept', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel();
    start(world, [notifier]);
    await raise(world);
    await until(stateIs(world, 'delivered'));
    await aWhile();
    expect(sent).toHaveLength(1);
    expect(sent[0]?.message).toMatchObject({
      subject: 'High alarm, bed W3-01',
      recipient: 'nurse@ward.example',
      event: 'raised',
      alarm: { id: 'alarm-P1', priority: 'high' },
    });
    expect(JSON.stringify(sent[0]?.message)).not.toMatch(/187|160|heart/);
    expect(await recordOf(world)).toMatchObject({ attempts: 1, receipt: 'id 7' });
  });

  it('is told at once when the teller is woken', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel();
    const { teller } = start(world, [notifier], { settings: { pollMs: 3_600_000 } });
    await new Promise((resolve) => setTimeout(resolve, 10));
    await raise(world);
    teller.wake();
    await until(() => sent.length === 1);
  });

  it('is told again until it is delivered, each time under the same key', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel((attempt) => (attempt < 3 ? BUSY : DELIVERED));
    const { clock, watch } = start(world, [notifier]);
    await raise(world);
    await until(async () => (await recordOf(world))?.lastDetail === 'busy');
    await aWhile();
    expect(sent).toHaveLength(1);
    expect(watch.health().get('test')).toMatchObject({ failedInARow: 1, lastFailure: 'busy' });
    clock.nowMs += 500;
    await until(async () => (await recordOf(world))?.attempts === 2);
    clock.nowMs += 1_000;
    await until(stateIs(world, 'delivered'));
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
    expect(watch.health().get('test')).toMatchObject({ failedInARow: 0, lastDeliveredAtMs: NOW + 1_500 });
  });

  it('waits as long as the other side asks', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel((attempt) =>
      attempt === 1 ? { kind: 'transient', reason: 'HTTP 429', retryAfterMs: 60_000 } : DELIVERED,
    );
    const { clock } = start(world, [notifier]);
    await raise(world);
    await until(async () => (await recordOf(world))?.lastDetail === 'HTTP 429');
    clock.nowMs += 59_999;
    await aWhile();
    expect(sent).toHaveLength(1);
    clock.nowMs += 1;
    await until(stateIs(world, 'delivered'));
  });

  it('that is refused is recorded as failed, and rings in the house', async () => {
    const world = makeWorld();
    const failed: string[] = [];
    const { notifier, sent } = channel(() => ({ kind: 'permanent', reason: 'SMTP 550' }));
    const { raised } = start(world, [notifier], { hooks: { onFailed: (_delivery, reason) => failed.push(reason) } });
    await raise(world);
    await until(stateIs(world, 'failed'));
    expect(failed).toEqual(['refused']);
    expect((await recordOf(world))?.lastDetail).toBe('refused: SMTP 550');
    expect(sent).toHaveLength(1);
    expect([...raised.keys()]).toEqual(['delivery.test.failed']);
    expect(JSON.stringify([...raised.values()])).not.toContain('nurse@ward.example');
  });

  it('waits for a channel that throws or is not configured', async () => {
    const world = makeWorld();
    const { notifier } = channel(() => {
      throw new TypeError('a defect');
    });
    start(world, [notifier]);
    await raise(world);
    await until(async () => (await recordOf(world))?.lastDetail === 'TypeError');
    expect((await recordOf(world))?.state).toBe('pending');
    const other = makeWorld();
    start(other, []);
    await raise(other);
    await until(async () => (await recordOf(other))?.lastDetail === 'channel not configured');
  });

  it('is not told to anybody once somebody has it', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel((attempt) => (attempt === 1 ? BUSY : DELIVERED));
    const { clock } = start(world, [notifier]);
    await raise(world);
    await until(async () => (await recordOf(world))?.lastDetail === 'busy');
    await acknowledge(world);
    clock.nowMs += 5_000;
    await until(stateIs(world, 'dropped'));
    expect(await recordOf(world)).toMatchObject({ lastDetail: 'taken' });
    expect(sent).toHaveLength(1);
  });

  it('is told once to somebody whom both a subscription and escalation name', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel();
    start(world, [notifier]);
    await raise(world);
    await until(stateIs(world, 'delivered'));
    const again = {
      alarmId: 'alarm-P1' as AlarmId,
      event: 'raised',
      channel: 'test',
      recipient: 'nurse@ward.example',
    } as const;
    await world.outbox.enqueue([{ ...again, dedupeKey: 'k' }], NOW);
    await until(async () => (await world.outbox.deliveries('alarm-P1'))[1]?.state === 'dropped');
    expect(sent).toHaveLength(1);
  });
});

describe('a channel that changes what it sent', () => {
  it('is told of the taking under the receipt it gave', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel(() => DELIVERED, 'slack');
    start(world, [notifier]);
    await raise(world);
    await until(stateIs(world, 'delivered'));
    await acknowledge(world);
    await until(() => sent.length === 2);
    expect(sent[0]?.message).not.toHaveProperty('earlierReceipt');
    expect(sent[1]?.message).toMatchObject({ event: 'acknowledged', earlierReceipt: 'id 7' });
  });

  it('is not told of the taking of what it never showed', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel(() => BUSY, 'slack');
    const { clock } = start(world, [notifier]);
    await raise(world);
    await until(async () => (await recordOf(world))?.lastDetail === 'busy');
    await acknowledge(world);
    for (let i = 0; i < 20; i++) {
      clock.nowMs += 1_000;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await until(async () => (await world.outbox.deliveries('alarm-P1')).every(({ state }) => state === 'dropped'));
    expect(sent).toHaveLength(1);
  });
});

describe('an answer', () => {
  const sources = { answerToken: async () => 'secret-token' };
  it('can be given where the policy allows it, and each attempt has its own', async () => {
    const world = makeWorld();
    let made = 0;
    const { notifier, sent } = channel((attempt) => (attempt === 1 ? BUSY : DELIVERED), 'slack');
    const { clock } = start(world, [notifier], { sources: { answerToken: async () => `token-${++made}` } });
    await raise(world);
    await until(async () => (await recordOf(world))?.lastDetail === 'busy');
    clock.nowMs += 1_000;
    await until(stateIs(world, 'delivered'));
    expect(sent.map(({ message }) => message.answerToken)).toEqual(['token-1', 'token-2']);
  });
  it('cannot where it does not', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel(() => DELIVERED, 'slack');
    start(world, [notifier], { sources, policy: { answers: false } });
    await raise(world);
    await until(() => sent.length === 1);
    expect(sent[0]?.message).not.toHaveProperty('answerToken');
  });
  it('that cannot be prepared does not hold the message back', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel(() => DELIVERED, 'slack');
    start(world, [notifier], { sources: { answerToken: () => Promise.reject(new Error('away')) } });
    await raise(world);
    await until(() => sent.length === 1);
    expect(sent[0]?.message).not.toHaveProperty('answerToken');
  });
});

describe('too much at once', () => {
  const limits = { channel: { burst: 1_000, perMinute: 6_000 }, recipient: { burst: 2, perMinute: 2 } };
  it('never holds back the first word of a high alarm, not of the hundredth', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel();
    start(world, [notifier], { policy: { limits } });
    for (let i = 0; i < 100; i++) await raise(world, `P${i}`);
    await until(() => sent.length === 100);
    expect(sent.every(({ message }) => message.event === 'raised')).toBe(true);
  });

  it('is told as one when its time comes, and every alarm of it counts as told', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel();
    const { clock } = start(world, [notifier], { policy: { limits } });
    for (let i = 0; i < 12; i++) await raise(world, `P${i}`, { priority: 'medium' });
    await until(() => sent.length === 2);
    await until(async () => (await recordOf(world, 'P11'))?.lastDetail === 'limit');
    await aWhile();
    expect(sent).toHaveLength(2);
    clock.nowMs += 30_000;
    await until(() => sent.length === 3);
    expect(sent[2]?.message).toMatchObject({
      event: 'summary',
      subject: '10 more alarms, the most urgent medium',
      recipient: 'nurse@ward.example',
    });
    await until(async () => {
      const all = await Promise.all(Array.from({ length: 12 }, (_, i) => recordOf(world, `P${i}`)));
      return all.every((each) => each?.state === 'delivered');
    });
    clock.nowMs += 600_000;
    await aWhile();
    expect(sent).toHaveLength(3);
  });

  it('lets a medium alarm pass a low one that waits longer', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel();
    const policy = { limits, summarises: false };
    const { clock } = start(world, [notifier], { policy });
    await raise(world, 'first', { priority: 'medium' });
    await raise(world, 'second', { priority: 'medium' });
    await until(() => sent.length === 2);
    for (const name of ['low-1', 'low-2']) await raise(world, name, { priority: 'low' });
    await until(async () => (await recordOf(world, 'low-2'))?.lastDetail === 'limit');
    await raise(world, 'medium', { priority: 'medium' });
    await until(async () => (await recordOf(world, 'medium'))?.lastDetail === 'limit');
    clock.nowMs += 30_000;
    await until(() => sent.length === 3);
    expect(sent[2]?.message.alarm?.id).toBe('alarm-medium');
  });

  it('does not hold back the word that somebody has it, which changes what is there', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel(() => DELIVERED, 'slack');
    start(world, [notifier], { policy: { limits } });
    for (let i = 0; i < 10; i++) await raise(world, `P${i}`);
    await until(async () =>
      (await Promise.all(Array.from({ length: 10 }, (_, i) => recordOf(world, `P${i}`)))).every(
        (each) => each?.state === 'delivered',
      ),
    );
    for (let i = 0; i < 10; i++) await acknowledge(world, `P${i}`);
    await until(() => sent.length === 20);
  });

  it('is held for each recipient apart', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel();
    const to = (recipient: string) =>
      subscribe('alarms', { id: recipient, subscriber: { kind: 'endpoint', channel: 'test', recipient } });
    start(world, [notifier], { policy: { limits }, subscriptions: ['a', 'b', 'c'].map(to) });
    for (let i = 0; i < 4; i++) await raise(world, `P${i}`, { priority: 'medium' });
    await until(() => sent.length === 6);
    await aWhile();
    expect(sent.map(({ message }) => message.recipient).sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });
});

describe('a channel that fails', () => {
  it('rings from the third failure in a row on, and is quiet when it delivers', async () => {
    const world = makeWorld();
    let isDown = true;
    const { notifier, sent } = channel(() => (isDown ? BUSY : DELIVERED));
    const { clock, raised } = start(world, [notifier]);
    await raise(world);
    for (const tries of [1, 2, 3]) {
      await until(() => sent.length === tries);
      await until(async () => (await recordOf(world))?.attempts === tries);
      await aWhile();
      expect(raised.has('channel.test.failing')).toBe(tries === 3);
      clock.nowMs += 5_000;
    }
    expect(raised.get('channel.test.failing')).toMatchObject({ priority: 'high' });
    isDown = false;
    clock.nowMs += 60_000;
    await until(stateIs(world, 'delivered'));
    expect(raised.size).toBe(0);
  });
});

it('a channel that is no longer configured rings as one that fails', async () => {
  const world = makeWorld();
  const { clock, raised } = start(world, []);
  await raise(world);
  for (const tries of [1, 2, 3]) {
    await until(async () => (await recordOf(world))?.attempts === tries);
    await until(async () => (await recordOf(world))?.lastDetail === 'channel not configured');
    await aWhile();
    clock.nowMs += 5_000;
  }
  expect(raised.get('channel.test.failing')?.text).toContain('channel not configured');
});

describe('the teller', () => {
  it('sends no more at once than its bound, and all in the end', async () => {
    const world = makeWorld();
    const { notifier, sent, most } = channel(async () => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return DELIVERED;
    });
    for (let i = 0; i < 30; i++) await raise(world, `P${i}`);
    start(world, [notifier], { settings: { concurrencyMax: 4 } });
    await until(async () =>
      (await Promise.all(Array.from({ length: 30 }, (_, i) => recordOf(world, `P${i}`)))).every(
        (each) => each?.state === 'delivered',
      ),
    );
    expect(most.atOnce).toBe(4);
    expect(sent).toHaveLength(30);
  });

  it('tells by the policies it knows when they cannot be read', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel();
    const errors: unknown[] = [];
    const policies = () => Promise.reject(new Error('away'));
    start(world, [notifier], { policies, hooks: { onOutboxError: (error) => errors.push(error) } });
    await raise(world);
    await until(() => sent.length === 1);
    expect(errors).not.toEqual([]);
    expect(sent[0]?.message.text).not.toContain('187');
  });

  it('is not stopped by a change that cannot be planned', async () => {
    const world = makeWorld();
    const { notifier, sent } = channel();
    const placeOf: MessageSources['placeOf'] = ({ id }) => {
      if (id === 'alarm-P1') throw new TypeError('a defect');
      return { bed: 'W3-02' };
    };
    start(world, [notifier], { sources: { placeOf } });
    await raise(world, 'P1');
    await raise(world, 'P2');
    await until(() => sent.length === 1);
    expect(sent[0]?.message.alarm?.id).toBe('alarm-P2');
  });

  it('goes on when the outbox was away', async () => {
    const world = makeWorld();
    const errors: unknown[] = [];
    const { notifier, sent } = channel();
    await raise(world);
    world.outbox.refusal = new Failure('database-unavailable', 'away', { retryable: true });
    start(world, [notifier], { hooks: { onOutboxError: (error) => errors.push(error) } });
    await until(() => errors.length > 1);
    world.outbox.refusal = undefined;
    await until(() => sent.length === 1);
  });

  it('finishes and records what it is sending before it stops', async () => {
    const world = makeWorld();
    let answer: (outcome: DeliveryOutcome) => void = () => {};
    const { notifier, sent } = channel(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const { teller } = start(world, [notifier]);
    await raise(world);
    await until(() => sent.length === 1);
    const stopped = teller.stop();
    answer(DELIVERED);
    await stopped;
    expect((await recordOf(world))?.state).toBe('delivered');
  });

  it('shows the name and the chart only where the policy says rich and confidential', async () => {
    const rich = { html: '<p>', images: [] };
    const sources = { nameOf: async () => 'Ada Lovelace', rich: async () => rich };
    for (const [policy, shows] of [
      [{ level: 'detailed', confidential: true }, false],
      [{ level: 'rich', confidential: true }, true],
    ] as const) {
      const world = makeWorld();
      const { notifier, sent } = channel();
      start(world, [notifier], { policy, sources });
      await raise(world);
      await until(() => sent.length === 1);
      expect(sent[0]?.message.text.includes('Ada Lovelace')).toBe(shows);
      expect(sent[0]?.message.rich).toEqual(shows ? rich : undefined);
      expect(sent[0]?.message.text).toContain('HR 187 > 160');
    }
  });
});
