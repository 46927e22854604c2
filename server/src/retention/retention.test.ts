import { describe, expect, it } from 'vitest';
import type { OldData, OldDataKind } from '../ports/old-data.ts';
import { startRetention } from './retention.ts';

const DAY_MS = 86_400_000;
const NOW = 1_000 * DAY_MS;

/** Runs one round to its end. */
async function roundOf(days: Partial<Record<OldDataKind, number>>, forget: OldData['forget']) {
  const removed: [OldDataKind, number][] = [];
  const errors: unknown[] = [];
  const retention = startRetention({
    oldData: { forget },
    days,
    now: () => NOW,
    hooks: { removed: (...what) => removed.push(what), onError: (error) => errors.push(error) },
  });
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  await retention.stop();
  return { removed, errors };
}

describe('what is old', () => {
  it('goes in batches until nothing is left, each kind after its own time', async () => {
    const left = { deliveries: 2_500, vitals: 1, 'workflow-histories': 9 };
    const asked: unknown[] = [];
    const { removed } = await roundOf({ deliveries: 90, vitals: 30 }, async (kind, { beforeMs, limit }) => {
      asked.push([kind, (NOW - beforeMs) / DAY_MS]);
      const count = Math.min(limit, left[kind]);
      left[kind] -= count;
      return count;
    });
    expect(removed).toEqual([
      ['deliveries', 1_000],
      ['deliveries', 1_000],
      ['deliveries', 500],
      ['vitals', 1],
    ]);
    expect(asked).toContainEqual(['vitals', 30]);
    // What nobody gave a time stays.
    expect(left['workflow-histories']).toBe(9);
  });

  it('of one kind that cannot be cleared does not keep the others', async () => {
    const { removed, errors } = await roundOf({ vitals: 30, deliveries: 90 }, async (kind) => {
      if (kind === 'vitals') throw new Error('locked');
      return 3;
    });
    expect([removed, errors.length]).toEqual([[['deliveries', 3]], 1]);
  });
});
