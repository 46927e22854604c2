import type { Tile, TileValue } from '@healthsync/contracts/live';

export type Freshness = 'live' | 'stale' | 'lost';

/** How old a value is, counted from when the server received it. */
export function freshnessOf(value: TileValue, nowMs: number): Freshness {
  const age = nowMs - value.rx;
  return age >= value.lostAfter ? 'lost' : age >= value.staleAfter ? 'stale' : 'live';
}

/**
 * How the measurement is doing now. The server's word is as old as its last event, so between events the page goes on
 * judging by itself, and only ever downwards.
 */
export function connectionOf(tile: Tile, nowMs: number): Tile['connection'] {
  if (tile.lastAt === undefined) return 'waiting';
  if (tile.connection === 'offline' || tile.connection === 'lost') return tile.connection;
  const { staleAfter, lostAfter } = shortest(tile);
  const age = nowMs - tile.lastAt;
  if (age >= lostAfter) return 'lost';
  // Leads that are off stay off until they are heard again: what came before must not return as merely stale.
  if (age >= staleAfter && tile.connection !== 'leads-off') return 'stale';
  return tile.connection;
}

/** A device speaks as often as its most frequent vital. One that sent no value yet is judged as if every second. */
function shortest(tile: Tile): { readonly staleAfter: number; readonly lostAfter: number } {
  let staleAfter = Number.POSITIVE_INFINITY;
  let lostAfter = Number.POSITIVE_INFINITY;
  for (const name in tile.values) {
    const value = tile.values[name];
    if (value === undefined || value.staleAfter >= staleAfter) continue;
    staleAfter = value.staleAfter;
    lostAfter = value.lostAfter;
  }
  return staleAfter === Number.POSITIVE_INFINITY ? { staleAfter: 5_000, lostAfter: 30_000 } : { staleAfter, lostAfter };
}

/** `9 s`, `4 min`, `3 h`, `2 d`: rounded down, so that nothing looks older than it is by a unit. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 6_000) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `0:38`, `12:04`, `3:07:15`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const two = (n: number) => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
