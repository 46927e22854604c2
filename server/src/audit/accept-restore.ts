import type { KeyObject } from 'node:crypto';
import { parseNote } from '../domain/audit-head.ts';
import {
  type AcceptedRestore,
  isExcused,
  type ProposedRestore,
  restoresBehind,
  type StrayHead,
} from '../domain/audit-restore.ts';
import type { AuditStore } from '../ports/audit-store.ts';
import { evidenceOfStore } from './evidence.ts';
import { TreeNodes } from './tree-nodes.ts';
import { type AuditVerdict, verifyAudit } from './verify.ts';

/** What would be accepted, for whoever is to say that it was meant. */
export interface FoundRestore extends AcceptedRestore {
  /** The newest entry that came back was written then. */
  readonly backupAtMs: number | undefined;
  /** Up to here heads of before prove what came back. */
  readonly provedSize: number;
}

export type RestoreOutcome =
  /** Everything that was signed is here, or was accepted already. */
  | { readonly kind: 'nothing-lost' }
  /** What is wrong is not, or not only, that a backup came back. Accepting it would hide something. */
  | { readonly kind: 'not-a-restore'; readonly verdict: AuditVerdict; readonly unexplained: readonly StrayHead[] }
  /** The clock is behind what was signed: what is written now could not be told from what was before. */
  | { readonly kind: 'clock-behind'; readonly untilMs: number }
  | { readonly kind: 'found'; readonly restores: readonly FoundRestore[]; readonly size: number };

/**
 * Looks whether a log is what it was at a backup and what was written since, and nothing else: every entry as it was
 * signed, and every head that does not fit signed before the first entry that was written since. It writes nothing.
 */
export async function findRestore(parts: {
  readonly store: AuditStore;
  readonly keys: readonly KeyObject[];
  /** From every place that keeps heads: what is not known to be lost cannot be accepted. */
  readonly anchored: readonly string[];
  readonly by: string;
  readonly reason: string;
  readonly now: () => number;
}): Promise<RestoreOutcome> {
  const { store, keys, anchored, by, reason, now } = parts;
  const evidence = await evidenceOfStore(store, { anchored });
  const strays: StrayHead[] = [];
  const verdict = await verifyAudit(evidence, { keys, onStray: (head) => strays.push(head) });
  if (verdict.isIntact) return { kind: 'nothing-lost' };
  const open = strays.filter((head) => !verdict.restores.some((restore) => isExcused(restore, head)));
  const { restores, unexplained } = restoresBehind(await withSizesThen(store, open));
  if (restores.length === 0 || unexplained.length > 0) return { kind: 'not-a-restore', verdict, unexplained };
  const acceptedAtMs = now();
  const untilMs = Math.max(...restores.map(({ lostUntilMs }) => lostUntilMs));
  if (untilMs >= acceptedAtMs) return { kind: 'clock-behind', untilMs };
  const nodes = new TreeNodes(store);
  const proposed: AcceptedRestore[] = [];
  for (const restore of restores) {
    const root = await nodes.range({ from: 0, to: restore.restoredSize });
    if (root === undefined) return { kind: 'not-a-restore', verdict, unexplained };
    const restoredRootBase64 = Buffer.from(root).toString('base64');
    proposed.push({ ...restore, origin: evidence.origin, restoredRootBase64, acceptedAtMs, by, reason });
  }
  const judged = await verifyAudit(evidence, { keys, proposed });
  if (!judged.isIntact) return { kind: 'not-a-restore', verdict: judged, unexplained };
  const found = await Promise.all(
    proposed.map(async (restore) => ({
      ...restore,
      backupAtMs: await recordedAt(store, restore.restoredSize - 1),
      provedSize: provedSize(evidence.heads, restore),
    })),
  );
  return { kind: 'found', restores: found, size: evidence.size };
}

/** How many entries the log holds of the time until each was signed. */
async function withSizesThen(store: AuditStore, heads: readonly StrayHead[]) {
  const byTime = [...heads].sort((a, b) => a.signedAtMs - b.signedAtMs);
  const sizeAt = async (head: StrayHead | undefined) => (head && (await store.positionAt(head.signedAtMs + 1))) ?? 0;
  const [first, last] = [await sizeAt(byTime[0]), await sizeAt(byTime.at(-1))];
  // Nearly always: nothing was written between them, for the database was away. A day's heads are 1,440.
  if (first === last) return byTime.map((head) => ({ ...head, sizeThen: first }));
  const found: (StrayHead & { readonly sizeThen: number })[] = [];
  for (const head of byTime) found.push({ ...head, sizeThen: await sizeAt(head) });
  return found;
}

async function recordedAt(store: AuditStore, position: number): Promise<number | undefined> {
  const [entry] = await store.read({ from: position, to: position + 1 });
  return entry?.columns.recordedAtMs;
}

/** All of them have been verified: the largest of before that fits. */
function provedSize(notes: readonly string[], { restoredSize, lostUntilMs }: ProposedRestore): number {
  let largest = 0;
  for (const note of notes) {
    const { size = 0, signedAtMs = 0 } = parseNote(note)?.head ?? {};
    if (size <= restoredSize && signedAtMs <= lostUntilMs) largest = Math.max(largest, size);
  }
  return largest;
}
