import type { Alert } from '@healthsync/contracts/alert';

const cause = { text: 'HR 167 > 160' };

/** A high alarm that calls, changed as a test needs it. */
export function testAlert(change: Partial<Alert> = {}): Alert {
  return {
    id: 'A1',
    patientId: 'P1',
    rule: 'r',
    ruleVersion: 1,
    kind: 'physiological',
    priority: 'high',
    highestPriority: 'high',
    state: 'active',
    condition: 'present',
    cause,
    worst: cause,
    deviceId: 'D',
    readingId: 'r',
    lastReadingId: 'r',
    raisedAt: '2026-11-22T01:00:00.000Z',
    reminders: 0,
    notes: 0,
    ...change,
  };
}
