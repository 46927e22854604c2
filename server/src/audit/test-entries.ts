import type { AuditEntry } from '../domain/audit-entry.ts';

/** An entry as a request leaves it, with what a test wants otherwise. */
export function makeEntry(change: Partial<AuditEntry> = {}): AuditEntry {
  return {
    atMs: Date.parse('2026-11-22T03:00:00Z'),
    actor: { kind: 'person', name: 'ada', userId: 'u1', address: '10.0.0.7', sessionId: '0123456789abcdef' },
    action: 'patient.read',
    resource: { kind: 'patients', id: 'P1' },
    patientId: 'P1',
    purpose: 'treatment',
    outcome: 'allowed',
    policies: ['clinicians-own-ward'],
    correlationId: '6b0e3c1e-6b0e-4c1e-8b0e-6b0e3c1e6b0e',
    detail: { method: 'GET', route: '/api/patients/:id', status: 200 },
    ...change,
  };
}
