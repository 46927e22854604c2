import type { Alert } from '@healthsync/contracts/alert';
import type { Tile } from '@healthsync/contracts/live';
import { alarmRank, RANK_NONE } from '../live/alarm-rank.ts';
import { holdPlace } from '../live/hold-place.ts';

export type WallOrder = 'bed' | 'priority';

/** Beds as people count them: W3-2 before W3-10. */
const BEDS = new Intl.Collator('en', { numeric: true });

export function byBed(tiles: Iterable<Tile>): readonly string[] {
  return [...tiles]
    .sort((a, b) => BEDS.compare(a.bed, b.bed) || a.patientId.localeCompare(b.patientId))
    .map((tile) => tile.patientId);
}

/** Most urgent first, else as they lie; the tile somebody is on keeps its place. */
export function byPriority(
  inBeds: readonly string[],
  alarmsOf: (patientId: string) => readonly Alert[],
  hold: { readonly held: string | undefined; readonly before: readonly string[] },
): readonly string[] {
  const rank = new Map(inBeds.map((id) => [id, rankOf(alarmsOf(id))]));
  const sorted = inBeds.toSorted((a, b) => (rank.get(a) ?? RANK_NONE) - (rank.get(b) ?? RANK_NONE));
  return holdPlace(sorted, hold);
}

function rankOf(alarms: readonly Alert[]): number {
  const [top] = alarms;
  return top === undefined ? RANK_NONE : alarmRank(top);
}
