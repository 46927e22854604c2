import type { AlarmBurden, AlarmBurdenPreview } from '@healthsync/contracts/alarm-burden';
import type { LintResult, RuleInput, RuleProposal, RuleSetResponse, ShownRule } from '@healthsync/contracts/rule';

const limit = (
  id: string,
  vital: Extract<RuleInput, { kind: 'limit' }>['vital'],
  comparison: 'above' | 'below',
  value: number,
  priority: RuleInput['priority'],
): ShownRule => ({
  rule: { id, kind: 'limit', vital, comparison, limit: value, priority, sustainedMs: 15_000 },
  origin: { scope: 'default', version: 1 },
});

const DEFAULTS: readonly ShownRule[] = [
  limit('heartRate.above.high', 'heartRate', 'above', 160, 'high'),
  limit('heartRate.above.medium', 'heartRate', 'above', 130, 'medium'),
  limit('heartRate.below.high', 'heartRate', 'below', 40, 'high'),
  limit('spo2.below.high', 'spo2', 'below', 85, 'high'),
  limit('respiratoryRate.above.low', 'respiratoryRate', 'above', 25, 'low'),
  {
    rule: { id: 'news2.at-least.medium', kind: 'news2', atLeast: 5, priority: 'medium' },
    origin: { scope: 'default', version: 1 },
  },
  {
    rule: { id: 'technical.lost', kind: 'technical', condition: 'lost', priority: 'low' },
    origin: { scope: 'default', version: 1 },
  },
];

const burden = (share: number): AlarmBurden => {
  const rates = { all: 14.2 * share, high: 2.1 * share, medium: 6.4 * share, low: 5.7 };
  return {
    alarms: { all: 596 * share, high: 88 * share, medium: 269 * share, low: 239 },
    alarmsPerPatientDay: rates,
    technical: { alarms: 80, perPatientDay: 1.9 },
    minutesInAlarm: 2_100 * share,
    minutesInAlarmPerPatientDay: 50 * share,
    byRule: [
      {
        ruleId: 'heartRate.above.high',
        kind: 'physiological',
        priority: 'high',
        alarms: 88 * share,
        perPatientDay: 2.1 * share,
        patients: 9,
        minutes: 40,
      },
    ],
    busiest: [],
  };
};

/** As the server would answer: running at first, then done; a limit beyond 170 misses something. */
function preview(rules: readonly RuleInput[], isDone: boolean): AlarmBurdenPreview {
  const isLoose = rules.some((rule) => rule.kind === 'limit' && rule.limit > 170);
  const caught = (missed: number, p50: number) => ({ caught: 21 - missed, missed, delayMs: { p50, max: 4 * p50 } });
  return {
    id: 'preview-1',
    state: isDone ? 'done' : 'running',
    progress: { share: isDone ? 1 : 0.4, patients: 40, patientsDone: isDone ? 40 : 16, readings: 120_000 },
    askedAt: '2026-11-22T01:00:00Z',
    ...(isDone && {
      comparison: {
        basis: {
          source: 'history',
          from: '2026-11-15T01:00:00Z',
          to: '2026-11-22T01:00:00Z',
          revision: 1,
          patients: 40,
          patientDays: 42,
          readings: 2_903_112,
          tookMs: 4_200,
        },
        before: burden(1),
        after: burden(isLoose ? 0.57 : 1.2),
        sustained: {
          lastsMs: 60_000,
          events: 21,
          before: caught(0, 15_000),
          after: caught(isLoose ? 2 : 0, 17_000),
          newlyMissed: isLoose ? 2 : 0,
          newlyCaught: 0,
          delayed: isLoose ? 3 : 0,
          ...(isLoose && { delayedByMs: { p50: 9_000, max: 22_000 } }),
          earlier: 0,
          lessUrgent: 0,
          byLimit: [],
          worst: isLoose
            ? [
                {
                  patientId: 'P3',
                  bedId: 'ICU-03',
                  vital: 'heartRate',
                  comparison: 'above',
                  limit: 160,
                  at: '2026-11-20T03:10:00Z',
                  lastedMs: 240_000,
                  delayBeforeMs: 15_000,
                },
              ]
            : [],
        },
        timeline: Array.from({ length: 96 }, (_, hour) => ({
          at: new Date(Date.parse('2026-11-18T01:00:00Z') + hour * 3_600_000).toISOString(),
          patientHours: 40,
          before: Math.round(6 + 5 * Math.sin(hour / 4)),
          after: Math.round((6 + 5 * Math.sin(hour / 4)) * (isLoose ? 0.57 : 1.2)),
        })),
        warnings: [],
        how: ['Every reading of the last 7 days was judged once by each set of rules.'],
      },
    }),
  };
}

const isLoosened = (rule: RuleInput): boolean =>
  rule.kind === 'limit' && rule.priority === 'high' && rule.comparison === 'above' && rule.limit > 170;

