import type { Action, Purpose, Role } from '../domain/access.ts';
import type { DeviceId, PatientId, TenantId, UserId, WardId } from '../domain/ids.ts';

/**
 * The one place where it is decided who may do what: HTTP, live streams, answers that come through channels, and
 * background work all ask here. Deny by default; what a policy says is in `policies/`.
 */
export interface Decisions {
  /** Synchronous, and from memory: a decision is at most 5 s old, and no older than the last change it rests on. */
  decide(question: Question): Decision;
  /** As `decide`, never from memory, with everything that was looked at. */
  explain(question: Question): Explanation;
  /** Whom lists and streams hold besides their wards: in their care by the plan, or opened in an emergency; for an app
   * that was opened for one, this one. May they be seen, and for what, is still to be asked. */
  patientsOf(principal: Subject): ReadonlySet<PatientId>;
}

/** Who asks: `Principal`, a user read from the accounts, or a device. */
export interface Subject {
  readonly userId: UserId;
  /** As they sign in: the party that a patient shares with, where this is for sharing. */
  readonly name?: string;
  readonly roles: readonly Role[];
  /** Empty: all wards. */
  readonly wardIds: readonly WardId[];
  readonly tenantId: TenantId;
  readonly kind: 'session' | 'api' | 'device' | 'background';
  /** When the first factor was last shown (ms). */
  readonly authenticatedAtMs?: number;
  /** When a second factor was last shown; absent: never, as there is none. */
  readonly mfaAtMs?: number;
  readonly purpose?: string;
  readonly scopes?: readonly string[];
  /** The one patient it is for, where an app was opened for one. */
  readonly launchPatientId?: PatientId;
}

export interface Question {
  readonly principal: Subject;
  readonly action: Action;
  readonly resource: ResourceRef;
  readonly context?: {
    /** Absent: as the principal says, or treatment where it is about patients. */
    readonly purpose?: Purpose;
    /** Absent: now. */
    readonly atMs?: number;
  };
}

export type ResourceRef =
  /** Before it is known which: may they ask for this at all, somewhere? The thing itself is asked about later. */
  | { readonly kind: 'door' }
  /** What is everybody's: the house's rules, channels, accounts. */
  | { readonly kind: 'house'; readonly tenantId?: TenantId }
  /** What is one for all organisations: how it runs, its keys, its channels. Belongs to the first, which runs it. */
  | { readonly kind: 'installation' }
  /** `wardId` absent: whoever lies in no ward. */
  | { readonly kind: 'ward'; readonly wardId: WardId | undefined; readonly tenantId?: TenantId }
  /** `wardId`: where they lie, if the caller knows better than the registry. */
  | {
      readonly kind: 'patient';
      readonly patientId: PatientId;
      readonly wardId?: WardId;
      readonly tenantId?: TenantId;
    }
  | { readonly kind: 'device'; readonly deviceId: DeviceId; readonly wardId?: WardId; readonly tenantId?: TenantId }
  /** An emergency access, to review: `by` opened it. */
  | { readonly kind: 'emergency-access'; readonly id: string; readonly by: UserId; readonly tenantId?: TenantId };

export interface Decision {
  readonly allowed: boolean;
  /** Those that decided: the permits, or the forbids that stood against them. Empty: nothing permits it. */
  readonly policies: readonly string[];
  /** For a refusal in words: any one of these roles would do. */
  readonly needs?: readonly Role[];
  /** What would lift a refusal that the roles alone do not explain. */
  readonly obligation?: Obligation;
  /** The emergency access without which it would have been refused. */
  readonly emergencyAccess?: string;
  /** The patient's consent that opened it, or kept it closed. */
  readonly consent?: { readonly id: string; readonly version: number };
}

/**
 * In the order in which they are done: a second factor that is made now is fresh. `second-factor`: to show afresh that it
 * is them, by their password where they have no second factor.
 */
export const OBLIGATIONS = ['own-second-factor', 'second-factor', 'break-glass'] as const;
export type Obligation = (typeof OBLIGATIONS)[number];

export interface Explanation extends Decision {
  readonly rules: readonly PolicyInWords[];
  readonly attributes: readonly AttributeInWords[];
}

export interface PolicyInWords {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly title: string;
  readonly text: string;
}

export interface AttributeInWords {
  /** `principal.wards`, `resource.ward`, `context.purpose` */
  readonly name: string;
  readonly value: string;
  readonly words: string;
}
