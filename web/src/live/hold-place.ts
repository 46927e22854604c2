/**
 * A list sorted anew, in which what somebody is on, by focus or pointer, keeps the place it had: nobody acknowledges
 * what slid under the finger.
 */
export function holdPlace(
  sorted: readonly string[],
  { held, before }: { readonly held: string | undefined; readonly before: readonly string[] },
): readonly string[] {
  const place = held === undefined ? -1 : before.indexOf(held);
  if (place < 0 || held === undefined || !sorted.includes(held)) return sorted;
  const others = sorted.filter((id) => id !== held);
  return [...others.slice(0, place), held, ...others.slice(place)];
}
