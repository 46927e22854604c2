import type { Consent } from './consent.ts';
import { DEFAULT_TENANT, type PatientId } from './ids.ts';

/** To research, in force, as a test needs it. */
export function testConsent(change: Partial<Consent> = {}): Consent {
  return {
    id: 'a',
    version: 1,
    tenantId: DEFAULT_TENANT,
    patientId: 'P1' as PatientId,
    purpose: 'research',
    decision: 'permit',
    state: 'active',
    fromMs: 1_000_000,
    givenAtMs: 900_000,
    recordedAtMs: 1_000_000,
    recordedBy: 'Phil',
    ...change,
  };
}
