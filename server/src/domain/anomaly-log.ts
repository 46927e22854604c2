import { DAY_MS } from './anomaly-memory.ts';
import { type Detector, isBegin, reason } from './anomaly-sight.ts';
import type { RecordedEntry } from './audit-entry.ts';

/** A verification that found something, by the clock or by command; or entries that were altered while they waited. */
const VERIFIED = new Set(['audit.verify', 'command.audit.verify']);
const HELD_ALTERED = 'audit.held-altered';
/** Somebody put words about the log itself among what waits for it, where nobody leaves any. */
export const FORGED_ACTION = 'audit.forged';

/**
 * The log itself says that somebody was at it. Whoever could do that could do the rest as well, so security is told by
 * their own contacts too, and not only on the wall. Of whom, nobody knows.
 */
export const logAltered: Detector = (memory, { entry }) => {
  if (!saysLogAltered(entry)) return { memory };
  if (entry.action === FORGED_ACTION) return { memory, noticed: { ...OF_THE_LOG, key: 'forged', reasons: [FORGED] } };
  const isHeld = entry.action === HELD_ALTERED;
  const many = numberOf(entry, isHeld ? 'lines' : 'findings');
  const found = isHeld
    ? reason('held-altered', `${many} entries were altered or removed while they waited for the log.`, { lines: many })
    : reason('not-as-signed', `A verification found ${many} things that are not as they were signed.`, {
        findings: many,
      });
  return { memory, noticed: { ...OF_THE_LOG, key: isHeld ? 'held' : 'log', reasons: [found] } };
};

/** A day: until somebody has mended it, every verification finds the same. */
const OF_THE_LOG = { kind: 'audit-altered', forMs: DAY_MS, score: 95, isNobodys: true } as const;
const FORGED = reason(
  'forged',
  'An entry that says something of the log itself was put into the database by hand; it was not believed.',
);

export function saysLogAltered(entry: RecordedEntry): boolean {
  if (entry.outcome !== 'failed' || isBegin(entry)) return false;
  if (entry.action === HELD_ALTERED || entry.action === FORGED_ACTION) return true;
  return VERIFIED.has(entry.action) && numberOf(entry, 'findings') > 0;
}

function numberOf({ detail = {} }: RecordedEntry, name: string): number {
  const value = detail[name];
  return typeof value === 'number' ? value : 0;
}
