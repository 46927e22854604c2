import type {
  RuleOrigin,
  SeenBurden as ShownBurden,
  RuleProposal as ShownProposal,
  ShownRule,
} from '@healthsync/contracts/rule';
import { news2NotApplicable } from '../domain/news2-use.ts';
import type { Rule, RuleInForce, RuleScope } from '../domain/rule.ts';
import { type RuleLayer, rulesInForce } from '../domain/rules-in-force.ts';
import type { PatientPlace } from '../ports/registry.ts';
import type {
  News2Decision,
  RuleOverride,
  RulePlace,
  RuleProposal,
  RuleSet,
  RuleSets,
  RuleVersion,
  SeenBurden,
  Signed,
} from '../ports/rule-sets.ts';
import { writeRule } from './rule-shape.ts';

/** A place's own rules, and those of the places it inherits from, the most specific last. */
export interface RuleChain {
  readonly place: RulePlace;
  readonly own: RuleSet;
  /** What holds there without its own. */
  readonly inherited: readonly RuleInForce[];
  readonly inForce: readonly RuleInForce[];
  /** The same at another moment, as far as overrides that are known today begin and end. */
  readonly at: (atMs: number) => Pick<RuleChain, 'inherited' | 'inForce'>;
  /** When overrides begin or end from now on. */
  readonly turnsMs: readonly number[];
  readonly shown: { readonly own: readonly ShownRule[]; readonly inForce: readonly ShownRule[] };
}

export async function readRuleChain(
  sets: Pick<RuleSets, 'read'>,
  place: RulePlace,
  patient: Pick<PatientPlace, 'wardId'> | undefined,
  nowMs: number,
): Promise<RuleChain> {
  const places = above(place, patient);
  const read = await Promise.all([...places, place].map((each) => sets.read({ place: each, nowMs })));
  const own = read.at(-1) as RuleSet;
  const at = (atMs: number) => {
    const layers = read.map((set, index) => layersOf([...places, place][index]?.scope ?? 'house', set, atMs));
    return { inherited: rulesInForce(layers.slice(0, -1).flat()), inForce: rulesInForce(layers.flat()) };
  };
  const { inherited, inForce } = at(nowMs);
  const turns = read.flatMap(({ overrides }) => overrides.flatMap(({ fromMs, untilMs }) => [fromMs, untilMs]));
  const signatures = new Map<Rule, RuleVersion | Signed>();
  for (const set of read) {
    for (const version of set.rules) if (version.rule !== undefined) signatures.set(version.rule, version);
    for (const override of set.overrides) signatures.set(override.rule, override);
  }
  const show = (each: RuleInForce) => showRule(each, signatures.get(each.rule));
  return {
    place,
    own,
    inherited,
    inForce,
    at,
    turnsMs: [...new Set(turns)].filter((ms) => ms > nowMs).sort((a, b) => a - b),
    shown: {
      own: own.rules.flatMap(({ rule }) => (rule === undefined ? [] : [show({ rule, scope: place.scope })])),
      inForce: inForce.map(show),
    },
  };
}

export function ownRules({ own }: Pick<RuleChain, 'own'>): readonly Rule[] {
  return own.rules.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
}

/** What a change of its own rules is held against. */
export function inheritedBy({ inherited, at, turnsMs }: Pick<RuleChain, 'inherited' | 'at' | 'turnsMs'>) {
  return { inherited, inheritedLater: turnsMs.map((ms) => at(ms).inherited) };
}

export function showOverride({ id, place, rule, fromMs, untilMs, ...signed }: RuleOverride & Signed) {
  return {
    id,
    scope: place.scope === 'patient' ? ('patient' as const) : ('ward' as const),
    scopeId: scopeIdOf(place),
    rule: writeRule(rule),
    from: iso(fromMs),
    until: iso(untilMs),
    setBy: signed.by,
    ...(signed.confirmedBy === undefined ? {} : { confirmedBy: signed.confirmedBy }),
    reason: signed.reason,
  };
}

