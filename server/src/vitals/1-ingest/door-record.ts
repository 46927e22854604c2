import { randomUUID } from 'node:crypto';
import type { AuditEntry } from '../../domain/audit-entry.ts';
import { type Repeating, repeat } from '../../pacing/repeating.ts';
import type { AuditLog } from '../../ports/audit-log.ts';
import type { DoorSeen } from '../../ports/door-seen.ts';

export const DOOR_RECORD_BOUNDS = {
  /** The same again within this is counted: a device that posts every second is one entry an hour and one that counts. */
  windowMs: 3_600_000,
  /** Told apart at once; a restart brings ten thousand devices back. Beyond it only reasons are told apart. */
  seenMax: 20_000,
  flushEveryMs: 1_000,
  /** In one write. */
  batchMax: 500,
} as const;

export interface DoorRecord {
  seen(event: DoorSeen): void;
  /** Writes what is due, and what was counted so far. */
  stop(): Promise<void>;
}

/**
 * Writes down which devices came in, who was refused and who was put out: the first time at once, what comes again of
 * the same within the hour as one entry that counts it. A door never waits for it: readings are taken on also while the
 * log cannot be written, and what was seen meanwhile is written when it can.
 */
export function createDoorRecord(options: {
  readonly audit: AuditLog;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
  readonly bounds?: Partial<Record<keyof typeof DOOR_RECORD_BOUNDS, number>>;
}): DoorRecord {
  const { audit, now, onError } = options;
  const bounds = { ...DOOR_RECORD_BOUNDS, ...options.bounds };
  const windows = new Map<string, { readonly event: DoorSeen; readonly sinceMs: number; again: number }>();
  let due: AuditEntry[] = [];

  function seen(event: DoorSeen): void {
    const isFull = windows.size >= bounds.seenMax;
    const known = windows.get(keyOf(event));
    const counted = known ?? (isFull ? windows.get(keyOf(withoutName(event))) : undefined);
    if (counted !== undefined) {
      counted.again += 1;
      return;
    }
    const shown = isFull ? withoutName(event) : event;
    windows.set(keyOf(shown), { event: shown, sinceMs: now(), again: 0 });
    due.push(entryOf(shown, now()));
  }

  function endWindows(isAll: boolean): void {
    for (const [key, { event, sinceMs, again }] of windows) {
      const agoMs = now() - sinceMs;
      if (!isAll && agoMs < 0) continue; // the clock was put back
      // They stand in the order in which they began.
      if (!isAll && agoMs < bounds.windowMs) return;
      windows.delete(key);
      if (again > 0) due.push(entryOf(event, now(), { times: again, seconds: Math.round((now() - sinceMs) / 1000) }));
    }
  }

  async function flush(): Promise<void> {
    while (due.length > 0) {
      const batch = due.slice(0, bounds.batchMax);
      await audit.append(batch);
      due = due.slice(batch.length);
    }
  }

  const rounds: Repeating = repeat(
    async () => {
      endWindows(false);
      await flush();
    },
    { everyMs: bounds.flushEveryMs, onError },
  );
  return {
    seen,
    async stop() {
      await rounds.stop();
      endWindows(true);
      await flush();
    },
  };
}

const keyOf = ({ transport, what, reason, deviceId, serial, address }: DoorSeen): string =>
  // A device is itself wherever it calls from; a stranger is their address.
  [transport, what, reason, deviceId ?? address, serial].join(' ');

function withoutName({ transport, what, reason }: DoorSeen): DoorSeen {
  return { transport, what, ...(reason !== undefined && { reason }) };
}

function entryOf(
  { transport, what, reason, deviceId, serial, address }: DoorSeen,
  atMs: number,
  count: Readonly<Record<string, number>> = {},
): AuditEntry {
  return {
    atMs,
    actor: {
      kind: 'device',
      name: deviceId ?? '?',
      ...(address !== undefined && { address: address.replace(/^::ffff:(?=\d)/, '') }),
    },
    action: `device.${what}`,
    resource: { kind: 'door', id: transport },
    outcome: what === 'connected' ? 'allowed' : 'denied',
    correlationId: randomUUID(),
    detail: { ...(reason !== undefined && { reason }), ...(serial !== undefined && { serial }), ...count },
  };
}
