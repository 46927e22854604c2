import type { RuleInput, RuleOrigin, RuleSetResponse } from '@healthsync/contracts/rule';

/** A rule as it stands in the editor, before anything is saved. */
export interface DraftRow {
  readonly rule: RuleInput;
  /** `removed`: an own rule that is to go; what it replaced, if anything, will hold again. */
  readonly state: 'inherited' | 'own' | 'changed' | 'new' | 'removed';
  readonly origin: RuleOrigin | undefined;
}

/** What holds there, with what is about to change; ordered as a ward thinks: vitals first, each from high to low. */
export function rowsOf(known: RuleSetResponse, own: readonly RuleInput[]): readonly DraftRow[] {
  const draft = new Map(own.map((rule) => [rule.id, rule]));
  const before = new Map(known.own.map(({ rule }) => [rule.id, rule]));
  const rows = known.inForce.map(({ rule, origin }): DraftRow => {
    const mine = draft.get(rule.id);
    if (mine === undefined) return { rule, origin, state: before.has(rule.id) ? 'removed' : 'inherited' };
    return { rule: mine, origin, state: isSame(mine, before.get(rule.id)) ? 'own' : 'changed' };
  });
  const shown = new Set(rows.map(({ rule }) => rule.id));
  const added = own
    .filter((rule) => !shown.has(rule.id))
    .map((rule): DraftRow => ({ rule, origin: undefined, state: before.has(rule.id) ? 'own' : 'new' }));
  return [...rows, ...added].sort((a, b) => rank(a.rule) - rank(b.rule) || a.rule.id.localeCompare(b.rule.id));
}

const VITALS = ['heartRate', 'spo2', 'respiratoryRate', 'systolic', 'diastolic', 'mean', 'temperature'];
const KINDS = ['limit', 'change', 'repeated', 'combination', 'news2', 'technical'];
const PRIORITIES = ['high', 'medium', 'low'];

function rank(rule: RuleInput): number {
  const vital = rule.kind === 'limit' || rule.kind === 'change' ? VITALS.indexOf(rule.vital) : VITALS.length;
  const kind = rule.kind === 'change' ? 0 : KINDS.indexOf(rule.kind);
  return vital * 100 + kind * 10 + PRIORITIES.indexOf(rule.priority);
}

/** An inherited rule that is touched becomes one's own. */
export function putRule(own: readonly RuleInput[], rule: RuleInput): readonly RuleInput[] {
  return own.some(({ id }) => id === rule.id) ? own.map((each) => (each.id === rule.id ? rule : each)) : [...own, rule];
}

export const removeRule = (own: readonly RuleInput[], id: string): readonly RuleInput[] =>
  own.filter((rule) => rule.id !== id);

/** The rules that would be saved anew, and the ids of those that would go. */
export function changesOf(
  known: RuleSetResponse,
  own: readonly RuleInput[],
): { readonly changed: readonly RuleInput[]; readonly removed: readonly string[] } {
  const before = new Map(known.own.map(({ rule }) => [rule.id, rule]));
  const draft = new Set(own.map(({ id }) => id));
  return {
    changed: own.filter((rule) => !isSame(rule, before.get(rule.id))),
    removed: [...before.keys()].filter((id) => !draft.has(id)),
  };
}

/** The same rule, in whatever order its members stand. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return Array.isArray(a) === Array.isArray(b) && [...keys].every((key) => isSame(left[key], right[key]));
}
