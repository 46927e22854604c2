/**
 * Whether NEWS2 applies to a patient at all: it is not for under-16s or pregnancy (RCP 2017), and a clinician may take
 * it off. Then there is no score, and the wall says so: never one in silence.
 */
export type News2Use =
  | { readonly kind: 'by-age' }
  | { readonly kind: 'off'; readonly why: 'pregnancy' | 'end-of-life' | 'other' };

export type News2NotApplicable = 'under-16' | 'pregnancy' | 'end-of-life' | 'other';

/** `birthDate` as ISO date; without one the patient counts as grown up, as most are. */
export function news2NotApplicable(
  { use, birthDate }: { readonly use: News2Use; readonly birthDate?: string | undefined },
  nowMs: number,
): News2NotApplicable | undefined {
  if (use.kind === 'off') return use.why;
  const from = birthDate === undefined ? undefined : sixteenthBirthdayMs(birthDate);
  return from !== undefined && nowMs < from ? 'under-16' : undefined;
}

/** Midnight UTC of the sixteenth birthday; a leap day's child has it on 1 March. Undefined: not a date. */
function sixteenthBirthdayMs(birthDate: string): number | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)/.exec(birthDate) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  return Date.UTC(Number(year) + NEWS2_AGE_MIN, Number(month) - 1, Number(day));
}

const NEWS2_AGE_MIN = 16;
