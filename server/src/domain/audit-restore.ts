import { type AuditEntry, cleanText, type RecordedEntry } from './audit-entry.ts';

/**
 * That a log goes on from a backup, and what of it is not there any more, was meant: the word of whoever runs the
 * installation, signed as heads are. It deletes nothing and excuses one thing only: that heads which were signed for
 * more than came back, up to a moment, are of a log that is no more.
 */
export interface AcceptedRestore {
  /** Of this log and no other. */
  readonly origin: string;
  /** Entries that came back: `position < restoredSize`. */
  readonly restoredSize: number;
  /** What they were when it was accepted: SHA-256, base64. */
  readonly restoredRootBase64: string;
  /** The largest log that was signed before. */
  readonly lostSize: number;
  /** By how many heads it was known. */
  readonly lostHeads: number;
  /** When the newest of them was signed: one that is newer is not excused. */
  readonly lostUntilMs: number;
  readonly acceptedAtMs: number;
  readonly by: string;
  readonly reason: string;
}

export const RESTORE_ACTION = 'audit.restore-accepted';

/** What is signed, every line ended. Its first line has a blank, which no head's has: neither is ever taken for the other. */
export function restoreText(restore: AcceptedRestore): string {
  const { origin, restoredSize, restoredRootBase64, lostSize, lostHeads, lostUntilMs, acceptedAtMs } = restore;
  return [
    `${origin} restore accepted`,
    `restored ${restoredSize} ${restoredRootBase64}`,
    `lost ${lostSize} ${lostHeads} ${new Date(lostUntilMs).toISOString()}`,
    `accepted ${new Date(acceptedAtMs).toISOString()}`,
    `by ${cleanText(restore.by)}`,
    `reason ${cleanText(restore.reason)}`,
    '',
  ].join('\n');
}

/** As an entry of the log it is about. */
export function restoreEntry(
  restore: AcceptedRestore,
  more: Pick<AuditEntry, 'actor' | 'correlationId'> & { readonly signature: string },
): AuditEntry {
  const { restoredSize, restoredRootBase64: restoredRoot, lostSize, lostHeads, reason } = restore;
  const lostUntil = new Date(restore.lostUntilMs).toISOString();
  return {
    atMs: restore.acceptedAtMs,
    actor: { ...more.actor, name: restore.by },
    action: RESTORE_ACTION,
    resource: { kind: 'audit' },
    outcome: 'allowed',
    correlationId: more.correlationId,
    detail: { restoredSize, restoredRoot, lostSize, lostHeads, lostUntil, reason, signature: more.signature },
  };
}

/** What such an entry says; undefined: it says nothing that could have been signed. Whether it was, the key says. */
export function restoreIn(
  entry: RecordedEntry,
  origin: string,
): { readonly restore: AcceptedRestore; readonly signature: string } | undefined {
  const { restoredSize, restoredRoot, lostSize, lostHeads, lostUntil, reason, signature } = entry.detail ?? {};
  const lostUntilMs = Date.parse(String(lostUntil));
  const isOne =
    entry.action === RESTORE_ACTION &&
    isCount(restoredSize) &&
    isCount(lostSize) &&
    isCount(lostHeads) &&
    typeof restoredRoot === 'string' &&
    typeof reason === 'string' &&
    typeof signature === 'string' &&
    !Number.isNaN(lostUntilMs);
  // It stands behind what came back, and was written after everything that it excuses: what is signed later is not.
  if (!isOne || restoredSize > entry.position || lostUntilMs >= entry.recordedAtMs) return undefined;
  const restore = {
    origin,
    restoredSize,
    restoredRootBase64: restoredRoot,
    lostSize,
    lostHeads,
    lostUntilMs,
    acceptedAtMs: entry.atMs,
    by: entry.actor.name,
    reason,
  };
  return { restore, signature };
}

/** Whether a head that does not fit the log is one of those it excuses. */
export function isExcused(restore: AcceptedRestore, head: { readonly size: number; readonly signedAtMs: number }) {
  return head.size > restore.restoredSize && head.signedAtMs <= restore.lostUntilMs;
}

/** A head that is signed, and that the log is not. */
export interface StrayHead {
  readonly size: number;
  readonly signedAtMs: number;
}

export type ProposedRestore = Pick<AcceptedRestore, 'restoredSize' | 'lostSize' | 'lostHeads' | 'lostUntilMs'>;

/**
 * Which restores explain heads that do not fit. A log never goes back in time: what it holds of the time before a head
 * was signed is what came back, and a head that was signed for more than that is of what did not. One that was signed
 * for no more than came back is explained by no restore: something was changed (`unexplained`).
 */
export function restoresBehind(
  heads: readonly (StrayHead & { /** Entries of the log that were recorded by then. */ readonly sizeThen: number })[],
): { readonly restores: readonly ProposedRestore[]; readonly unexplained: readonly StrayHead[] } {
  const bySize = new Map<number, ProposedRestore>();
  const unexplained: StrayHead[] = [];
  for (const { size, signedAtMs, sizeThen } of heads) {
    if (size <= sizeThen) {
      unexplained.push({ size, signedAtMs });
      continue;
    }
    const before = bySize.get(sizeThen);
    bySize.set(sizeThen, {
      restoredSize: sizeThen,
      lostSize: Math.max(size, before?.lostSize ?? 0),
      lostHeads: (before?.lostHeads ?? 0) + 1,
      lostUntilMs: Math.max(signedAtMs, before?.lostUntilMs ?? signedAtMs),
    });
  }
  return { restores: [...bySize.values()].sort((a, b) => a.restoredSize - b.restoredSize), unexplained };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
