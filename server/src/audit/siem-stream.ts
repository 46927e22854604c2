import { type Repeating, repeat } from '../pacing/repeating.ts';
import type { AuditReceiver } from '../ports/audit-receiver.ts';
import type { AuditStore } from '../ports/audit-store.ts';
import type { SiemFormat } from './syslog.ts';

/** What one connection carries at most: a few megabytes, and what is sent again when it breaks. */
const ENTRIES_AT_ONCE = 2_000;
const EVERY_MS = 1_000;
/** It is tried every second, and said this often. */
const TELL_EVERY_MS = 10 * 60_000;

/**
 * Sends the log on to a security system, in order and from where it had come, every entry at least once: how far it has
 * come is remembered only after the receiver has taken it. One that is new gets the log from its beginning.
 */
export function startSiemStream(options: {
  readonly name: string;
  readonly store: Pick<AuditStore, 'search' | 'cursor' | 'setCursor'>;
  readonly receiver: AuditReceiver;
  readonly format: SiemFormat;
  readonly now: () => number;
  readonly onFailing?: (error: unknown) => void;
  readonly onDelivered?: (entries: number) => void;
}): Repeating {
  const cursorName = `siem:${options.name}`;
  const { store, receiver, format, now, onFailing, onDelivered } = options;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return repeat(round, { everyMs: EVERY_MS, onError: (error) => onFailing?.(error) });

  async function round(): Promise<void> {
    for (;;) {
      const cursor = await store.cursor(cursorName);
      const next = cursor?.position ?? 0;
      const entries = await store.search({ after: next - 1, limit: ENTRIES_AT_ONCE });
      const last = entries.at(-1);
      if (last === undefined) return;
      try {
        await receiver.deliver(entries.map(format));
      } catch (error) {
        if (now() - toldAtMs >= TELL_EVERY_MS) {
          toldAtMs = now();
          onFailing?.(error);
        }
        const failure = error instanceof Error ? error.name : 'unknown';
        const failingSinceMs = cursor?.failingSinceMs ?? now();
        await store.setCursor(cursorName, { position: next, atMs: cursor?.atMs ?? now(), failingSinceMs, failure });
        return;
      }
      await store.setCursor(cursorName, { position: last.position + 1, atMs: now() });
      // The next time it is away is said at once.
      toldAtMs = Number.NEGATIVE_INFINITY;
      onDelivered?.(entries.length);
      if (entries.length < ENTRIES_AT_ONCE) return;
    }
  }
}
