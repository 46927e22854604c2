import { parseNote } from '../domain/audit-head.ts';
import { type Repeating, repeat } from '../pacing/repeating.ts';
import type { AuditStore } from '../ports/audit-store.ts';
import type { TreeHeadAnchor } from '../ports/tree-head-anchor.ts';

/** Brings the newest tree head to every anchor, and remembers which had it. What fails is tried again at the next round. */
export function startAnchoring(options: {
  readonly store: AuditStore;
  readonly anchors: readonly TreeHeadAnchor[];
  /** How much can be changed unseen by whoever has database and key together: what was written since the last. */
  readonly everyMs: number;
  readonly now: () => number;
  readonly onFailing?: (anchor: string, error: unknown) => unknown;
  readonly onKept?: (anchor: string) => unknown;
  /** After every round: how far each has come. */
  readonly onRound?: (cursors: Awaited<ReturnType<AuditStore['cursors']>>) => unknown;
}): Repeating {
  const { store, anchors, now, onFailing, onKept, onRound } = options;
  return repeat(round, { everyMs: options.everyMs, onError: (error) => onFailing?.('log', error) });

  async function round(): Promise<void> {
    const { head } = await store.open('healthsync-audit/none');
    const parsed = head === undefined ? undefined : parseNote(head);
    if (head === undefined || parsed === undefined) return;
    const { size, signedAtMs } = parsed.head;
    await Promise.all(anchors.map((anchor) => keep(anchor, { size, signedAtMs, note: head })));
    onRound?.(await store.cursors());
  }

  async function keep(anchor: TreeHeadAnchor, head: Parameters<TreeHeadAnchor['keep']>[0]): Promise<void> {
    const name = `anchor:${anchor.name}`;
    const before = await store.cursor(name);
    if (before?.position === head.size && before.failingSinceMs === undefined) return;
    try {
      await anchor.keep(head);
      await store.setCursor(name, { position: head.size, atMs: now() });
      onKept?.(anchor.name);
    } catch (error) {
      onFailing?.(anchor.name, error);
      const failure = error instanceof Error ? error.name : 'unknown';
      const atMs = before?.atMs ?? now();
      const failingSinceMs = before?.failingSinceMs ?? now();
      await store.setCursor(name, { position: before?.position ?? 0, atMs, failingSinceMs, failure });
    }
  }
}
