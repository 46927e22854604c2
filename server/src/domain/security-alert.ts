import type { PatientId, TenantId, UserId } from './ids.ts';

/** What was noticed, from the audit stream or by the scan for leaks. */
export type SecurityAlertKind =
  | 'too-many-patients'
  | 'unusual-hour'
  | 'own-record'
  | 'vip'
  | 'neighbour'
  | 'impossible-travel'
  | 'export-volume'
  | 'repeated-denials'
  | 'break-glass-rate'
  | 'audit-altered'
  | 'phi-leak';

export type SecuritySeverity = 'high' | 'medium' | 'low';

/** Why, as a code with its numbers and a sentence for a person; never a patient's name. */
export interface SecurityReason {
  readonly code: string;
  readonly text: string;
  readonly numbers?: Readonly<Record<string, number>>;
}

export interface SecurityFinding {
  /** The same whenever the same entries are looked at again. */
  readonly id: string;
  readonly tenantId: TenantId;
  readonly kind: SecurityAlertKind;
  /** 0 to 100. */
  readonly score: number;
  readonly person?: { readonly name: string; readonly userId?: UserId };
  readonly patientId?: PatientId;
  readonly reasons: readonly SecurityReason[];
  /** Places in the audit log, oldest first. */
  readonly evidence: readonly number[];
  /** How often it was noticed; what comes again within a while is added here. */
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

export type SecurityVerdict = 'justified' | 'violation' | 'false-alarm';

export interface SecurityAlert extends SecurityFinding {
  readonly severity: SecuritySeverity;
  readonly state: 'open' | 'looked-at' | 'closed';
  readonly lookedAt?: { readonly by: string; readonly byId: UserId; readonly atMs: number };
  readonly closed?: {
    readonly verdict: SecurityVerdict;
    readonly note: string;
    readonly by: string;
    readonly byId: UserId;
    readonly atMs: number;
  };
}

/** From 70 somebody should look now, from 40 today; below, when there is time. */
export function severityOf(score: number): SecuritySeverity {
  if (score >= 70) return 'high';
  return score >= 40 ? 'medium' : 'low';
}

export type CloseOutcome =
  | { readonly kind: 'closed'; readonly alert: SecurityAlert }
  /** Nobody closes what is about themselves. */
  | { readonly kind: 'own' }
  | { readonly kind: 'already-closed'; readonly alert: SecurityAlert }
  | { readonly kind: 'not-found' };

/** Whether this person may say how it ended. */
export function mayClose(alert: Pick<SecurityAlert, 'person' | 'state'>, byId: UserId): 'yes' | 'own' | 'closed' {
  if (alert.person?.userId === byId) return 'own';
  return alert.state === 'closed' ? 'closed' : 'yes';
}
