import type { LintResult, RuleInput, RuleSetResponse, ShownRule } from '@healthsync/contracts/rule';

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

/** Rules as the contract says: own ones over the defaults, with a linter that knows two mistakes. */
export function createMockRules() {
  const own = new Map<string, readonly RuleInput[]>();
  const overrides = new Map<string, RuleSetResponse['overrides']>();
  let revision = 1;

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
      proposals: [
        {
          id: 'p1',
          scope,
          scopeId,
          ruleId: 'spo2.below.high',
          effect: 'SpO₂ < 85 becomes SpO₂ < 80',
          askedBy: 'Dr Jan Brandt',
          reason: 'COPD, usual 84 %',
          askedAt: '2026-11-22T01:00:00Z',
          expiresAt: '2026-11-22T13:00:00Z',
          state: 'open',
          mayConfirm: true,
        },
      ],
      ...(scope === 'patient' && { news2: { spo2Scale: 1, use: 'by-age' } as const }),
    };
  }

  return {
    set,
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
        needsSecondPerson: rules
          .filter((rule) => rule.kind === 'limit' && rule.priority === 'high' && rule.limit > 170)
          .map(({ id }) => id),
      };
    },
    put(scope: RuleSetResponse['scope'], scopeId: string, rules: readonly RuleInput[]): RuleSetResponse {
      own.set(`${scope} ${scopeId}`, rules);
      revision += 1;
      return set(scope, scopeId);
    },
    override(scope: 'ward' | 'patient', scopeId: string, body: Readonly<Record<string, unknown>>): RuleSetResponse {
      const known = overrides.get(`${scope} ${scopeId}`) ?? [];
      overrides.set(`${scope} ${scopeId}`, [
        ...known,
        {
          id: `o${known.length}`,
          scope,
          scopeId,
          rule: body['rule'] as RuleInput,
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
