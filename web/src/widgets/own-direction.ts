/** Hebrew, Arabic and their neighbours. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/**
 * A name within a line: one that is written from right to left stays by itself, instead of turning round the date or
 * the bracket behind it (Unicode UAX #9, FSI and PDI). Any other is left as it is.
 */
export const isolated = (name: string): string => (RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name);
