import { DAY_MS } from './anomaly-memory.ts';
import { type Detector, isBegin, reason } from './anomaly-sight.ts';
import type { RecordedEntry } from './audit-entry.ts';

/** A verification that found something, by the clock or by command; or entries that were altered while they waited. */
const VERIFIED = new Set(['audit.verify', 'command.audit.verify']);
const HELD_ALTERED = 'audit.held-altered';

/**
 * The log itself says that somebody was at it. Whoever could do that could do the rest as well, so security is told by
 * their own contacts too, and not only on the wall. Of whom, nobody knows.
 */
export const logAltered: Detector = (memory, { entry }) => {
  if (!saysLogAltered(entry)) return { memory };
  const isHeld = entry.action === HELD_ALTERED;
  const many = numberOf(entry, isHeld ? 'lines' : 'findings');
  const found = isHeld
    ? reason('held-altered', `${many} entries were altered or removed while they waited for the log.`, { lines: many })
    : reason('not-as-signed', `A verification found ${many} things that are not as they were signed.`, {
        findings: many,
      });
  // A day: until somebody has mended it, every verification finds the same.
  const noticed = { kind: 'audit-altered', key: isHeld ? 'held' : 'log', forMs: DAY_MS, score: 95 } as const;
  return { memory, noticed: { ...noticed, reasons: [found], isNobodys: true } };
};

export function saysLogAltered(entry: RecordedEntry): boolean {
  if (entry.outcome !== 'failed' || isBegin(entry)) return false;
  return entry.action === HELD_ALTERED || (VERIFIED.has(entry.action) && numberOf(entry, 'findings') > 0);
}

function numberOf({ detail = {} }: RecordedEntry, name: string): number {
  const value = detail[name];
  return typeof value === 'number' ? value : 0;
}
