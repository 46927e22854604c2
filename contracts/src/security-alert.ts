import { type Static, Type } from 'typebox';

/** What was noticed in the audit stream, or found where no patient's name may be, for whoever watches over access. */
export const SECURITY_ALERT_KINDS = [
  'too-many-patients',
  'unusual-hour',
  'own-record',
  'vip',
  'neighbour',
  'impossible-travel',
  'export-volume',
  'repeated-denials',
  'break-glass-rate',
  'audit-altered',
  'phi-leak',
] as const;
export const SecurityAlertKind = Type.Enum([...SECURITY_ALERT_KINDS]);
export type SecurityAlertKind = Static<typeof SecurityAlertKind>;

export const SECURITY_SEVERITIES = ['high', 'medium', 'low'] as const;
export const SecuritySeverity = Type.Enum([...SECURITY_SEVERITIES]);
export type SecuritySeverity = Static<typeof SecuritySeverity>;

export const SecurityAlertState = Type.Enum(['open', 'looked-at', 'closed']);
export type SecurityAlertState = Static<typeof SecurityAlertState>;

/** `justified`: it was their work. `violation`: it was not. `false-alarm`: it was not what it looked like. */
export const SECURITY_VERDICTS = ['justified', 'violation', 'false-alarm'] as const;
export const SecurityVerdict = Type.Enum([...SECURITY_VERDICTS]);
export type SecurityVerdict = Static<typeof SecurityVerdict>;

/** Why, as a code, its numbers, and a sentence; never a patient's name. */
export const SecurityReason = Type.Object(
  {
    code: Type.String(),
    text: Type.String(),
    numbers: Type.Optional(Type.Record(Type.String(), Type.Number())),
  },
  { $id: 'SecurityReason' },
);
export type SecurityReason = Static<typeof SecurityReason>;

export const SecurityAlert = Type.Object(
  {
    id: Type.String(),
    kind: SecurityAlertKind,
    score: Type.Integer({ minimum: 0, maximum: 100 }),
    severity: SecuritySeverity,
    state: SecurityAlertState,
    person: Type.Optional(
      Type.Object({
        name: Type.String({ description: 'Sign-in name; an address where nobody signed in.' }),
        userId: Type.Optional(Type.String()),
      }),
    ),
    patientId: Type.Optional(Type.String()),
    reasons: Type.Array(SecurityReason),
    evidence: Type.Array(Type.Integer(), { description: 'Places in the audit log, oldest first; at most 50.' }),
    count: Type.Integer({ description: 'How often it was noticed again and added here.' }),
    firstAt: Type.String(),
    lastAt: Type.String(),
    lookedAt: Type.Optional(Type.Object({ by: Type.String(), at: Type.String() })),
    closed: Type.Optional(
      Type.Object({ verdict: SecurityVerdict, note: Type.String(), by: Type.String(), at: Type.String() }),
    ),
    isAboutYou: Type.Boolean({ description: 'Somebody else has to close it.' }),
  },
  { $id: 'SecurityAlert' },
);
export type SecurityAlert = Static<typeof SecurityAlert>;

/** `GET /api/security-alerts?state=&kind=&severity=&person=&cursor=&limit=`: newest first. */
export const SecurityAlertList = Type.Object(
  {
    alerts: Type.Array(SecurityAlert),
    next: Type.Optional(Type.String({ description: '`cursor` of the next page; absent on the last.' })),
    counts: Type.Object({ open: Type.Integer(), lookedAt: Type.Integer() }, { description: 'Of all, unfiltered.' }),
    watching: Type.Object(
      {
        behind: Type.Integer({ description: 'Entries of the audit log not looked at yet.' }),
        lookedUntil: Type.Optional(Type.String({ description: 'When what was looked at last was written down.' })),
        state: Type.Enum(['watching', 'behind', 'failing']),
      },
      { description: 'How the watching itself fares.' },
    ),
  },
  { $id: 'SecurityAlertList' },
);
export type SecurityAlertList = Static<typeof SecurityAlertList>;

