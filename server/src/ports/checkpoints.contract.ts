import { beforeEach, describe, expect, it } from 'vitest';
import type { Checkpoints } from './checkpoints.ts';

/** What every `Checkpoints` must do. `makeCheckpoints` answers with an empty one. */
export function checkpointsContract(engine: string, makeCheckpoints: () => Promise<Checkpoints>): void {
  describe(`${engine} for checkpoints`, () => {
    let checkpoints: Checkpoints;
    beforeEach(async () => {
      checkpoints = await makeCheckpoints();
    });

    it('holds nothing at first', async () => {
      expect(await checkpoints.load()).toEqual([]);
    });

    it('gives back the last one of each partition, to the letter', async () => {
      const state = JSON.stringify({ 'P-1': { text: 'SpO₂ "82" \\ \n \u2028', value: 36.77777777777778 } });
      await checkpoints.save({ partition: 1, next: 10, state: 'old' });
      await checkpoints.save({ partition: 0, next: 2 ** 40, state });
      await checkpoints.save({ partition: 1, next: 11, state: 'new' });
      expect([...(await checkpoints.load())].sort((a, b) => a.partition - b.partition)).toEqual([
        { partition: 0, next: 2 ** 40, state },
        { partition: 1, next: 11, state: 'new' },
      ]);
    });

    it('holds the state of a large ward', async () => {
      const state = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({ id: `P-${i}`, value: i / 7 })));
      await checkpoints.save({ partition: 0, next: 1, state });
      expect(await checkpoints.load()).toEqual([{ partition: 0, next: 1, state }]);
    });
  });
}
