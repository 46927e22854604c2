import { beforeEach, describe, expect, it } from 'vitest';
import type { NewRejectedReading, RejectedReadings } from './rejected-readings.ts';

/** What every `RejectedReadings` must do. `makeRejected` answers with an empty one that holds `capacity` readings. */
export function rejectedReadingsContract(
  engine: string,
  makeRejected: (capacity: number) => Promise<RejectedReadings>,
): void {
  describe(`${engine} for rejected readings`, () => {
    let rejected: RejectedReadings;
    beforeEach(async () => {
      rejected = await makeRejected(CAPACITY);
    });

    const ids = async (query: Partial<Parameters<RejectedReadings['list']>[0]> = {}) =>
      (await rejected.list({ limit: 100, ...query })).map(({ deviceId }) => deviceId);

    it('gives back the very bytes that came, and why they were refused', async () => {
      const odd = { ...refused('D-1'), payload: Uint8Array.from([0, 255, 123, 10, 0xc3, 0x28]) };
      await rejected.add([odd]);
      const [listed] = await rejected.list({ limit: 10 });
      expect(listed).toEqual({ ...odd, id: expect.any(String), state: 'open' });
      expect(await rejected.find(listed?.id ?? '')).toEqual(listed);
    });

    it('lists newest first, page by page, by device, code and state', async () => {
      await rejected.add([refused('D-1'), refused('D-2', 'clock-ahead')]);
      await rejected.add([refused('D-3')]);
      await rejected.add([]);
      expect(await ids()).toEqual(['D-3', 'D-2', 'D-1']);
      expect(await ids({ code: 'clock-ahead' })).toEqual(['D-2']);
      expect(await ids({ deviceId: 'D-1' })).toEqual(['D-1']);
      const [newest] = await rejected.list({ limit: 1 });
      expect(await ids({ beforeId: newest?.id ?? '' })).toEqual(['D-2', 'D-1']);
    });

    it('marks what was dealt with', async () => {
      await rejected.add([refused('D-1'), refused('D-2')]);
      const [second, first] = await rejected.list({ limit: 2 });
      await rejected.mark(second?.id ?? '', 'replayed', 5, 'operator');
      await rejected.mark(first?.id ?? '', 'dismissed', 5, 'operator');
      expect(await ids({ state: 'replayed' })).toEqual(['D-2']);
      expect(await ids({ state: 'dismissed' })).toEqual(['D-1']);
      expect(await ids({ state: 'open' })).toEqual([]);
    });

    it('knows no reading by a name it never gave', async () => {
      for (const id of ['', '0', '-1', '1e3', '999999999999999999999', `'; drop`])
        expect(await rejected.find(id)).toBeUndefined();
    });

    it('lets the oldest give way when it is full', async () => {
      for (let i = 0; i < CAPACITY + 5; i += 5)
        await rejected.add(Array.from({ length: 5 }, (_, j) => refused(`D-${i + j}`)));
      const kept = await ids();
      expect(kept).toHaveLength(CAPACITY);
      expect([kept.at(0), kept.at(-1)]).toEqual([`D-${CAPACITY + 4}`, 'D-5']);
    });
  });
}

const CAPACITY = 20;

function refused(deviceId: string, code: 'malformed-json' | 'clock-ahead' = 'malformed-json'): NewRejectedReading {
  return {
    deviceId,
    receivedAtMs: Date.UTC(2026, 10, 22, 1, 2, 3, 456),
    source: 'mqtt',
    payload: Buffer.from('{"id":1'),
    problems: [
      { code: 'invalid-id', field: 'id', detail: 'text' },
      { code, field: '', detail: 'JSON' },
    ],
  };
}
