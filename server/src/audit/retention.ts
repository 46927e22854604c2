import { randomUUID } from 'node:crypto';
import { type Repeating, repeat } from '../pacing/repeating.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import { type AuditStore, TILE_SIZE } from '../ports/audit-store.ts';
import { PRUNED_ACTION } from './verify.ts';

/** A transaction each, so that nobody waits behind the end of seven years. */
const DELETED_AT_ONCE = 5_000;
const EVERY_MS = 6 * 3_600_000;

/**
 * Deletes entries whose retention is over, but for those under a legal hold. That it was done, and up to where, is an
 * entry itself, written before: a verification takes for deleted only what such an entry covers.
 */
export function startAuditRetention(options: {
  readonly store: Pick<AuditStore, 'positionAt' | 'prunedBefore' | 'prune'>;
  readonly audit: AuditLog;
  readonly keepMs: number;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}): Repeating {
  return repeat(async () => void (await endRetention(options)), { everyMs: EVERY_MS, onError: options.onError });
}

export async function endRetention(options: {
  readonly store: Pick<AuditStore, 'positionAt' | 'prunedBefore' | 'prune'>;
  readonly audit: AuditLog;
  readonly keepMs: number;
  readonly now: () => number;
}): Promise<number> {
  const { store, audit, keepMs, now } = options;
  const over = await store.positionAt(now() - keepMs);
  // Whole tiles, whose hashes are written: what is left of them stays provable.
  const before = over - (over % TILE_SIZE);
  if (before <= (await store.prunedBefore())) return 0;
  await audit.append([
    {
      atMs: now(),
      actor: { kind: 'system', name: 'retention' },
      action: PRUNED_ACTION,
      resource: { kind: 'audit' },
      outcome: 'allowed',
      correlationId: randomUUID(),
      detail: { before, days: Math.round(keepMs / 86_400_000) },
    },
  ]);
  let deleted = 0;
  // The last round finds none and deletes the tiles that nothing needs.
  for (let more = 1; more > 0; deleted += more) more = await store.prune({ before, limit: DELETED_AT_ONCE });
  return deleted;
}
