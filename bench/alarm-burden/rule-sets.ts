import { type AssessRules, assessRules, compileRules } from '../../server/src/domain/assess-rules.ts';
import type { LimitRule, Rule } from '../../server/src/domain/rule.ts';
import { DEFAULT_RULES } from '../../server/src/domain/rule-defaults.ts';

/** One way of ringing, to be compared. */
export interface RuleSet {
  readonly name: string;
  readonly rules: AssessRules;
  /** Rings with every reading beyond a limit, as a rule does that looks at each reading by itself. */
  readonly isEachReading?: true;
  /** Of one limit this many measurements in a row must be beyond it: judged here, as our engine has no such rule. */
  readonly inARow?: number;
}

/**
 * The limits a bedside monitor comes with: heart rate, SpO2 and systolic pressure as the factory sets them in Mindray's
 * telemetry monitors (TM80 operator's manual, 12-5: SpO2 90, NIBP-S 160/90; TMS60, 9-4: pulse 120/50), respiratory rate
 * and temperature by the LIFEPAK 15 (operating instructions, table A-3: 5/30 and 35/39), whose are the wider. Diastolic
 * and mean pressure, which have limits of their own there, are left out: they would ring beside the systolic one.
 */
const BEDSIDE: readonly (readonly [LimitRule['vital'], LimitRule['comparison'], number])[] = [
  ['heartRate', 'above', 120],
  ['heartRate', 'below', 50],
  ['spo2', 'below', 90],
  ['systolic', 'above', 160],
  ['systolic', 'below', 90],
  ['respiratoryRate', 'above', 30],
  ['respiratoryRate', 'below', 5],
  ['temperature', 'above', 39],
  ['temperature', 'below', 35],
];

/** Monitors call a crossed limit medium; what is told to people is the same either way. */
function bedside(sustainedMs = 0): readonly LimitRule[] {
  return BEDSIDE.map(([vital, comparison, limit]) => ({
    kind: 'limit',
    id: `${vital}.${comparison}.medium`,
    version: 1,
    vital,
    comparison,
    limit,
    priority: 'medium',
    ...(sustainedMs > 0 ? { sustainedMs } : {}),
  }));
}

const NEWS2_PLAIN: readonly Rule[] = [
  { kind: 'news2', id: 'news2.at-least.high', version: 1, atLeast: 7, priority: 'high' },
  { kind: 'news2', id: 'news2.at-least.medium', version: 1, atLeast: 5, priority: 'medium' },
];

/** A record has no device that could be lost. */
const OURS = DEFAULT_RULES.filter(({ kind }) => kind !== 'technical');

const RAW_EACH: RuleSet = { name: 'raw limits, each reading', rules: only(bedside()), isEachReading: true };
const RAW: RuleSet = { name: 'raw limits, each crossing', rules: only(bedside()) };
const NEWS2_ALONE: RuleSet = { name: 'NEWS2 alone', rules: only(NEWS2_PLAIN) };
const SHIPPED: RuleSet = { name: 'HealthSync as installed', rules: only(OURS) };

/** What a ward may set: its two critical limits wait as long as Görges (2009) and the SpO2 literature recommend. */
const DELAYED: RuleSet = {
  name: 'HealthSync, critical limits after 15 s',
  rules: only(OURS.map((rule) => (rule.kind === 'limit' ? { ...rule, sustainedMs: 15_000 } : rule))),
};

/** For measurements that are an hour apart. */
export const FOR_CHARTS: readonly RuleSet[] = [
  RAW_EACH,
  RAW,
  { name: 'raw limits, twice in a row', rules: only(bedside()), inARow: 2 },
  NEWS2_ALONE,
  SHIPPED,
];

/** For measurements of every second. */
export const FOR_MONITORS: readonly RuleSet[] = [
  RAW_EACH,
  RAW,
  { name: 'raw limits after 15 s', rules: only(bedside(15_000)) },
  { name: 'raw limits after 19 s', rules: only(bedside(19_000)) },
  NEWS2_ALONE,
  SHIPPED,
  DELAYED,
];

function only(rules: readonly Rule[]): AssessRules {
  return assessRules({ compiled: compileRules(rules.map((rule) => ({ rule, scope: 'default' }))) });
}
