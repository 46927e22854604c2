import type { SecurityAlert, SecurityAlertKind, SecurityVerdict } from '@healthsync/contracts/security-alert';

/** What each kind is, for whoever reads it at a glance. */
export const KIND_WORDS: Readonly<Record<SecurityAlertKind, string>> = {
  'too-many-patients': 'Too many patients',
  'unusual-hour': 'Unusual hour',
  'own-record': 'Own record',
  vip: 'Protected record',
  neighbour: 'Neighbour or relative',
  'impossible-travel': 'Two places at once',
  'export-volume': 'Much handed out',
  'repeated-denials': 'Refused again and again',
  'break-glass-rate': 'Many emergencies',
  'audit-altered': 'Audit log altered',
  'phi-leak': 'Leak of patients’ data',
};

/** With a sign of its own: colour alone says nothing to some. */
export const SEVERITY_WORDS = { high: '▲ high', medium: '◆ medium', low: '▽ low' } as const;

export const VERDICT_WORDS: Readonly<Record<SecurityVerdict, string>> = {
  justified: '✓ Justified',
  violation: '✕ Violation',
  'false-alarm': '○ False alarm',
};

export interface AlertFilter {
  readonly state: 'unsettled' | 'closed';
  readonly kind: SecurityAlertKind | '';
  readonly severity: SecurityAlert['severity'] | '';
  readonly person: string;
}

export function searchOf({ state, kind, severity, person }: AlertFilter, cursor: string): string {
  const search = new URLSearchParams({ state, limit: '25' });
  for (const [name, value] of Object.entries({ kind, severity, person: person.trim(), cursor }))
    if (value !== '') search.set(name, value);
  return search.toString();
}

/** What of the audit log an alert is about, with a little before and after it. */
export function auditOf({ person, patientId, firstAt, lastAt }: SecurityAlert) {
  const around = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString();
  return {
    ...(person?.userId !== undefined && { person: person.userId }),
    ...(patientId !== undefined && { patient: patientId }),
    from: around(firstAt, -AROUND_MS),
    to: around(lastAt, AROUND_MS),
  };
}

const AROUND_MS = 3_600_000;
