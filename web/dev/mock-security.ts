import type { LeakScanList, SecurityAlert, SecurityAlertList } from '@healthsync/contracts/security-alert';

/** Alerts as they come, with the longest names and reasons there may be. */
export function createMockSecurity(nowMs: number) {
  const at = (minutesAgo: number): string => new Date(nowMs - minutesAgo * 60_000).toISOString();
  let alerts: SecurityAlert[] = [
    alert('vip-4711', {
      kind: 'vip',
      score: 95,
      severity: 'high',
      person: { name: 'wolfeschlegelsteinhausenbergerdorff.hubert-blaine@st-elisabeth', userId: 'u-hubert' },
      patientId: 'P-2026-000000000000000000000000000000000000000000000004711',
      reasons: [
        { code: 'vip', text: 'The patient is specially protected, and was not in their care by a plan.' },
        { code: 'emergency', text: 'It was opened as an emergency, with a reason given.' },
        { code: 'also', text: 'Besides, within a day: unusual-hour, repeated-denials.' },
      ],
      evidence: Array.from({ length: 50 }, (_, i) => 987_654_321 + i),
      count: 1_234,
      firstAt: at(700),
      lastAt: at(2),
    }),
    alert('too-many-patients-99', {
      kind: 'too-many-patients',
      score: 62,
      severity: 'medium',
      state: 'looked-at',
      person: { name: 'kim', userId: 'u-kim' },
      reasons: [
        {
          code: 'patients-in-an-hour',
          text: '48 different patients opened within an hour; they usually have at most 17.',
          numbers: { patients: 48, limit: 17 },
        },
        { code: 'in-their-care', text: 'None of them was in their care by a plan.' },
      ],
      lookedAt: { by: 'Petra Vos (petra)', at: at(20) },
      count: 31,
    }),
    alert('own-record-12', {
      kind: 'own-record',
      score: 70,
      severity: 'high',
      person: { name: 'you', userId: 'u-you' },
      patientId: 'P13',
      reasons: [{ code: 'own-record', text: 'The record is their own, and they searched the audit for it.' }],
      isAboutYou: true,
    }),
    alert('phi-leak-0123456789abcdef', {
      kind: 'phi-leak',
      score: 95,
      severity: 'high',
      reasons: [
        {
          code: 'found-where-none-may-be',
          text: '3 finds in 2 places: backups/nightly/2026-11-21T03-30-00Z/dump-of-everything-before-the-migration.sql.gz (gzip, plain), alarm_note.text (base64).',
        },
      ],
      evidence: [],
    }),
  ];

  function alert(id: string, part: Partial<SecurityAlert>): SecurityAlert {
    return {
      id,
      kind: 'neighbour',
      score: 25,
      severity: 'low',
      state: 'open',
      reasons: [],
      evidence: [17],
      count: 1,
      firstAt: at(60),
      lastAt: at(30),
      isAboutYou: false,
      ...part,
    };
  }

  const change = (id: string, part: Partial<SecurityAlert>): object | undefined => {
    alerts = alerts.map((one) => (one.id === id ? { ...one, ...part } : one));
    return alerts.find((one) => one.id === id);
  };

  return {
    list(search: URLSearchParams): SecurityAlertList {
      const isClosed = search.get('state') === 'closed';
      const [kind, severity] = [search.get('kind'), search.get('severity')];
      const found = alerts.filter(
        (one) =>
          (one.state === 'closed') === isClosed &&
          (kind === null || one.kind === kind) &&
          (severity === null || one.severity === severity),
      );
      const open = alerts.filter(({ state }) => state === 'open').length;
      return {
        alerts: found,
        counts: { open, lookedAt: alerts.filter(({ state }) => state === 'looked-at').length },
        watching: { behind: 0, lookedUntil: at(0), state: 'watching' },
      };
    },
    look: (id: string, by: string) => change(id, { state: 'looked-at', lookedAt: { by, at: at(0) } }),
    close: (id: string, body: Readonly<Record<string, unknown>>, by: string) =>
      change(id, { state: 'closed', closed: { ...(body as { verdict: 'violation'; note: string }), by, at: at(0) } }),
    scans(): LeakScanList {
      const scan = {
        files: 12_345,
        bytes: 19_876_543_210,
        tables: 74,
        rows: 123_456_789,
        canaries: 5,
        patients: 9_876,
        leftOut: ['data: 17 files beyond the bound of 20971520000 bytes', 'postgres/pg_wal/archive_status: EACCES'],
      };
      return {
        scans: [
          {
            ...scan,
            id: 'night-2',
            state: 'found',
            startedAt: at(600),
            endedAt: at(590),
            found: 3,
            findings: [
              {
                where: 'file',
                place: 'backups/nightly/2026-11-21T03-30-00Z/dump-of-everything-before-the-migration.sql.gz',
                offset: 1_234_567_890,
                what: 'canary',
                encoding: 'gzip, plain',
              },
              {
                where: 'table',
                place: 'alarm_note.text',
                row: 4_001,
                what: 'name',
                encoding: 'base64',
                patientId: 'P-2026-000000000000000000000000000000000000000000000004711',
              },
            ],
          },
          { ...scan, id: 'night-1', state: 'clean', startedAt: at(2_040), endedAt: at(2_030), found: 0, findings: [] },
        ],
        nextAt: new Date(nowMs + 8 * 3_600_000).toISOString(),
        folders: ['data', 'logs', 'backups'],
      };
    },
  };
}
