import type { LimitRule, News2Rule, Rule, TechnicalRule } from './rule.ts';

/** The critical limits of the source documents, and no others: every further default would ring in wards that did not ask. */
export const DEFAULT_LIMITS: readonly LimitRule[] = [
  limit({ id: 'heartRate.above.high', vital: 'heartRate', comparison: 'above', limit: 160, priority: 'high' }),
  limit({ id: 'spo2.below.high', vital: 'spo2', comparison: 'below', limit: 85, priority: 'high' }),
];

/**
 * NEWS2 7 and more is an emergency (high), 5–6 urgent (medium), as the RCP's chart 4 responds. A single parameter of 3
 * is shown but does not ring: it asks for hourly observation by a nurse, and 87–99 % of alarms already call for nothing
 * (PMC4456276). A ward that wants it adds `news2.single3.low`.
 */
const DEFAULT_NEWS2: readonly News2Rule[] = [
  { kind: 'news2', id: 'news2.at-least.high', version: 1, atLeast: 7, priority: 'high' },
  { kind: 'news2', id: 'news2.at-least.medium', version: 1, atLeast: 5, priority: 'medium' },
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

function limit(rule: Omit<LimitRule, 'kind' | 'version'>): LimitRule {
  return { kind: 'limit', version: 1, ...rule };
}
