import { findAbsent, findPresent, type Judgement, type RuleFacts } from './assess-condition.ts';
import type { ReadingSource, WornDevice } from './assess-state.ts';
import { assumedIntervalMs, freshnessOf, INTERVAL_MIN_MS, learnInterval } from './freshness.ts';
import type { DeviceId } from './ids.ts';
import type { AssignedReading } from './reading.ts';
import type { VitalName } from './vital.ts';

/**
 * Technical conditions speak of the measurement. Leads off and battery are low: someone should see to it on the next
 * round, and both are shown on the tile. Lost is medium: nobody watches this patient any more.
 */
export const LEADS_OFF: RuleFacts = { id: 'technical.leadsOff', version: 1, kind: 'technical', priority: 'low' };
export const BATTERY: RuleFacts = { id: 'technical.battery', version: 1, kind: 'technical', priority: 'low' };
export const LOST: RuleFacts = { id: 'technical.lost', version: 1, kind: 'technical', priority: 'medium' };

/** Low below 15 %, well again from 20 %: a gauge that wavers by a per cent does not ring each time. */
export const BATTERY_LOW = 0.15;
export const BATTERY_WELL = 0.2;

/** Nobody wears more; beyond it the one unheard for longest is forgotten. */
const DEVICES_MAX = 8;

/** The patient's devices after this reading. Status counts by event time, being heard by ours. */
export function hear(
  devices: readonly WornDevice[],
  reading: AssignedReading,
  worn: readonly DeviceId[] | undefined,
): readonly WornDevice[] {
  const index = devices.findIndex((device) => device.deviceId === reading.deviceId);
  const known = devices[index];
  if (known !== undefined) return devices.with(index, heardAgain(known, reading));
  // A late reading of a device that has since gone to someone else: its values count, its silence does not.
  if (worn !== undefined && !worn.includes(reading.deviceId)) return devices;
  const all = [...devices, firstHeard(reading)];
  return all.length <= DEVICES_MAX ? all : withoutQuietest(all);
}

/** Leads off and battery as the devices now say; lost ends once every device has been heard. */
export function judgeDevices(judgement: Judgement, devices: readonly WornDevice[], source: ReadingSource): void {
  if (devices.some((device) => device.leadsOff)) findPresent(judgement, LEADS_OFF, { text: 'LEADS OFF' }, source);
  else findAbsent(judgement, LEADS_OFF.id, source);
  if (devices.some((device) => device.batteryLow)) findPresent(judgement, BATTERY, { text: 'BATTERY LOW' }, source);
  else findAbsent(judgement, BATTERY.id, source);
  if (!devices.some((device) => device.lost)) findAbsent(judgement, LOST.id, source);
}

export function lostAtMs(device: WornDevice, listeningSinceMs: number): number {
  return Math.max(device.receivedAtMs, listeningSinceMs) + freshnessOf(device.intervalMs).lostAfterMs;
}

/**
 * Newer than what is known, by event time; equal is not newer, so a duplicate changes nothing. A clock that ran ahead
 * (bounded at ingest) and was put right must not blind us until time catches up: against a known time that lies after its
 * own receipt, a reading with an honest time is compared with that receipt.
 */
export function isNewer(
  reading: { readonly atMs: number; readonly receivedAtMs: number },
  known: { readonly atMs: number; readonly receivedAtMs: number },
): boolean {
  const isHonest = reading.atMs <= reading.receivedAtMs;
  return reading.atMs > (isHonest ? Math.min(known.atMs, known.receivedAtMs) : known.atMs);
}

function heardAgain(known: WornDevice, reading: AssignedReading): WornDevice {
  const receivedAtMs = Math.max(known.receivedAtMs, reading.receivedAtMs);
  if (!isNewer(reading, known)) return { ...known, receivedAtMs, lost: false };
  return {
    deviceId: known.deviceId,
    readingId: reading.id,
    atMs: reading.atMs,
    receivedAtMs,
    intervalMs: learnInterval(known.intervalMs, reading.atMs - known.atMs),
    leadsOff: leadsOffAfter(reading, known.leadsOff),
    ...batteryAfter(reading, known),
    lost: false,
  };
}

function firstHeard(reading: AssignedReading): WornDevice {
  return {
    deviceId: reading.deviceId,
    readingId: reading.id,
    atMs: reading.atMs,
    receivedAtMs: reading.receivedAtMs,
    intervalMs: firstInterval(reading),
    leadsOff: leadsOffAfter(reading, false),
    ...batteryAfter(reading, { batteryLow: false }),
    lost: false,
  };
}

/** A device that says nothing about its leads but measures has them on. */
function leadsOffAfter(reading: AssignedReading, before: boolean): boolean {
  if (reading.status.leadsOff !== undefined) return reading.status.leadsOff;
  return hasVitals(reading) ? false : before;
}

function batteryAfter(
  reading: AssignedReading,
  before: { readonly battery?: number; readonly batteryLow: boolean },
): { readonly battery?: number; readonly batteryLow: boolean } {
  const { battery } = reading.status;
  if (battery === undefined)
    return before.battery === undefined
      ? { batteryLow: before.batteryLow }
      : { battery: before.battery, batteryLow: before.batteryLow };
  return { battery, batteryLow: battery < (before.batteryLow ? BATTERY_WELL : BATTERY_LOW) };
}

function firstInterval(reading: AssignedReading): number {
  const assumed = (Object.keys(reading.vitals) as VitalName[]).map(assumedIntervalMs);
  return assumed.length === 0 ? INTERVAL_MIN_MS : Math.min(...assumed);
}

function hasVitals(reading: AssignedReading): boolean {
  for (const _ in reading.vitals) return true;
  return false;
}

function withoutQuietest(devices: readonly WornDevice[]): readonly WornDevice[] {
  const quietest = devices.reduce((a, b) => (b.receivedAtMs < a.receivedAtMs ? b : a));
  return devices.filter((device) => device !== quietest);
}
