import type { AuditEntry } from '../domain/audit-entry.ts';

/** In a minute from one address, each written down by itself: more than a person mistypes. */
const SINGLE_MAX = 60;
const WINDOW_MS = 60_000;
/** Addresses remembered; beyond them the longest known gives way and is summed up at once. */
const ADDRESSES_MAX = 10_000;

/**
 * Keeps a stranger who tries thousands of times from filling the audit log: the first attempts of a minute are entries
 * of their own, the rest one entry that says how many there were.
 */
export function createRefusalFlood({ now }: { readonly now: () => number }) {
  const windows = new Map<string, { readonly sinceMs: number; count: number; last: AuditEntry }>();

  function summary({ count, last }: { readonly count: number; readonly last: AuditEntry }): readonly AuditEntry[] {
    const more = count - SINGLE_MAX;
    return more > 0 ? [{ ...last, detail: { ...last.detail, phase: 'repeated', attempts: more } }] : [];
  }

  return {
    /** What is to be written down now. */
    admit(entry: AuditEntry): readonly AuditEntry[] {
      const address = entry.actor.address ?? '';
      const known = windows.get(address);
      if (known !== undefined && now() - known.sinceMs < WINDOW_MS) {
        known.count++;
        known.last = entry;
        return known.count <= SINGLE_MAX ? [entry] : [];
      }
      windows.delete(address);
      windows.set(address, { sinceMs: now(), count: 1, last: entry });
      const evicted = windows.size > ADDRESSES_MAX ? windows.entries().next().value : undefined;
      if (evicted !== undefined) windows.delete(evicted[0]);
      return [
        ...(known === undefined ? [] : summary(known)),
        entry,
        ...(evicted === undefined ? [] : summary(evicted[1])),
      ];
    },
    /** Summaries of what is over. */
    due(): readonly AuditEntry[] {
      const over = [...windows].filter(([, { sinceMs }]) => now() - sinceMs >= WINDOW_MS);
      for (const [address] of over) windows.delete(address);
      return over.flatMap(([, window]) => summary(window));
    },
  };
}
