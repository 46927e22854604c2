import { TILE_SIZE } from '../ports/audit-store.ts';
import { sizeOf } from './evidence.ts';
import type { AuditVerdict } from './verify.ts';

/** What one of several verifies: `from <= position < to`, and at which heads from outside it looks besides. */
export interface LogPart {
  readonly from: number;
  /** Absent: to the end of the log. */
  readonly to?: number;
  readonly anchored: readonly string[];
}

/** Fewer entries are verified sooner than processes are started. */
export const PART_ENTRIES_MIN = 50_000;

/**
 * Verifies a long log in several parts at once. Each rests on the hashes that are kept of all before it; that these are
 * the root of what the part before it found in the entries themselves, and that times go on across the seam, is seen
 * here. Undefined: not everything is well, or cannot be told like this; who wants to know what, verifies it as one.
 */
export async function verifyInParts(parts: {
  readonly size: number;
  readonly count: number;
  readonly anchored: readonly string[];
  readonly verify: (part: LogPart) => Promise<AuditVerdict>;
}): Promise<AuditVerdict | undefined> {
  const { size, count, anchored, verify } = parts;
  const step = Math.ceil(size / count / TILE_SIZE) * TILE_SIZE;
  const starts = Array.from({ length: count }, (_, i) => i * step).filter((start) => start < size);
  const verdicts = await Promise.all(
    starts.map((from, i) => {
      const to = starts[i + 1];
      // What is no head at all is said once: by the last.
      const isOurs = (at: number) => (at > from || from === 0) && (to === undefined || at <= to);
      const ours = anchored.filter((note) => (Number.isNaN(sizeOf(note)) ? to === undefined : isOurs(sizeOf(note))));
      return verify({ from, ...(to !== undefined && { to }), anchored: ours });
    }),
  );
  return joined(verdicts);
}

function joined(verdicts: readonly AuditVerdict[]): AuditVerdict | undefined {
  const last = verdicts.at(-1);
  if (last === undefined || verdicts.some(({ isIntact }) => !isIntact)) return undefined;
  const prunedBefore = Math.max(...verdicts.map(({ edges }) => edges?.prunedBefore ?? 0));
  const isSeamless = verdicts.every(({ edges }, i) => {
    const before = verdicts[i - 1];
    const left = before?.edges;
    if (before === undefined) return true;
    if (edges === undefined || left === undefined || !left.isRootKnown) return false;
    const isInTime = edges.firstRecordedAtMs >= left.latestMs;
    return edges.rootBefore === before.rootHash && isInTime && left.missingBefore <= prunedBefore;
  });
  if (!isSeamless) return undefined;
  const sum = (of: (verdict: AuditVerdict) => number) => verdicts.reduce((all, verdict) => all + of(verdict), 0);
  const { edges: _, ...whole } = last;
  return {
    ...whole,
    from: 0,
    entries: sum(({ entries }) => entries),
    pruned: sum(({ pruned }) => pruned),
    headsChecked: sum(({ headsChecked }) => headsChecked),
    // Each part knows of all of them, and has met its own heads.
    restores: last.restores.map((restore, i) => ({
      ...restore,
      headsExcused: sum(({ restores }) => restores[i]?.headsExcused ?? 0),
    })),
    keyIds: [...new Set(verdicts.flatMap(({ keyIds }) => keyIds))],
  };
}
