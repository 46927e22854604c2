import { describe, expect, it } from 'vitest';
import { Failure } from '../../ports/failure.ts';
import type { DeliveryOutcome } from '../../ports/notifier.ts';
import type { MessageSources } from './compose.ts';

import { aWhile, BUSY, channel, DELIVERED, makeWorld, raise, recordOf, start, stateIs, until } from './test-teller.ts';

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
