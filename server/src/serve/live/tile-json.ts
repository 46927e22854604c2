import { freshnessOf } from '../../domain/freshness.ts';
import type { News2Score, PatientStatus } from '../../domain/patient-status.ts';
import type { PatientPlace } from '../../ports/registry.ts';
import { type Connection, NO_WARD, NO_WARD_NAME, toNews2, unplacedBedId } from './tile.ts';

/**
 * `JSON.stringify(toTile(…))`, written by hand: this runs for every watched patient every second on the thread that also
 * acknowledges readings, and the general way costs several times as much. A test holds the two equal.
 * What rarely changes (place, score) is written once; everything else is a number, a boolean or a word without escapes.
 */
export function tileJson(place: PatientPlace, status: PatientStatus | undefined, connection: Connection): string {
  let json = `${headOf(place)}"connection":"${connection}","values":{`;
  if (status === undefined) return `${json}}}`;
  json += `${valuesJson(status.values)}}`;
  if (status.last !== undefined) json += `,"lastAt":${status.last.receivedAtMs}`;
  if (status.battery !== undefined) json += `,"battery":${status.battery}`;
  if (status.oxygen !== undefined) json += `,"oxygen":${status.oxygen.value}`;
  if (status.consciousness !== undefined) json += `,"consciousness":"${status.consciousness.value}"`;
  if (status.news2 !== undefined) json += `,"news2":${scoreJson(status.news2)}`;
  if (status.news2NotApplicable !== undefined) json += `,"news2NotApplicable":"${status.news2NotApplicable}"`;
  return `${json}}`;
}

function valuesJson(values: PatientStatus['values']): string {
  let json = '';
  for (const name in values) {
    const current = values[name as keyof PatientStatus['values']];
    if (current === undefined) continue;
    const { staleAfterMs, lostAfterMs } = freshnessOf(current.intervalMs);
    const { value, atMs, receivedAtMs } = current;
    const comma = json === '' ? '' : ',';
    json += `${comma}"${name}":{"v":${value},"at":${atMs},"rx":${receivedAtMs},"staleAfter":${Math.round(staleAfterMs)},"lostAfter":${Math.round(lostAfterMs)}}`;
  }
  return json;
}

const heads = new WeakMap<PatientPlace, string>();

function headOf(place: PatientPlace): string {
  const known = heads.get(place);
  if (known !== undefined) return known;
  const { id: patientId, wardId = NO_WARD, bedId = unplacedBedId(place.id), bed = NO_WARD_NAME } = place;
  const head = `${JSON.stringify({ patientId, wardId, bedId, bed }).slice(0, -1)},`;
  heads.set(place, head);
  return head;
}

const scores = new WeakMap<News2Score, string>();

function scoreJson(score: News2Score): string {
  const known = scores.get(score);
  if (known !== undefined) return known;
  const json = JSON.stringify(toNews2(score));
  scores.set(score, json);
  return json;
}
