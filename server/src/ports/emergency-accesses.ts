import type { PatientId, TenantId, UserId, WardId } from '../domain/ids.ts';

/** Who opened whose record in an emergency, until when, why, and what the review found. */
export interface EmergencyAccesses {
  /** Durable when it resolves: an access that nobody can review does not happen. */
  begin(access: NewEmergencyAccess): Promise<void>;
  /** Those whose time is not over, of everybody. */
  running(nowMs: number): Promise<readonly EmergencyAccess[]>;
  /** False: there is none such, or it was over before. */
  end(request: { readonly id: string; readonly by: string; readonly atMs: number }): Promise<boolean>;
  review(request: {
    readonly id: string;
    readonly justified: boolean;
    readonly comment: string;
    readonly byId: UserId;
    readonly by: string;
    readonly atMs: number;
  }): Promise<EmergencyReviewOutcome>;
  find(id: string): Promise<EmergencyAccess | undefined>;
  /** Not reviewed yet: oldest first. Reviewed: newest first. */
  list(query: {
    readonly isReviewed: boolean;
    readonly limit: number;
    /** The last of the page before. */
    readonly after?: { readonly beganAtMs: number; readonly id: string };
  }): Promise<readonly EmergencyAccess[]>;
  /** The organisations of which some began before this moment and nobody has reviewed them. */
  overdue(beganBeforeMs: number): Promise<readonly TenantId[]>;
}

export type EmergencyReviewOutcome =
  | { readonly kind: 'reviewed'; readonly access: EmergencyAccess }
  | { readonly kind: 'already-reviewed'; readonly access: EmergencyAccess }
  /** Nobody reviews what they opened themselves. */
  | { readonly kind: 'own' }
  | { readonly kind: 'not-found' };

export interface NewEmergencyAccess {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly userId: UserId;
  /** Who opened it, as they sign. */
  readonly signed: string;
  readonly patientId: PatientId;
  /** Where the patient lay. */
  readonly wardId?: WardId;
  readonly reason: string;
  readonly proof: 'password' | 'second-factor';
  readonly beganAtMs: number;
  readonly endsAtMs: number;
}

export interface EmergencyAccess extends NewEmergencyAccess {
  /** Before its time, by whom. */
  readonly endedAtMs?: number;
  readonly endedBy?: string;
  readonly review?: {
    readonly justified: boolean;
    readonly comment: string;
    readonly byId: UserId;
    readonly by: string;
    readonly atMs: number;
  };
}
