import type { Consent } from '../domain/consent.ts';
import type { PatientId, TenantId } from '../domain/ids.ts';

/** What patients have consented to: every version, for as long as the record itself. */
export interface Consents {
  /**
   * Keeps one more version, durable when it resolves: the first of a new consent, or the one after the newest.
   * `changed-meanwhile`: this version is there already, or the one before it is not; nothing was kept.
   */
  keep(consent: Consent): Promise<{ readonly kind: 'kept' } | { readonly kind: 'changed-meanwhile' }>;
  /** Newest first; empty: there is no such consent. */
  versions(id: string): Promise<readonly Consent[]>;
  /** Every version of every consent of a patient, newest first. */
  ofPatient(patientId: PatientId): Promise<readonly Consent[]>;
  /** Each consent of an organisation in its newest version, recorded last first; `after` the last of the page before. */
  recent(query: {
    readonly tenantId: TenantId;
    readonly limit: number;
    readonly after?: { readonly recordedAtMs: number; readonly id: string };
  }): Promise<readonly Consent[]>;
  /** Newest versions that are in force at this moment or will be: of one patient, or of all. */
  standing(query: { readonly nowMs: number; readonly patientId?: PatientId }): Promise<readonly Consent[]>;
}