export function showProposal(
  proposal: RuleProposal,
  asker: { readonly userId: string; readonly mayWrite: boolean },
): ShownProposal {
  const { rule, news2, override, place } = proposal;
  return {
    id: proposal.id,
    scope: place.scope,
    scopeId: scopeIdOf(place),
    ruleId: proposal.ruleId,
    ...(rule === undefined ? {} : { rule: writeRule(rule) }),
    ...(news2 === undefined ? {} : { news2: showDecision(news2) }),
    ...(override === undefined ? {} : { until: iso(override.untilMs) }),
    effect: proposal.effect,
    askedBy: proposal.askedBy,
    reason: proposal.reason,
    askedAt: iso(proposal.askedAtMs),
    expiresAt: iso(proposal.expiresAtMs),
    state: proposal.state,
    ...(proposal.preview === undefined ? {} : { preview: showSeen(proposal.preview) }),
    ...(proposal.decidedBy === undefined ? {} : { decidedBy: proposal.decidedBy }),
    mayConfirm: proposal.state === 'open' && asker.mayWrite && proposal.askedById !== asker.userId,
  };
}

export function showSeen({ atMs, fromMs, toMs, before, after, sustained, id: _, ...seen }: SeenBurden): ShownBurden {
  const side = ({ alarms, missed }: SeenBurden['before']) => ({
    alarms,
    perPatientDay: seen.patientDays > 0 ? Math.round((100 * alarms) / seen.patientDays) / 100 : 0,
    missed,
  });
  const { events: sustainedEvents, newlyMissed, delayed } = sustained;
  return {
    ...seen,
    patientDays: Math.round(1_000 * seen.patientDays) / 1_000,
    at: iso(atMs),
    from: iso(fromMs),
    to: iso(toMs),
    before: side(before),
    after: side(after),
    sustainedEvents,
    newlyMissed,
    delayed,
  };
}

export function showNews2(patient: PatientPlace, version: number, nowMs: number) {
  const { spo2Scale, birthDate, news2Use: use = { kind: 'by-age' } } = patient;
  const notApplicable = news2NotApplicable({ use, birthDate }, nowMs);
  return {
    ...showDecision({ spo2Scale, use }),
    ...(notApplicable === undefined ? {} : { notApplicable }),
    version,
  };
}

export function showDecision({ spo2Scale, use }: News2Decision) {
  return { spo2Scale, use: use.kind, ...(use.kind === 'off' ? { why: use.why } : {}) };
}

export function scopeIdOf(place: RulePlace): string {
  if (place.scope === 'house') return '';
  return place.scope === 'ward' ? place.wardId : place.patientId;
}

function above(place: RulePlace, patient: Pick<PatientPlace, 'wardId'> | undefined): readonly RulePlace[] {
  if (place.scope === 'house') return [];
  if (place.scope === 'ward' || patient?.wardId === undefined) return [{ scope: 'house' }];
  return [{ scope: 'house' }, { scope: 'ward', wardId: patient.wardId }];
}

function layersOf(scope: RuleScope, { rules, overrides }: RuleSet, nowMs: number): readonly RuleLayer[] {
  return [
    { scope, rules: rules.flatMap(({ rule }) => (rule === undefined ? [] : [rule])) },
    ...overrides
      .filter(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs)
      .map(({ rule, untilMs }) => ({ scope, rules: [rule], untilMs })),
  ];
}

function showRule({ rule, scope, untilMs }: RuleInForce, signature: Signed | undefined): ShownRule {
  const origin: RuleOrigin = {
    scope,
    version: rule.version,
    ...(untilMs === undefined ? {} : { until: iso(untilMs) }),
    ...(signature === undefined
      ? {}
      : {
          setBy: signature.by,
          ...(signature.confirmedBy === undefined ? {} : { confirmedBy: signature.confirmedBy }),
          reason: signature.reason,
          setAt: iso(signature.atMs),
        }),
  };
  return { rule: writeRule(rule), origin };
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
