/**
 * Numbers that real feeds send where they measured nothing. They are never a measurement, in whatever unit they come, so
 * they are asked for before a value is converted. None of them lies within what a living patient can show, in any unit
 * we take. Zero is not among them: no heartbeat and no breath are measurements.
 */
const NO_VALUE: ReadonlySet<unknown> = new Set([-1, -100, -10_000, -999, -99.9]);

/** Nothing was measured: one of the numbers above, or an empty value. */
export function isNoMeasurement(value: unknown): boolean {
  return value === null || value === '' || NO_VALUE.has(value);
}
