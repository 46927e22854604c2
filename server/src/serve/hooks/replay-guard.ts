/**
 * Knows what was seen within the time in which it could be believed again. Held by one process: where several serve the
 * same hook, a replay to another is believed once more, and an answer given twice changes nothing.
 */
export function createReplayGuard(options: {
  readonly now: () => number;
  /** As long as a signature is believed, before and after. */
  readonly forMs: number;
  /** A ward's presses of buttons in ten minutes are dozens; this is a flood with valid signatures. */
  readonly max?: number;
}) {
  const { now, forMs, max = 10_000 } = options;
  /** In the order of their coming. */
  const seen = new Map<string, number>();
  return {
    /** Once true, from then on false. */
    isNew(mark: string): boolean {
      for (const [old, atMs] of seen) {
        if (now() - atMs <= forMs && seen.size < max) break;
        seen.delete(old);
      }
      if (seen.has(mark)) return false;
      seen.set(mark, now());
      return true;
    },
    /** It could not be dealt with, and will come again. */
    forget: (mark: string) => void seen.delete(mark),
  };
}
