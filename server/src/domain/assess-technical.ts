import { findAbsent, findPresent, type Judgement } from './assess-condition.ts';
import type { Compiled, CompiledRules } from './assess-rules.ts';
import { NO_CONDITIONS, type PatientState, type WornDevice } from './assess-state.ts';
import { assumedIntervalMs, freshnessOf, INTERVAL_MIN_MS, learnInterval } from './freshness.ts';
import type { DeviceId } from './ids.ts';
import type { AssignedReading } from './reading.ts';
import type { TechnicalRule } from './rule.ts';
import type { VitalName } from './vital.ts';

/** Technical conditions speak of the measurement. Their ids are fixed, as there is one of each. */
export const TECHNICAL_IDS: Readonly<Record<TechnicalRule['condition'], string>> = {
  lost: 'technical.lost',
  'leads-off': 'technical.leadsOff',
  battery: 'technical.battery',
};

/** Nobody wears more; beyond it the one unheard for longest is forgotten. */
const DEVICES_MAX = 8;

/**
 * Takes what a reading says of its device. Status counts by event time, being heard by ours. Answers whether the reading
 * is the first to say of a moment, the newest such, that the device's leads were off then.
 */
export function hear(
  { devices }: PatientState,
  reading: AssignedReading,
  worn: readonly DeviceId[] | undefined,
  rules: CompiledRules,
): boolean {
  for (const device of devices)
    if (device.deviceId === reading.deviceId) {
      const knownOffMs = device.leadsOffAtMs;
      hearAgain(device, reading, rules);
      return device.leadsOffAtMs !== knownOffMs;
    }
  // A late reading of a device that has since gone to someone else: its values count, its silence does not.
  if (worn !== undefined && !worn.includes(reading.deviceId)) return false;
  const device = firstHeard(reading, rules);
  devices.push(device);
  if (devices.length > DEVICES_MAX) {
    const quietest = devices.reduce((a, b) => (b.receivedAtMs < a.receivedAtMs ? b : a));
    devices.splice(devices.indexOf(quietest), 1);
  }
  return device.leadsOffAtMs !== 0;
}

/** Leads off and battery as the devices now say; lost ends once every device has been heard. */
export function judgeDevices(judgement: Judgement): void {
  const { devices } = judgement.patient;
  const { leadsOff, battery } = judgement.rules.compiled;
  judgeTechnical(
    judgement,
    leadsOff,
    'leads-off',
    devices.find((device) => device.leadsOff),
  );
  judgeTechnical(
    judgement,
    battery,
    'battery',
    devices.find((device) => device.batteryLow),
  );
  if (!devices.some((device) => device.lost)) findAbsent(judgement, TECHNICAL_IDS.lost);
}

export function judgeTechnical(
  judgement: Judgement,
  rule: Compiled<TechnicalRule> | undefined,
  condition: TechnicalRule['condition'],
  device: WornDevice | undefined,
): void {
  if (device === undefined) findAbsent(judgement, TECHNICAL_IDS[condition]);
  else if (rule !== undefined) {
    const { readingId, deviceId, atMs } = device;
    findPresent(judgement, rule, { cause: { text: TEXTS[condition] }, readings: [{ readingId, deviceId, atMs }] });
  }
}

const TEXTS: Readonly<Record<TechnicalRule['condition'], string>> = {
  lost: 'NO DATA',
  'leads-off': 'LEADS OFF',
  battery: 'BATTERY LOW',
};

/** Is there anything that `judgeDevices` could change? */
export function isTechnicalTouched({ conditions, devices }: PatientState): boolean {
  for (const device of devices) if (device.leadsOff || device.batteryLow) return true;
  if (conditions === NO_CONDITIONS) return false;
  for (const rule in conditions) if (rule.startsWith('technical.')) return true;
  return false;
}

/** What is shown of the devices: are any leads off, and the lowest battery. */
export function showDevices({ status, devices }: PatientState): void {
  let leadsOff = false;
  let lowest: number | undefined;
  for (const device of devices) {
    if (device.leadsOff) leadsOff = true;
    const { battery } = device;
    if (battery !== undefined && (lowest === undefined || battery < lowest)) lowest = battery;
  }
  status.leadsOff = leadsOff;
  status.battery = lowest;
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
  const { atMs } = reading;
  if (atMs > known.atMs) return true;
  const isHonest = atMs <= reading.receivedAtMs;
  return isHonest && atMs > known.receivedAtMs;
}

function hearAgain(known: WornDevice, reading: AssignedReading, rules: CompiledRules): void {
  const isNews = isNewer(reading, known);
  if (reading.receivedAtMs > known.receivedAtMs) known.receivedAtMs = reading.receivedAtMs;
  known.lost = false;
  takeLeadsOff(known, reading);
  if (!isNews) return;
  const gapMs = reading.atMs - known.atMs;
  if (gapMs !== known.intervalMs) known.intervalMs = learnInterval(known.intervalMs, gapMs);
  known.readingId = reading.id;
  known.atMs = reading.atMs;
  known.leadsOff = leadsOffAfter(reading, known.leadsOff);
  takeBattery(known, reading, rules);
}

function firstHeard(reading: AssignedReading, rules: CompiledRules): WornDevice {
  const device: WornDevice = {
    deviceId: reading.deviceId,
    readingId: reading.id,
    atMs: reading.atMs,
    receivedAtMs: reading.receivedAtMs,
    intervalMs: firstInterval(reading),
    leadsOff: leadsOffAfter(reading, false),
    leadsOffAtMs: 0,
    battery: undefined,
    batteryLow: false,
    lost: false,
  };
  takeLeadsOff(device, reading);
  takeBattery(device, reading, rules);
  return device;
}

/** A device that says nothing about its leads but measures has them on. */
function leadsOffAfter(reading: AssignedReading, before: boolean): boolean {
  if (reading.status.leadsOff !== undefined) return reading.status.leadsOff;
  return hasVitals(reading) ? false : before;
}

function takeLeadsOff(device: WornDevice, { status, atMs }: AssignedReading): void {
  if (status.leadsOff === true && atMs > device.leadsOffAtMs) device.leadsOffAtMs = atMs;
}

function takeBattery(device: WornDevice, { status }: AssignedReading, rules: CompiledRules): void {
  if (status.battery === undefined) return;
  device.battery = status.battery;
  device.batteryLow = isBatteryLow(device, rules);
}

/** With hysteresis: once low, it is well again only from `clearAt` on. */
export function isBatteryLow({ battery, batteryLow }: WornDevice, { battery: rule }: CompiledRules): boolean {
  if (battery === undefined || rule === undefined) return false;
  const { below = 0, clearAt = below } = rule.rule;
  return battery < (batteryLow ? clearAt : below);
}

function firstInterval(reading: AssignedReading): number {
  const assumed = (Object.keys(reading.vitals) as VitalName[]).map(assumedIntervalMs);
  return assumed.length === 0 ? INTERVAL_MIN_MS : Math.min(...assumed);
}

function hasVitals(reading: AssignedReading): boolean {
  for (const _ in reading.vitals) return true;
  return false;
}
