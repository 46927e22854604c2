import type { Fact, RuleInput, RuleOrigin } from '@healthsync/contracts/rule';
import { vitalOf } from '../patient/vital-signs.ts';
import { timeText } from '../times/time-text.ts';
import { isolated } from '../widgets/own-direction.ts';

/** Rules as a person says them. */
export function ruleText(rule: RuleInput, others: readonly RuleInput[] = []): string {
  switch (rule.kind) {
    case 'limit':
      return [
        `${nameOf(rule.vital)} ${rule.comparison === 'above' ? '>' : '<'} ${rule.limit} ${unitOf(rule.vital)}`,
        sustained(rule.sustainedMs),
        rule.clearAt === undefined ? '' : `clears at ${rule.clearAt}`,
      ]
        .filter((part) => part !== '')
        .join(', ');
    case 'change':
      return [
        `${nameOf(rule.vital)} ${rule.direction === 'rise' ? 'rises' : 'falls'} by ${rule.by} ${unitOf(rule.vital)} within ${span(rule.windowMs)}`,
        sustained(rule.sustainedMs),
      ]
        .filter((part) => part !== '')
        .join(', ');
    case 'repeated':
      return `${ruleIdText(rule.rule, others)}: the ${ordinal(rule.times)} time within ${span(rule.windowMs)}`;
    case 'combination':
      return [groupText(rule.when), sustained(rule.sustainedMs)].filter((part) => part !== '').join(', ');
    case 'news2':
      return [
        rule.single3 === true ? 'NEWS2: one parameter scores 3' : `NEWS2 ≥ ${rule.atLeast ?? '?'}`,
        sustained(rule.sustainedMs),
        rule.clearAt === undefined ? '' : `clears at ${rule.clearAt}`,
      ]
        .filter((part) => part !== '')
        .join(', ');
    case 'technical':
      return TECHNICAL[rule.condition] + (rule.below === undefined ? '' : ` below ${Math.round(rule.below * 100)} %`);
    default:
      return rule satisfies never;
  }
}

/** A rule named by another: in its own words where it is known, else as much as its id says. */
export function ruleIdText(id: string, known: readonly RuleInput[] = []): string {
  const rule = known.find((each) => each.id === id);
  if (rule !== undefined && rule.kind !== 'repeated') return ruleText(rule);
  const [what = '', how = '', ...rest] = id.split('.');
  if (what === 'technical') return TECHNICAL[how as keyof typeof TECHNICAL] ?? id;
  if (what === 'news2') return how === 'single3' ? 'NEWS2: one parameter scores 3' : 'NEWS2';
  const way = WAYS[how];
  return vitalOf(what) === undefined || way === undefined ? id : [nameOf(what), way, ...rest].join(' ');
}

const WAYS: Readonly<Record<string, string>> = {
  above: 'above its limit,',
  below: 'below its limit,',
  rise: 'rising,',
  fall: 'falling,',
};

const TECHNICAL = { lost: 'No data', 'leads-off': 'Leads off', battery: 'Battery' } as const;

type Group = Extract<RuleInput, { kind: 'combination' }>['when'];

function groupText({ atLeast, of }: { readonly atLeast: number; readonly of: readonly Group['of'][number][] }): string {
  const parts = of.map((item) => ('of' in item ? `(${groupText(item)})` : factText(item)));
  if (atLeast >= of.length) return parts.join(' and ');
  return atLeast === 1 ? parts.join(' or ') : `${atLeast} of: ${parts.join('; ')}`;
}

export function factText(fact: Fact): string {
  if ('oxygen' in fact) return fact.oxygen ? 'on oxygen' : 'on air';
  if ('consciousness' in fact) return `consciousness ${fact.consciousness.join(' or ')}`;
  return `${nameOf(fact.vital)} ${fact.comparison === 'above' ? '>' : '<'} ${fact.limit}`;
}

export const nameOf = (vital: string): string => vitalOf(vital)?.label ?? vital;
export const unitOf = (vital: string): string => vitalOf(vital)?.unit ?? '';

const sustained = (ms: number | undefined): string => (ms === undefined || ms === 0 ? '' : `for ${span(ms)}`);

/** `15 s`, `2 min`, `1.5 h`: in the unit in which it is a short number. */
export function span(ms: number): string {
  if (ms < 120_000) return `${ms / 1_000} s`;
  return ms < 7_200_000 ? `${ms / 60_000} min` : `${ms / 3_600_000} h`;
}

const ordinal = (n: number): string => (n === 2 ? 'second' : n === 3 ? 'third' : `${n}th`);

/** Where a rule comes from. */
export function originText({ scope, version, setBy, setAt, reason, until, confirmedBy }: RuleOrigin): string {
  if (scope === 'default') return 'as installed';
  const by =
    setBy === undefined
      ? ''
      : `, ${isolated(setBy)}${confirmedBy === undefined ? '' : ` and ${isolated(confirmedBy)}`}`;
  const when = setAt === undefined ? '' : ` ${timeText(setAt, 'recent')}`;
  const end = until === undefined ? '' : `, until ${timeText(until, 'recent')}`;
  return `${SCOPES[scope]} v${version}${by}${when}${end}${reason === undefined ? '' : `: ${reason}`}`;
}

const SCOPES = { house: 'house', ward: 'ward', patient: 'this patient' } as const;

/** A new rule's id: a limit's says what it is, which is how one takes the place of another. */
export function idFor(rule: RuleInput, taken: ReadonlySet<string>): string {
  const stem = stemOf(rule);
  for (let n = 1; ; n += 1) {
    const id = n === 1 ? stem : `${stem}.${n}`;
    if (!taken.has(id)) return id;
  }
}

function stemOf(rule: RuleInput): string {
  switch (rule.kind) {
    case 'limit':
      return `${rule.vital}.${rule.comparison}.${rule.priority}`;
    case 'change':
      return `${rule.vital}.${rule.direction}.${rule.priority}`;
    case 'repeated':
      return `repeated.${rule.rule}`.slice(0, 60);
    case 'combination':
      return `combination.${rule.priority}`;
    case 'news2':
      return rule.single3 === true ? `news2.single3.${rule.priority}` : `news2.at-least.${rule.priority}`;
    case 'technical':
      return `technical.${rule.condition}`;
    default:
      return rule satisfies never;
  }
}
