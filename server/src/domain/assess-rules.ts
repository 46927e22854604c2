import type { DeviceId } from './ids.ts';
import type { SpO2Scale } from './news2.ts';
import type { News2NotApplicable } from './news2-use.ts';
import type {
  ChangeRule,
  CombinationRule,
  Fact,
  LimitRule,
  News2Rule,
  RepeatedRule,
  Rule,
  RuleInForce,
  TechnicalRule,
} from './rule.ts';
import { rulesInForce } from './rules-in-force.ts';
import type { VitalName } from './vital.ts';

/** How one patient is judged, made ready for the hot path: made once per change, never per reading. */
export interface AssessRules {
  /** Shared by all who have the same rules. */
  readonly compiled: CompiledRules;
  readonly spo2Scale: SpO2Scale;
  /** NEWS2 is not used for this patient. */
  readonly news2NotApplicable: News2NotApplicable | undefined;
  /** The devices assigned now; silence of any other is no loss. Undefined: every device that spoke counts. */
  readonly devices: readonly DeviceId[] | undefined;
}

/** The rules that can ring, by what makes it necessary to look at them. */
export interface CompiledRules {
  readonly limits: { readonly [Name in VitalName]: readonly Compiled<LimitRule>[] | undefined };
  readonly changes: { readonly [Name in VitalName]: readonly Compiled<ChangeRule>[] | undefined };
  readonly combinations: readonly CompiledCombination[];
  /** By the rule whose beginnings are counted. */
  readonly repeated: ReadonlyMap<string, readonly Compiled<RepeatedRule>[]>;
  /** The most urgent first. */
  readonly news2: readonly CompiledNews2[];
  readonly lost: Compiled<TechnicalRule> | undefined;
  readonly leadsOff: Compiled<TechnicalRule> | undefined;
  readonly battery: Compiled<TechnicalRule> | undefined;
  /** The ids of all of them. */
  readonly ids: ReadonlySet<string>;
}

export interface Compiled<R extends Rule = Rule> extends RuleInForce<R> {
  /** Changes whenever the rule does: what was seen under another is no evidence under this one. */
  readonly key: string;
}

export interface CompiledCombination extends Compiled<CombinationRule> {
  readonly vitals: readonly VitalName[];
  readonly usesContext: boolean;
}

export interface CompiledNews2 extends Compiled<News2Rule> {
  /** What its end is counted by, where that has to last. */
  readonly ending: { readonly rule: { readonly id: string }; readonly key: string };
}

export function assessRules(patient: {
  readonly own?: readonly Rule[];
  readonly compiled?: CompiledRules;
  readonly spo2Scale?: SpO2Scale;
  readonly news2NotApplicable?: News2NotApplicable | undefined;
  readonly devices?: readonly DeviceId[] | undefined;
}): AssessRules {
  const { own = [], spo2Scale = 1, news2NotApplicable, devices } = patient;
  const compiled = patient.compiled ?? compileRules(rulesInForce([{ scope: 'patient', rules: own }]));
  return { compiled, spo2Scale, news2NotApplicable, devices };
}

export function compileRules(inForce: readonly RuleInForce[]): CompiledRules {
  const ringing = inForce.filter(({ rule }) => rule.off !== true).map(withKey);
  const ofKind = <K extends Rule['kind']>(kind: K) =>
    ringing.filter(({ rule }) => rule.kind === kind) as unknown as Compiled<Extract<Rule, { kind: K }>>[];
  const technical = (condition: TechnicalRule['condition']) =>
    ofKind('technical').find(({ rule }) => rule.condition === condition);
  return {
    limits: byVital(ofKind('limit')),
    changes: byVital(ofKind('change')),
    combinations: ofKind('combination').map(withVitals),
    repeated: byCountedRule(ofKind('repeated')),
    news2: ofKind('news2')
      .sort((a, b) => urgency(b.rule) - urgency(a.rule))
      .map((each) => ({ ...each, ending: { rule: { id: endingOf(each.rule.id) }, key: each.key } })),
    lost: technical('lost'),
    leadsOff: technical('leads-off'),
    battery: technical('battery'),
    ids: new Set(ringing.map(({ rule }) => rule.id)),
  };
}

function byCountedRule(rules: readonly Compiled<RepeatedRule>[]): CompiledRules['repeated'] {
  const counting = new Map<string, Compiled<RepeatedRule>[]>();
  for (const each of rules) counting.set(each.rule.rule, [...(counting.get(each.rule.rule) ?? []), each]);
  return counting;
}

function withKey(inForce: RuleInForce): Compiled {
  const { rule, scope, untilMs } = inForce;
  return { ...inForce, key: `${scope}.${rule.version}${untilMs === undefined ? '' : `.${untilMs}`}` };
}

function byVital<R extends LimitRule | ChangeRule>(rules: readonly Compiled<R>[]) {
  const of = (vital: VitalName) => {
    const found = rules.filter(({ rule }) => rule.vital === vital);
    return found.length === 0 ? undefined : found;
  };
  return {
    heartRate: of('heartRate'),
    spo2: of('spo2'),
    respiratoryRate: of('respiratoryRate'),
    temperature: of('temperature'),
    systolic: of('systolic'),
    diastolic: of('diastolic'),
    mean: of('mean'),
  };
}

function withVitals(combination: Compiled<CombinationRule>): CompiledCombination {
  const facts = factsOf(combination.rule);
  const vitals = new Set(facts.flatMap((fact) => ('vital' in fact ? [fact.vital] : [])));
  return { ...combination, vitals: [...vitals], usesContext: facts.some((fact) => !('vital' in fact)) };
}

export function factsOf({ when }: CombinationRule): readonly Fact[] {
  return when.of.flatMap((member) => ('of' in member ? [...member.of] : [member]));
}

/** No rule is called so: ids hold no colon. */
export function endingOf(ruleId: string): string {
  return `${ruleId}:end`;
}

/** By priority, then by score. A single 3 asks for less than any total that rings (RCP chart 4). */
function urgency({ priority, atLeast = 0 }: News2Rule): number {
  return PRIORITY_RANK[priority] * 100 + atLeast;
}

export const PRIORITY_RANK = { low: 0, medium: 1, high: 2 } as const;
