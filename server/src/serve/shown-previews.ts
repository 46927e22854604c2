import type { Rule } from '../domain/rule.ts';
import { sameRule } from '../domain/rule-change.ts';
import type { RulePlace } from '../domain/rule-place.ts';
import type { SeenBurden } from '../ports/rule-sets.ts';
import type { FieldError } from './problem.ts';

/**
 * Which alarm-burden previews were shown to whom, so that a change of rules can be kept with what its author had seen.
 * In memory, as the previews are: who changes rules after a restart looks again.
 */
export interface ShownPreviews {
  /** Its figures were handed to who asked for them. */
  add(shown: ShownPreview): void;
  /** What this person saw of exactly these rules for this place. */
  find(asked: Omit<ShownPreview, 'burden'> & { readonly id: string }): SeenPreview;
}

export interface ShownPreview {
  readonly userId: string;
  readonly place: RulePlace;
  readonly rules: readonly Rule[];
  readonly burden: SeenBurden;
}

export type SeenPreview =
  | { readonly kind: 'seen'; readonly burden: SeenBurden }
  | { readonly kind: 'not-seen'; readonly error: FieldError };

/** As many as the desk keeps answers (`DeskBounds.keptMax`), a kilobyte each. */
const SHOWN_MAX = 50;

export function shownPreviews(): ShownPreviews {
  const shown = new Map<string, ShownPreview>();
  return {
    add(preview) {
      const { id } = preview.burden;
      // The first time counts: fetched again it is the same.
      if (shown.has(id)) return;
      shown.set(id, preview);
      const [oldest] = shown.size > SHOWN_MAX ? shown.keys() : [];
      if (oldest !== undefined) shown.delete(oldest);
    },
    find({ id, userId, place, rules }) {
      const known = shown.get(id);
      if (known?.userId !== userId)
        return notSeen('unknown-preview', 'no preview whose figures were shown to you within the last hour');
      return isSamePlace(known.place, place) && isSameList(known.rules, rules)
        ? { kind: 'seen', burden: known.burden }
        : notSeen('preview-of-other-rules', 'is about other rules than these: ask for a preview of these');
    },
  };
}

function notSeen(code: string, detail: string): SeenPreview {
  return { kind: 'not-seen', error: { code, field: 'preview', detail } };
}

function isSamePlace(a: RulePlace, b: RulePlace): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

function isSameList(a: readonly Rule[], b: readonly Rule[]): boolean {
  return (
    a.length === b.length &&
    a.every((rule) => {
      const other = b.find(({ id }) => id === rule.id);
      return other !== undefined && sameRule(rule, other);
    })
  );
}
