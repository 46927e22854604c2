import type { PatientId, TenantId, UserId } from '../domain/ids.ts';
import type { LeakHit, LeakScanCounts } from '../domain/leak.ts';
import type {
  CloseOutcome,
  SecurityAlert,
  SecurityAlertKind,
  SecurityFinding,
  SecuritySeverity,
  SecurityVerdict,
} from '../domain/security-alert.ts';

/** What watching over access has noticed, and how far it has come. Rejects with `Failure`. */
export interface SecurityAlerts {
  /** How far the audit log was looked at, and what is remembered of the people in it. */
  progress(): Promise<WatchProgress | undefined>;
  /** What is remembered of these people, and of roles, by key. */
  memories(keys: readonly string[]): Promise<ReadonlyMap<string, unknown>>;
  /**
   * All of it or nothing: findings (new ones, and those that grew), what is remembered now, and how far it has come. An
   * alert that is new, or got more serious, is an event in the same transaction. Answers with these.
   * `moved`: another process has gone on from there.
   */
  advance(step: {
    readonly from: number;
    readonly to: number;
    readonly atMs: number;
    readonly lookedUntilMs: number;
    readonly tellsFromMs: number;
    readonly findings: readonly SecurityFinding[];
    readonly memories: ReadonlyMap<string, unknown>;
  }): Promise<{ readonly kind: 'advanced'; readonly raised: readonly SecurityAlert[] } | { readonly kind: 'moved' }>;
  /** Addresses that nobody signed in from and that were not heard of since: whoever has many must not fill the table. */
  forget(beforeMs: number): Promise<number>;
  /** What was not found in the audit stream. */
  raise(finding: SecurityFinding, atMs: number): Promise<readonly SecurityAlert[]>;

  /** Open, not low, and not told yet how serious they are; oldest first. */
  untold(limit: number): Promise<readonly SecurityAlert[]>;
  markTold(alert: Pick<SecurityAlert, 'id' | 'tenantId' | 'severity'>): Promise<void>;

  /** Newest first. */
  list(query: SecurityAlertQuery): Promise<readonly SecurityAlert[]>;
  counts(tenantId: TenantId): Promise<Readonly<Record<'open' | 'lookedAt', number>>>;
  find(id: string, tenantId: TenantId): Promise<SecurityAlert | undefined>;
  /** Undefined: there is none. One that was looked at, or is closed, stays as it is. */
  look(request: AlertAct): Promise<SecurityAlert | undefined>;
  close(request: AlertAct & { readonly verdict: SecurityVerdict; readonly note: string }): Promise<CloseOutcome>;
}

export interface AlertAct {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly byId: UserId;
  readonly by: string;
  readonly atMs: number;
}

export interface SecurityAlertQuery {
  readonly tenantId: TenantId;
  readonly states?: readonly SecurityAlert['state'][];
  readonly kind?: SecurityAlertKind;
  readonly severity?: SecuritySeverity;
  /** Sign-in name or id. */
  readonly person?: string;
  readonly limit: number;
  /** The last of the page before. */
  readonly after?: { readonly lastAtMs: number; readonly id: string };
}

export interface WatchProgress {
  /** The next position to look at. */
  readonly position: number;
  readonly atMs: number;
  readonly lookedUntilMs?: number;
  /** What is older is learned from and not told: from before watching began here. */
  readonly tellsFromMs: number;
}

/** Runs of the scan for leaks, and the made-up patients it looks for. */
export interface LeakScans {
  /** False: one of this id was begun before, by another process. */
  begin(scan: { readonly id: string; readonly atMs: number }): Promise<boolean>;
  end(scan: LeakScanResult): Promise<void>;
  /** Newest first. */
  list(limit: number): Promise<readonly LeakScanRecord[]>;
  /** The made-up patients there are, as they are sealed. */
  canaries(): Promise<readonly { readonly patientId: PatientId; readonly identity: Uint8Array }[]>;
  /** From now on this patient is one, and shown to nobody. Before the patient is made. */
  markCanary(patientId: PatientId, atMs: number): Promise<void>;
}

export interface LeakScanResult extends LeakScanCounts {
  readonly id: string;
  readonly atMs: number;
  readonly hits: readonly LeakHit[];
  readonly found: number;
  readonly leftOut: readonly string[];
  readonly failure?: string;
}

export interface LeakScanRecord extends Partial<Omit<LeakScanResult, 'id' | 'atMs'>> {
  readonly id: string;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
}
