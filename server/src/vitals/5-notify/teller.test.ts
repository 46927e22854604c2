import { describe, expect, it } from 'vitest';
import type { AlarmId } from '../../domain/ids.ts';

import {
  acknowledge,
  aWhile,
  BUSY,
  channel,
  DELIVERED,
  makeWorld,
  NOW,
  raise,
  recordOf,
  start,
  stateIs,
  subscribe,
  until,
} from './test-teller.ts';

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
