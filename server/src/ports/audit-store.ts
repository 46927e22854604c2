import { type AuditEntry, cleanText, type RecordedEntry } from '../domain/audit-entry.ts';
import type { AuditRecords } from './audit-log.ts';

/** Hashes in one tile: 256, as in C2SP tlog-tiles. A tile is written once, when it is full. */
export const TILE_SIZE = 256;

/**
 * Where the audit log lies: entries as the text that was hashed, tiles of tree hashes, signed heads. It knows nothing of
 * hashing; it keeps what it is given, in one order, or not at all. Rejects with `Failure`.
 */
export interface AuditStore extends AuditRecords {
  /** The log as it stands; makes it, under this name, where there is none yet. */
  open(originIfNew: string): Promise<StoredLog>;
  /**
   * All of it or nothing. `moved`: another process has appended since; look again. `settled`: what was pending is so no
   * more, another has written it down.
   */
  append(batch: AuditBatch): Promise<'appended' | 'moved' | 'settled'>;
  /**
   * The same for whoever was overtaken: waits until it is its turn, and from then on nobody comes before it. `make` gets
   * the log as it stands then, to be read there: reading elsewhere, it might wait for those who wait for it. `moved`: it
   * waited in vain.
   */
  appendInTurn(
    make: (log: StoredLog, there: Pick<AuditStore, 'read' | 'tiles'>) => Promise<AuditBatch>,
  ): Promise<'appended' | 'moved' | 'settled'>;

  /** With `from <= position < to`, in order; what was deleted is left out. */
  read(range: { readonly from: number; readonly to: number }): Promise<readonly StoredEntry[]>;
  /** Full tiles of that level with `from <= index < to`, by index; what was deleted is left out. */
  tiles(level: number, range: { readonly from: number; readonly to: number }): Promise<ReadonlyMap<number, Uint8Array>>;
  /** Heads that were kept, with `size >= from`, smallest first; `newest`: the other way round. */
  heads(query: {
    readonly from?: number;
    readonly newest?: boolean;
    readonly limit: number;
  }): Promise<readonly string[]>;

  /** Entries that other transactions left to be written down, oldest first. */
  pending(limit: number): Promise<readonly PendingEntry[]>;

  /** How far a follower has come: the SIEM, an anchor. 0: it has had nothing. */
  cursor(name: string): Promise<AuditCursor | undefined>;
  cursors(): Promise<readonly (AuditCursor & { readonly name: string })[]>;
  setCursor(name: string, cursor: AuditCursor): Promise<void>;

  /**
   * Deletes entries with `position < before` whose patient and person are under no hold, and the tiles that nothing
   * needs any more. Answers how many entries.
   */
  prune(request: { readonly before: number; readonly limit: number }): Promise<number>;
  /** The first position that was recorded at or after that moment; the log's size where none was. */
  positionAt(atMs: number): Promise<number>;

  /** The first position that is still there; entries before it were deleted after their retention. */
  prunedBefore(): Promise<number>;

  /** What the last verification found. */
  lastCheck(): Promise<AuditCheck | undefined>;
  setLastCheck(check: AuditCheck): Promise<void>;

  holds(): Promise<readonly LegalHold[]>;
  placeHold(hold: Omit<LegalHold, 'id' | 'releasedAtMs' | 'releasedBy'>): Promise<LegalHold>;
  /** False: there is none of that id that holds. */
  releaseHold(id: string, by: string, atMs: number): Promise<boolean>;
}

export interface StoredLog {
  /** First line of every tree head; names this log and no other. */
  readonly origin: string;
  readonly size: number;
  /** Of the newest entry; -Infinity for none. */
  readonly lastRecordedAtMs: number;
  /** The signed head that was written with the newest entries; absent while there are none. */
  readonly head?: string;
}

export interface AuditBatch {
  /** What the log's size must still be. */
  readonly size: number;
  readonly entries: readonly { readonly entry: RecordedEntry; readonly text: string }[];
  readonly tiles: readonly { readonly level: number; readonly index: number; readonly hashes: Uint8Array }[];
  readonly head: string;
  readonly signedAtMs: number;
  /** The head is kept beside the present one, for proofs and for anchors. */
  readonly keepsHead: boolean;
  /** Which pending entries these were. */
  readonly settles: readonly string[];
}

/** A row: the text, and what stands beside it so that it can be searched for. */
export interface StoredEntry {
  readonly position: number;
  readonly text: string;
  readonly columns: EntryColumns;
}

/** What of an entry is searched by. Derived from the text, and verified against it. */
export interface EntryColumns {
  readonly recordedAtMs: number;
  readonly actor: string;
  readonly actorId?: string;
  readonly action: string;
  readonly outcome: string;
  readonly resourceKind: string;
  readonly resourceId?: string;
  readonly patientId?: string;
  readonly correlationId: string;
  readonly tenantId?: string;
}

export interface PendingEntry {
  readonly id: string;
  readonly entry: AuditEntry;
}

export interface AuditCursor {
  readonly position: number;
  readonly atMs: number;
  /** Since when it has not got further although it tried. */
  readonly failingSinceMs?: number;
  readonly failure?: string;
}

export interface AuditCheck {
  readonly atMs: number;
  /** How many entries the log had. */
  readonly size: number;
  /** How much is not as it was signed. */
  readonly findings: number;
  /** When all of it was looked at last; since then only what is new. Absent: never. */
  readonly wholeAtMs?: number;
}

/** While it holds, entries about this patient, or of this person, are not deleted. */
export interface LegalHold {
  readonly id: string;
  readonly kind: 'patient' | 'person';
  readonly subject: string;
  readonly reason: string;
  readonly placedBy: string;
  readonly placedAtMs: number;
  readonly releasedBy?: string;
  readonly releasedAtMs?: number;
}

export function columnsOf(entry: RecordedEntry): EntryColumns {
  const { actor, resource, patientId, tenantId } = entry;
  return {
    recordedAtMs: entry.recordedAtMs,
    actor: cleanText(actor.name),
    action: cleanText(entry.action),
    outcome: entry.outcome,
    resourceKind: cleanText(resource.kind),
    correlationId: cleanText(entry.correlationId),
    ...(actor.userId !== undefined && { actorId: cleanText(actor.userId) }),
    ...(resource.id !== undefined && { resourceId: cleanText(resource.id) }),
    ...(patientId !== undefined && { patientId: cleanText(patientId) }),
    ...(tenantId !== undefined && { tenantId: cleanText(tenantId) }),
  };
}
