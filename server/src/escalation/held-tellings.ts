import { repeat } from '../pacing/repeating.ts';
import type { Escalations } from '../ports/escalations.ts';
import type { DeliveryOrders } from '../ports/outbox.ts';

/** Tells what quiet hours held back, once they are over and if the alarm still calls for somebody. */
export function startHeldTellings(parts: {
  readonly escalations: Pick<Escalations, 'dueTellings' | 'release'>;
  readonly orders: DeliveryOrders;
  readonly onOrdered: () => void;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
  readonly everyMs?: number;
}): { readonly stop: () => Promise<void> } {
  const { escalations, orders, onOrdered, now, onError, everyMs = EVERY_MS } = parts;

  async function tellDue(): Promise<void> {
    for (;;) {
      const due = await escalations.dueTellings({ nowMs: now(), limit: BATCH });
      if (due.length === 0) return;
      await orders.enqueue(
        due.map(({ dueAtMs: _, ...order }) => order),
        now(),
      );
      // Forgotten only now: what was ordered twice is known by its key.
      await escalations.release(due.map(({ dedupeKey }) => dedupeKey));
      onOrdered();
      if (due.length < BATCH) return;
    }
  }

  return repeat(tellDue, { everyMs, onError });
}

/** Quiet hours end on a minute; a quarter of one later is soon enough. */
const EVERY_MS = 15_000;
const BATCH = 200;
