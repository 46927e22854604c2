import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LiveSnapshot } from '@healthsync/contracts/live';
import type { PatientId, WardId } from '../../domain/ids.ts';
import type { PatientPlace } from '../../ports/registry.ts';
import { toSystemAlarm } from '../system-alarm-shape.ts';
import { alertNow, allWards, placesIn, wardOfAlarm } from './places.ts';
import type { LiveSources } from './sources.ts';
import { type Connection, connectionOf, NO_WARD, NO_WARD_NAME } from './tile.ts';
import { tileJson } from './tile-json.ts';

export interface SnapshotRequest {
  readonly sources: LiveSources;
  readonly now: () => number;
  readonly wards: 'all' | ReadonlySet<WardId>;
  /** Patients of other wards who are shown all the same. */
  readonly beside?: ReadonlySet<PatientId>;
  readonly wantsVitals: boolean;
  readonly tilesPerSlice: number;
  /** Filled by the hub while this runs: patients whose tile may already be written with older values. */
  readonly missed: ReadonlySet<PatientId>;
  /** What each patient's connection is told to be. */
  readonly onConnection: (patientId: PatientId, connection: Connection) => void;
}

/**
 * Everything a reader may see, as JSON. A large house is written in slices, so that readings are acknowledged in
 * between; what changed meanwhile is written again at the end. Up to one slice it is done in the call itself.
 */
export async function readSnapshot(request: SnapshotRequest): Promise<string> {
  const { sources, now, wards, beside = NOBODY } = request;
  const view = sources.view();
  const tiles = new Map<PatientId, PatientPlace>();
  const written = new Map<PatientId, string>();
  const inScope = (ward: WardId) => wards === 'all' || wards.has(ward);
  const shown = allWards(view).filter(inScope);

  const write = (place: PatientPlace) => {
    const status = sources.statusOf(place.id);
    const connection = connectionOf(status, { ms: now(), isOffline: sources.isOffline });
    request.onConnection(place.id, connection);
    return tileJson(place, status, connection);
  };
  let inSlice = 0;
  for (const places of request.wantsVitals ? placesToShow() : []) {
    for (const place of places) {
      tiles.set(place.id, place);
      written.set(place.id, write(place));
      if (++inSlice % request.tilesPerSlice === 0) await nextTurn();
    }
  }
  for (const patientId of request.missed) {
    const place = tiles.get(patientId);
    if (place !== undefined) written.set(patientId, write(place));
  }

  const alerts: LiveSnapshot['alerts'] = [];
  for (const alarm of sources.openAlarms()) {
    if (inScope(wardOfAlarm(view, alarm)) || beside.has(alarm.patientId)) alerts.push(alertNow(view, alarm));
  }

  const system = (sources.systemAlarms?.() ?? []).map(toSystemAlarm);
  const hasUnplaced = shown.includes(NO_WARD) && placesIn(view, NO_WARD, sources.statusOf).length > 0;
  const named: LiveSnapshot['wards'] = [
    ...view.snapshot.wards.filter((ward) => inScope(ward.id)).map(({ id, name }) => ({ id, name })),
    ...(hasUnplaced ? [{ id: NO_WARD, name: NO_WARD_NAME }] : []),
  ];
  const head = `{"serverTime":${now()},"wards":${JSON.stringify(named)},"tiles":[`;
  return `${head}${[...written.values()].join(',')}],"alerts":${JSON.stringify(alerts)},"system":${JSON.stringify(system)}}`;

  function* placesToShow(): Iterable<readonly PatientPlace[]> {
    for (const ward of shown) yield placesIn(view, ward, sources.statusOf);
    yield [...beside].flatMap((patientId) => view.place(patientId) ?? []);
  }
}

const NOBODY: ReadonlySet<PatientId> = new Set();
