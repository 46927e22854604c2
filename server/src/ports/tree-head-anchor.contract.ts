import { describe, expect, it } from 'vitest';
import type { AnchoredHead, ReadableAnchor } from './tree-head-anchor.ts';

/** What every place that keeps tree heads must do. `open` makes an empty one. */
export function treeHeadAnchorContract(name: string, open: () => Promise<ReadableAnchor>): void {
  describe(`${name} as a place for tree heads`, () => {
    it('has none at first, and then every one it was given, in the order of their sizes', async () => {
      const anchor = await open();
      expect(await anchor.kept()).toEqual([]);
      await anchor.keep(headOf(300));
      await anchor.keep(headOf(7));
      expect(await anchor.kept()).toEqual([headOf(7).note, headOf(300).note]);
    });

    it('keeps what it has when the same head comes again with other words', async () => {
      const anchor = await open();
      await anchor.keep(headOf(7));
      await anchor.keep({ ...headOf(7), note: 'forged\n' });
      expect(await anchor.kept()).toEqual([headOf(7).note]);
    });
  });
}

function headOf(size: number): AnchoredHead {
  const signedAtMs = Date.UTC(2026, 10, 22) + size;
  return { size, signedAtMs, note: `healthsync-audit/test\n${size}\n` };
}
