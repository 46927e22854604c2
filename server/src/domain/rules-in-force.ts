import type { Rule, RuleInForce, RuleScope } from './rule.ts';
import { DEFAULT_RULES } from './rule-defaults.ts';

/** Rules of one origin. */
export interface RuleLayer {
  readonly scope: RuleScope;
  readonly rules: readonly Rule[];
  /** They are overrides, until then. */
  readonly untilMs?: number;
}

/**
 * The rules that hold where these layers lie above the defaults, the most specific last: of one id the last holds. Those
 * that are switched off are among them, so that people see what they took the place of.
 */
export function rulesInForce(layers: readonly RuleLayer[]): readonly RuleInForce[] {
  const byId = new Map<string, RuleInForce>();
  for (const { scope, rules, untilMs } of [DEFAULTS, ...layers])
    for (const rule of rules) byId.set(rule.id, { rule, scope, ...(untilMs === undefined ? {} : { untilMs }) });
  return [...byId.values()];
}

const DEFAULTS: RuleLayer = { scope: 'default', rules: DEFAULT_RULES };
