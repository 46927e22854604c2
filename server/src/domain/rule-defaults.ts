import type { LimitRule, News2Rule, Rule, TechnicalRule } from './rule.ts';

/** The critical limits of the source documents, and no others: every further default would ring in wards that did not ask. */
export const DEFAULT_LIMITS: readonly LimitRule[] = [
  limit({ id: 'heartRate.above.high', vital: 'heartRate', comparison: 'above', limit: 160, priority: 'high' }),
  limit({ id: 'spo2.below.high', vital: 'spo2', comparison: 'below', limit: 85, priority: 'high' }),
];

/**
 * NEWS2 7 and more is an emergency (high), 5–6 urgent (medium), as the RCP's chart 4 responds, and both ring at once. A
 * single parameter of 3 asks for a nurse who informs the team: it rings (medium) once it has lasted for a minute, by two
 * measurements. Without it a quarter of the breaches that last would go unheard on recorded patients
 * (docs/alarm-burden.md).
 *
 * Each ends three points below where it began, when five minutes have shown it: a score that hovers at a boundary is one
 * alarm, and what has recovered is known to have before the ten minutes of the first step are over (docs/adr/0014).
 */
const NEWS2_CLEAR_AFTER_MS = 300_000;
const DEFAULT_NEWS2: readonly News2Rule[] = [
  news2({ id: 'news2.at-least.high', atLeast: 7, clearAt: 4, priority: 'high' }),
  news2({ id: 'news2.at-least.medium', atLeast: 5, clearAt: 2, priority: 'medium' }),
  news2({ id: 'news2.single3.medium', single3: true, sustainedMs: 60_000, priority: 'medium' }),
];

/**
 * Technical conditions speak of the measurement. Leads off and battery are low: someone should see to it on the next
 * round, and both are shown on the tile. Lost is medium: nobody watches this patient any more. A battery is low below
 * 15 % and well again from 20 %: a gauge that wavers by a per cent does not ring each time.
 */
const DEFAULT_TECHNICAL: readonly TechnicalRule[] = [
  { kind: 'technical', id: 'technical.lost', version: 1, condition: 'lost', priority: 'medium' },
  { kind: 'technical', id: 'technical.leadsOff', version: 1, condition: 'leads-off', priority: 'low' },
  {
    kind: 'technical',
    id: 'technical.battery',
    version: 1,
    condition: 'battery',
    below: 0.15,
    clearAt: 0.2,
    priority: 'low',
  },
];

export const DEFAULT_RULES: readonly Rule[] = [...DEFAULT_LIMITS, ...DEFAULT_NEWS2, ...DEFAULT_TECHNICAL];

function news2(rule: Omit<News2Rule, 'kind' | 'version' | 'clearAfterMs'>): News2Rule {
  // 1 rang and ended with each score, and had no rule for a single 3.
  return { kind: 'news2', version: 2, clearAfterMs: NEWS2_CLEAR_AFTER_MS, ...rule };
}

function limit(rule: Omit<LimitRule, 'kind' | 'version'>): LimitRule {
  return { kind: 'limit', version: 1, ...rule };
}
