/** A time within an SQL expression as milliseconds since 1970, for where it becomes JSON or is computed with: `pg` reads columns. */
export function epochMs(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::float8`;
}
