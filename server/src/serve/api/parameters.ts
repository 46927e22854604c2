import { Type } from 'typebox';
import type { FieldError } from '../problem.ts';

/** Ids in paths and queries, as `domain/ids.ts` takes them: anything else is refused before it is looked up. */
export const Id = Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$' });
export const IdPath = Type.Object({ id: Id });
/** A ward's id, or the one under which patients without a bed are shown (`live/tile.ts`). */
export const WardPath = Type.Object({ id: Type.String({ pattern: '^(~none|[A-Za-z0-9_-][A-Za-z0-9._-]{0,63})$' }) });

export const Instant = Type.String({
  maxLength: 40,
  description: 'RFC 3339 with zone, or milliseconds since 1970 UTC.',
});

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/** Undefined: not a moment. */
export function parseInstant(text: string): number | undefined {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const ms = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(ms) ? ms : undefined;
}

export type Period =
  | { readonly kind: 'period'; readonly fromMs: number; readonly toMs: number }
  | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] };

/** `from` ≤ t < `to`, no longer than `longestMs`; what is not given is filled from `defaults`. */
export function parsePeriod(
  query: { readonly from?: string; readonly to?: string },
  defaults: { readonly nowMs: number; readonly spanMs: number; readonly longestMs: number },
): Period {
  const errors: FieldError[] = [];
  const read = (field: 'from' | 'to', otherwise: number): number => {
    const text = query[field];
    const ms = text === undefined ? otherwise : parseInstant(text);
    if (ms === undefined) errors.push({ code: 'invalid-time', field, detail: 'must be RFC 3339 with a zone, or ms' });
    return ms ?? otherwise;
  };
  const toMs = read('to', defaults.nowMs);
  const fromMs = read('from', toMs - defaults.spanMs);
  if (errors.length === 0 && fromMs >= toMs)
    errors.push({ code: 'invalid-value', field: 'from', detail: 'must be before `to`' });
  if (errors.length === 0 && toMs - fromMs > defaults.longestMs)
    errors.push({ code: 'invalid-value', field: 'from', detail: `at most ${defaults.longestMs / DAY_MS} days before` });
  return errors.length > 0 ? { kind: 'invalid', errors } : { kind: 'period', fromMs: Math.max(0, fromMs), toMs };
}

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