function propose(
  id: string,
  scope: RuleProposal['scope'],
  scopeId: string,
  more: Pick<RuleProposal, 'effect' | 'askedBy' | 'reason' | 'mayConfirm'>,
): RuleProposal {
  return {
    id,
    scope,
    scopeId,
    ruleId: 'spo2.below.high',
    askedAt: '2026-11-22T01:00:00Z',
    expiresAt: '2026-11-22T13:00:00Z',
    state: 'open',
    ...more,
  };
}

/** Rules as the contract says: own ones over the defaults, with a linter that knows two mistakes. */
export function createMockRules() {
  const own = new Map<string, readonly RuleInput[]>();
  const overrides = new Map<string, RuleSetResponse['overrides']>();
  let revision = 1;
  let open: readonly RuleProposal[] = [
    propose('p1', 'patient', 'P13', {
      effect: 'SpO₂ < 85 becomes SpO₂ < 80',
      askedBy: 'Dr Jan Brandt',
      reason: 'COPD, usual 84 %',
      mayConfirm: true,
    }),
  ];
  const ask = (scope: RuleSetResponse['scope'], scopeId: string, rule: RuleInput, askedBy: string, reason: string) => {
    const effect = `${rule.id} becomes ${'limit' in rule ? rule.limit : 'less'}`;
    const proposal = propose(`p${open.length + 1}`, scope, scopeId, { effect, askedBy, reason, mayConfirm: false });
    open = [...open, proposal];
    return proposal;
  };

  function set(scope: RuleSetResponse['scope'], scopeId: string): RuleSetResponse {
    const mine = (own.get(`${scope} ${scopeId}`) ?? []).map(
      (rule): ShownRule => ({
        rule,
        origin: { scope, version: 2, setBy: 'Dr Ama Osei', reason: 'As agreed', setAt: '2026-11-20T10:00:00Z' },
      }),
    );
    const ids = new Set(mine.map(({ rule }) => rule.id));
    return {
      scope,
      scopeId,
      revision,
      own: mine,
      inForce: [...mine, ...DEFAULTS.filter(({ rule }) => !ids.has(rule.id))],
      overrides: overrides.get(`${scope} ${scopeId}`) ?? [],
      proposals: open.filter((each) => each.scope === scope && each.scopeId === scopeId),
      ...(scope === 'patient' && { news2: { spo2Scale: 1, use: 'by-age', version: 1 } as const }),
    };
  }

  let tried: readonly RuleInput[] = [];
  let asked = 0;
  return {
    set,
    beginPreview(next: readonly RuleInput[]): AlarmBurdenPreview {
      tried = next;
      asked = 0;
      return preview(tried, false);
    },
    askPreview(): AlarmBurdenPreview {
      asked += 1;
      return preview(tried, asked > 1);
    },
    lint(rules: readonly RuleInput[]): LintResult {
      const problems: LintResult['problems'] = rules.flatMap((rule, at): LintResult['problems'] => {
        if (rule.kind !== 'limit') return [];
        if (rule.limit > 340)
          return [
            {
              severity: 'error',
              code: 'implausible-limit',
              field: `rules.${at}.limit`,
              detail: 'between 0 and 350 /min',
            },
          ];
        if (rule.sustainedMs === undefined)
          return [
            {
              severity: 'warning',
              code: 'at-once',
              field: `rules.${at}.sustainedMs`,
              detail: 'rings at a single reading',
            },
          ];
        return [];
      });
      return {
        problems,
        needsSecondPerson: rules.filter(isLoosened).map(({ id }) => id),
      };
    },
    /** Nobody confirms their own wish. */
    proposals: (mayWrite: boolean) => open.map((each) => ({ ...each, mayConfirm: each.mayConfirm && mayWrite })),
    decide(id: string, state: 'confirmed' | 'refused'): object {
      const found = open.find((each) => each.id === id);
      open = open.filter((each) => each.id !== id);
      return { ...found, state };
    },
    put(scope: RuleSetResponse['scope'], scopeId: string, rules: readonly RuleInput[], by: string): RuleSetResponse {
      for (const rule of rules.filter(isLoosened)) ask(scope, scopeId, rule, by, 'As it was said');
      own.set(
        `${scope} ${scopeId}`,
        rules.filter((rule) => !isLoosened(rule)),
      );
      revision += 1;
      return set(scope, scopeId);
    },
    override(scope: 'ward' | 'patient', scopeId: string, body: Readonly<Record<string, unknown>>, by: string): object {
      const rule = body['rule'] as RuleInput;
      if (isLoosened(rule)) return ask(scope, scopeId, rule, by, String(body['reason']));
      const known = overrides.get(`${scope} ${scopeId}`) ?? [];
      overrides.set(`${scope} ${scopeId}`, [
        ...known,
        {
          id: `o${known.length}`,
          scope,
          scopeId,
          rule,
          from: '2026-11-22T01:00:00Z',
          until: String(body['until']),
          setBy: 'Dr Ama Osei',
          reason: String(body['reason']),
        },
      ]);
      revision += 1;
      return set(scope, scopeId);
    },
  };
}
