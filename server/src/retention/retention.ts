import { type Repeating, repeat } from '../pacing/repeating.ts';
import type { OldData, OldDataKind } from '../ports/old-data.ts';

/** How long each kind is kept, in days; absent: for good. */
export type RetentionDays = Readonly<Partial<Record<OldDataKind, number>>>;

/** Nothing hangs on the hour in which something goes. */
const EVERY_MS = 3_600_000;
/** Few enough that no transaction is long: others use the same tables. */
const BATCH = 1_000;
/** What one round takes of a kind; the rest comes an hour later, as long as more goes than comes. */
const BATCHES_MAX = 200;

/** Takes away what is old, in the background and in small pieces. What nobody gave a time is never touched. */
export function startRetention(options: {
  readonly oldData: OldData;
  readonly days: RetentionDays;
  readonly now: () => number;
  readonly hooks: {
    readonly removed: (kind: OldDataKind, count: number) => void;
    readonly onError: (error: unknown) => void;
  };
}): Repeating {
  const { oldData, days, now, hooks } = options;
  let isStopping = false;

  async function forget(kind: OldDataKind, keptDays: number): Promise<void> {
    const beforeMs = now() - keptDays * DAY_MS;
    for (let batch = 0; batch < BATCHES_MAX && !isStopping; batch++) {
      const count = await oldData.forget(kind, { beforeMs, limit: BATCH });
      if (count > 0) hooks.removed(kind, count);
      if (count < BATCH) return;
    }
  }

  const rounds = repeat(
    async () => {
      // One that cannot be cleared now does not keep the others.
      for (const [kind, kept] of Object.entries(days)) await forget(kind as OldDataKind, kept).catch(hooks.onError);
    },
    { everyMs: EVERY_MS, onError: hooks.onError },
  );
  return {
    wake: rounds.wake,
    stop() {
      isStopping = true;
      return rounds.stop();
    },
  };
}

const DAY_MS = 86_400_000;
