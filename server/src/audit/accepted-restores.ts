import type { KeyObject } from 'node:crypto';
import { encodeEntry, type RecordedEntry } from '../domain/audit-entry.ts';
import { type AcceptedRestore, isExcused, RESTORE_ACTION, restoreIn, type StrayHead } from '../domain/audit-restore.ts';
import type { AuditStore } from '../ports/audit-store.ts';
import { isRestoreSigned } from './tree-head-key.ts';

/** A restore of which a verified log says that it was accepted. */
export interface RestoreSeen extends AcceptedRestore {
  /** Of the entry that says so; absent: it is looked at whether it would do. */
  readonly position?: number;
  /** Heads that were met and did not fit, and that it excuses. */
  readonly headsExcused: number;
}

/** A hospital restores its database a few times in its life; of more than these the oldest excuse nothing. */
const RESTORES_MAX = 1_000;

/** Entries that say so, as they can be found; a verification asks each for its signature, and whether it stands there. */
export function restoresIn(store: Pick<AuditStore, 'search'>): Promise<readonly RecordedEntry[]> {
  return store.search({ action: RESTORE_ACTION, limit: RESTORES_MAX });
}

/** For one verification: which restores were accepted by whoever has the key, and what that excuses. */
export class AcceptedRestores {
  readonly #accepted: { restore: AcceptedRestore; text?: string; position?: number; headsExcused: number }[] = [];
  readonly #seen = new Set<string>();
  /** Places of entries that say so and that nobody we trust has signed. */
  readonly forged: readonly number[];

  constructor(
    entries: readonly RecordedEntry[],
    trust: { readonly origin: string; readonly keys: readonly KeyObject[]; proposed?: readonly AcceptedRestore[] },
  ) {
    const forged: number[] = [];
    for (const entry of entries) {
      const found = restoreIn(entry, trust.origin);
      const { position } = entry;
      if (found !== undefined && isRestoreSigned(found.restore, found.signature, trust.keys))
        this.#accepted.push({ restore: found.restore, text: encodeEntry(entry), position, headsExcused: 0 });
      else forged.push(position);
    }
    for (const restore of trust.proposed ?? []) this.#accepted.push({ restore, headsExcused: 0 });
    this.forged = forged;
  }

  /** What was signed for what came back. */
  get signed(): readonly AcceptedRestore[] {
    return this.#accepted.map(({ restore }) => restore);
  }

  excuses(head: StrayHead): boolean {
    const found = this.#accepted.find(({ restore }) => isExcused(restore, head));
    if (found !== undefined) found.headsExcused++;
    return found !== undefined;
  }

  /** An entry of the log that says so: what was found beforehand counts only if the log holds it. */
  saw(text: string): void {
    this.#seen.add(text);
  }

  /** Places between those where the log does not hold what was found. */
  missing(from: number, to: number): readonly number[] {
    return this.#accepted.flatMap(({ position, text }) =>
      position !== undefined && position >= from && position < to && !this.#seen.has(text ?? '') ? [position] : [],
    );
  }

  list(): readonly RestoreSeen[] {
    return this.#accepted
      .map(({ restore, position, headsExcused }) => ({
        ...restore,
        ...(position !== undefined && { position }),
        headsExcused,
      }))
      .sort((a, b) => (a.position ?? Number.POSITIVE_INFINITY) - (b.position ?? Number.POSITIVE_INFINITY));
  }
}
