import { describe, expect, it } from 'vitest';
import { repeat } from './repeating.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const HOUR_MS = 3_600_000;

function counting(everyMs: number, work: (round: number) => void | Promise<void> = () => {}) {
  let rounds = 0;
  const failed: unknown[] = [];
  const repeating = repeat(
    async () => {
      await work(++rounds);
    },
    { everyMs, onError: (error) => failed.push(error) },
  );
  return { repeating, failed, rounds: () => rounds };
}

describe('work that is repeated', () => {
  it('begins after it was started, and goes on by itself', async () => {
    const { repeating, rounds } = counting(1);
    expect(rounds()).toBe(0);
    await expect.poll(rounds).toBeGreaterThan(2);
    await repeating.stop();
  });

  it('does not wait when it is woken, nor forget a wake that came during a round', async () => {
    const { repeating, rounds } = counting(HOUR_MS, (round) => {
      if (round === 2) repeating.wake();
    });
    await turn();
    expect(rounds()).toBe(1);
    repeating.wake();
    await turn();
    expect(rounds()).toBe(3);
    await repeating.stop();
  });

  it('tells of a round that failed, and comes again', async () => {
    const { repeating, failed, rounds } = counting(1, (round) => {
      if (round === 1) throw new Error('away');
    });
    await expect.poll(rounds).toBeGreaterThan(1);
    expect(failed).toHaveLength(1);
    await repeating.stop();
  });

  it('once stopped waits for its round and begins no other', async () => {
    let end = (): void => {};
    const { repeating, rounds } = counting(1, () => new Promise((resolve) => (end = resolve)));
    await turn();
    const stopped = repeating.stop();
    end();
    await stopped;
    repeating.wake();
    await turn();
    expect(rounds()).toBe(1);
    const never = counting(1);
    await never.repeating.stop();
    expect(never.rounds()).toBe(0);
  });
});
