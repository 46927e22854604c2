import type { News2, Tile, TileValue } from '@healthsync/contracts/live';
import { freshnessOf, INTERVAL_MIN_MS } from '../../domain/freshness.ts';
import type { DeviceId, PatientId } from '../../domain/ids.ts';
import { news2Tier } from '../../domain/news2.ts';
import type { News2Score, PatientStatus } from '../../domain/patient-status.ts';
import { UNPLACED_WARD } from '../../ports/alarm-store.ts';
import type { PatientPlace } from '../../ports/registry.ts';

/**
 * Patients who are measured but lie in no bed (at home, or enrolled before admission) are shown in a ward of their own
 * rather than nowhere.
 */
export const NO_WARD = UNPLACED_WARD;
export const NO_WARD_NAME = 'No bed';

export type Connection = Tile['connection'];

export function toTile(
  place: PatientPlace,
  status: PatientStatus | undefined,
  now: { readonly ms: number; readonly isOffline: (deviceId: DeviceId) => boolean },
): Tile {
  return {
    patientId: place.id,
    wardId: place.wardId ?? NO_WARD,
    bedId: place.bedId ?? unplacedBedId(place.id),
    bed: place.bed ?? NO_WARD_NAME,
    connection: connectionOf(status, now),
    values: status === undefined ? {} : tileValues(status),
    ...(status?.last !== undefined && { lastAt: status.last.receivedAtMs }),
    ...(status?.battery !== undefined && { battery: status.battery }),
    ...(status?.oxygen !== undefined && { oxygen: status.oxygen.value }),
    ...(status?.consciousness !== undefined && { consciousness: status.consciousness.value }),
    ...(status?.news2 !== undefined && { news2: toNews2(status.news2) }),
    ...(status?.news2NotApplicable !== undefined && { news2NotApplicable: status.news2NotApplicable }),
  };
}

/** How the measurement itself is doing, judged by our clock on what was received. */
export function connectionOf(
  status: PatientStatus | undefined,
  now: { readonly ms: number; readonly isOffline: (deviceId: DeviceId) => boolean },
): Connection {
  if (status?.last === undefined) return 'waiting';
  const age = now.ms - status.last.receivedAtMs;
  const { staleAfterMs, lostAfterMs } = freshnessOf(shortestIntervalMs(status));
  if (age >= staleAfterMs && now.isOffline(status.last.deviceId)) return 'offline';
  if (age >= lostAfterMs) return 'lost';
  if (age >= staleAfterMs) return 'stale';
  return status.leadsOff ? 'leads-off' : 'live';
}

/** The device speaks as often as its most frequent vital. */
function shortestIntervalMs(status: PatientStatus): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const name in status.values) {
    const value = status.values[name as keyof PatientStatus['values']];
    if (value !== undefined && value.intervalMs < shortest) shortest = value.intervalMs;
  }
  return shortest === Number.POSITIVE_INFINITY ? INTERVAL_MIN_MS : shortest;
}

function tileValues(status: PatientStatus): Record<string, TileValue> {
  const values: Record<string, TileValue> = {};
  for (const name in status.values) {
    const current = status.values[name as keyof PatientStatus['values']];
    if (current === undefined) continue;
    const { staleAfterMs, lostAfterMs } = freshnessOf(current.intervalMs);
    values[name] = {
      v: current.value,
      at: current.atMs,
      rx: current.receivedAtMs,
      staleAfter: Math.round(staleAfterMs),
      lostAfter: Math.round(lostAfterMs),
    };
  }
  return values;
}

export function toNews2(score: News2Score): News2 {
  return {
    score: score.score,
    single3: score.single3,
    tier: news2Tier(score),
    points: { ...score.points },
    missing: score.missing.map(({ parameter, sinceMs }) => ({
      parameter,
      ...(sinceMs !== undefined && { since: sinceMs }),
    })),
  };
}

export function unplacedBedId(patientId: PatientId): string {
  return `~${patientId}`;
}