/** `POST /api/security-alerts/{id}/close`, by somebody it is not about. */
export const CloseSecurityAlert = Type.Object(
  { verdict: SecurityVerdict, note: Type.String({ minLength: 3, maxLength: 1_000 }) },
  { $id: 'CloseSecurityAlert', additionalProperties: false },
);
export type CloseSecurityAlert = Static<typeof CloseSecurityAlert>;

/** Where something was found that names a patient; never what. */
export const LeakFinding = Type.Object(
  {
    where: Type.Enum(['file', 'file-name', 'table']),
    place: Type.String({ description: 'Path in the folder, or table and column.' }),
    offset: Type.Optional(Type.Integer({ description: 'About where in the file, in bytes.' })),
    row: Type.Optional(Type.Integer({ description: 'Which row of the column, counted as it was read.' })),
    what: Type.Enum(['canary', 'name', 'record-number']),
    encoding: Type.String({ description: '`plain`, `base64`, `utf-16le`, `gzip, plain`, …' }),
    patientId: Type.Optional(Type.String({ description: 'Whose; absent for a canary.' })),
  },
  { $id: 'LeakFinding' },
);
export type LeakFinding = Static<typeof LeakFinding>;

/** `GET /api/leak-scans`: newest first. `POST /api/leak-scans` starts one now. */
export const LeakScan = Type.Object(
  {
    id: Type.String(),
    state: Type.Enum(['running', 'clean', 'found', 'failed']),
    startedAt: Type.String(),
    endedAt: Type.Optional(Type.String()),
    files: Type.Integer(),
    bytes: Type.Integer(),
    tables: Type.Integer(),
    rows: Type.Integer(),
    canaries: Type.Integer({ description: 'Made-up patients that were looked for.' }),
    patients: Type.Integer({ description: 'Real ones whose names or record numbers were looked for.' }),
    leftOut: Type.Array(Type.String(), { description: 'What was not read, and why.' }),
    findings: Type.Array(LeakFinding, { description: 'The first 200.' }),
    found: Type.Integer(),
    failure: Type.Optional(Type.String()),
  },
  { $id: 'LeakScan' },
);
export type LeakScan = Static<typeof LeakScan>;

export const LeakScanList = Type.Object(
  { scans: Type.Array(LeakScan), nextAt: Type.Optional(Type.String()), folders: Type.Array(Type.String()) },
  { $id: 'LeakScanList' },
);
export type LeakScanList = Static<typeof LeakScanList>;

/** `GET` and `PUT /api/patients/{id}/vip`: a record that only those who care for the patient open. */
export const PatientVip = Type.Object(
  {
    patientId: Type.String(),
    isVip: Type.Boolean(),
    reason: Type.Optional(Type.String()),
    by: Type.Optional(Type.String()),
    since: Type.Optional(Type.String()),
  },
  { $id: 'PatientVip' },
);
export type PatientVip = Static<typeof PatientVip>;

export const PutPatientVip = Type.Object(
  { isVip: Type.Boolean(), reason: Type.String({ minLength: 3, maxLength: 500 }) },
  { $id: 'PutPatientVip', additionalProperties: false },
);
export type PutPatientVip = Static<typeof PutPatientVip>;

/**
 * `PUT /api/users/{id}/own-records`: which patient this person is, and where they live, so that looking up oneself or
 * one's neighbours is noticed. Kept as indexes that cannot be read back; what is left out stays, `null` takes it away.
 */
export const PutOwnRecords = Type.Object(
  {
    patientId: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Null()])),
    mrn: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Null()])),
    address: Type.Optional(Type.Union([Type.String({ minLength: 5, maxLength: 200 }), Type.Null()])),
    familyName: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 100 }), Type.Null()])),
  },
  { $id: 'PutOwnRecords', additionalProperties: false, minProperties: 1 },
);
export type PutOwnRecords = Static<typeof PutOwnRecords>;

/** What of it is there; not what it says. */
export const OwnRecords = Type.Object(
  { patientId: Type.Optional(Type.String()), has: Type.Array(Type.Enum(['mrn', 'address', 'familyName'])) },
  { $id: 'OwnRecords' },
);
export type OwnRecords = Static<typeof OwnRecords>;
