import type { Tile } from '@healthsync/contracts/live';

/** What has arrived on the live stream while a patient's page is open, to be drawn after the history. */
export interface LiveTail {
  add(tile: Tile): void;
  of(vital: string): readonly { readonly at: number; readonly v: number }[];
}

/** Twenty minutes at one a second: history is read again long before. */
const TAIL_MAX = 1_200;

export function createLiveTail(): LiveTail {
  const tails = new Map<string, { at: number; v: number }[]>();
  return {
    add(tile) {
      for (const [vital, { at, v }] of Object.entries(tile.values)) {
        const tail = tails.get(vital) ?? [];
        tails.set(vital, tail);
        // A late reading belongs into the history and comes with it.
        if (at <= (tail.at(-1)?.at ?? Number.NEGATIVE_INFINITY)) continue;
        tail.push({ at, v });
        if (tail.length > TAIL_MAX) tail.splice(0, tail.length - TAIL_MAX);
      }
    },
    of: (vital) => tails.get(vital) ?? [],
  };
}
