import type { AuditEntry, RecordedEntry } from '../domain/audit-entry.ts';

/** Where everything that must be provable is written down. */
export interface AuditLog {
  /**
   * Durable when it resolves, all of them or none. Rejects with a `Failure`: then what was to be audited must not happen.
   * Entries of many callers share one write.
   */
  append(entries: readonly AuditEntry[]): Promise<readonly AuditReceipt[]>;
}

export interface AuditReceipt {
  /** The index of its leaf in the tree. */
  readonly position: number;
  readonly recordedAtMs: number;
}

/** What is searched for; what is given must all agree. */
export interface AuditQuery {
  /** Sign-in name, or id of the user or device. */
  readonly person?: string;
  readonly patientId?: string;
  /** One action, or all that begin so: `alarm.*`. */
  readonly action?: string;
  readonly outcome?: AuditEntry['outcome'];
  readonly resourceKind?: string;
  readonly resourceId?: string;
  readonly correlationId?: string;
  /** `fromMs <= recordedAt < toMs`. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly tenantId?: string;
  /** Newest first, below this position; or oldest first, above `after`. */
  readonly before?: number;
  readonly after?: number;
  readonly limit: number;
}

/** The log for whoever reads it. */
export interface AuditRecords {
  search(query: AuditQuery): Promise<readonly RecordedEntry[]>;
}
