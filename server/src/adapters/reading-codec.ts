import type { DeviceId, PatientId, ReadingId } from '../domain/ids.ts';
import type { AssignedReading, Consciousness, Vitals } from '../domain/reading.ts';
import type { VitalName } from '../domain/vital.ts';

/**
 * Readings as bytes, for the log. Little-endian; times and values come back exactly as they went in.
 *
 *   u8  form          1: this layout. Another number may be another layout, or an encrypted one.
 *   u8  vitals        bit i: VITAL_ORDER[i] is present
 *   u8  hundredths    bit i: that vital is an i16 of hundredths; otherwise it is an f64
 *   u8  flags         bits 0-1 oxygen, 2-3 leadsOff (0 absent, 1 false, 2 true), 4 battery present, 5-7 consciousness
 *   f64 atMs, f64 receivedAtMs
 *   …   the vitals present, in order; battery as f64
 *   3 × (u8 length, ASCII): reading id, device id, patient id
 */
const FORM = 1;

/** Part of the form: append only, never reorder; it is independent of `VITALS` so that the domain may change its order. */
const VITAL_ORDER = everyVital([
  'heartRate',
  'spo2',
  'respiratoryRate',
  'temperature',
  'systolic',
  'diastolic',
  'mean',
]);

const CONSCIOUSNESS = ['A', 'C', 'V', 'P', 'U'] as const satisfies readonly Consciousness[];

/** 4 + 16 for the head, 7 × 8 for the vitals, 8 for the battery, 3 × (1 + 255) for the ids. */
export const ENCODED_READING_BYTES_MAX = 4 + 16 + 56 + 8 + 3 * 256;

/**
 * Writes the reading at `start` and answers where it ends. The target must have `ENCODED_READING_BYTES_MAX` free.
 * Throws RangeError for an id that is not ASCII or longer than 255: the parsers of `domain/ids.ts` let none through.
 */
export function encodeReading(reading: AssignedReading, target: Buffer, start: number): number {
  const { vitals, context, status } = reading;
  target[start] = FORM;
  target[start + 3] = flagsOf(context, status);
  writeDouble(target, start + 4, reading.atMs);
  writeDouble(target, start + 12, reading.receivedAtMs);
  let end = writeVitals(vitals, target, start);
  if (status.battery !== undefined) end = writeDouble(target, end, status.battery);
  end = writeId(target, end, reading.id);
  end = writeId(target, end, reading.deviceId);
  return writeId(target, end, reading.patientId);
}

/** The reading between `start` and `end`. Throws RangeError for an unknown form or bytes that do not add up. */
export function decodeReading(source: Buffer, start: number, end: number): AssignedReading {
  if (source[start] !== FORM) throw new RangeError(`reading form ${source[start]} is not known to this version`);
  const flags = source[start + 3] as number;
  const atMs = readDouble(source, start + 4);
  const receivedAtMs = readDouble(source, start + 12);
  const vitals: { -readonly [Name in VitalName]?: number } = {};
  let at = readVitals(vitals, source, start);
  const status: { leadsOff?: boolean; battery?: number } = {};
  if (flags & 0b1100) status.leadsOff = (flags & 0b1000) !== 0;
  if (flags & 0b10000) {
    status.battery = readDouble(source, at);
    at += 8;
  }
  const idEnd = at + 1 + (source[at] as number);
  const deviceEnd = idEnd + 1 + (source[idEnd] as number);
  const patientEnd = deviceEnd + 1 + (source[deviceEnd] as number);
  if (patientEnd !== end) throw new RangeError('a reading does not fill its record');
  return {
    id: source.toString('latin1', at + 1, idEnd) as ReadingId,
    deviceId: source.toString('latin1', idEnd + 1, deviceEnd) as DeviceId,
    atMs,
    vitals,
    context: contextOf(flags),
    status,
    patientId: source.toString('latin1', deviceEnd + 1, patientEnd) as PatientId,
    receivedAtMs,
  };
}

/** Fails to compile when the domain gains a vital that this form would silently drop. */
function everyVital<const Names extends readonly VitalName[]>(
  names: Exclude<VitalName, Names[number]> extends never ? Names : never,
): readonly VitalName[] {
  return names;
}

function writeVitals(vitals: Vitals, target: Buffer, start: number): number {
  let present = 0;
  let hundredths = 0;
  let at = start + 20;
  for (let i = 0; i < VITAL_ORDER.length; i++) {
    const value = vitals[VITAL_ORDER[i] as VitalName];
    if (value === undefined) continue;
    present |= 1 << i;
    const whole = Math.round(value * 100) | 0;
    // Monitors send at most two decimals: 2 bytes instead of 8, wherever the value comes back bit for bit (not −0).
    if (whole >= -32768 && whole <= 32767 && Object.is(whole / 100, value)) {
      hundredths |= 1 << i;
      target[at] = whole & 0xff;
      target[at + 1] = (whole >> 8) & 0xff;
      at += 2;
    } else at = writeDouble(target, at, value);
  }
  target[start + 1] = present;
  target[start + 2] = hundredths;
  return at;
}

function readVitals(vitals: { [Name in VitalName]?: number }, source: Buffer, start: number): number {
  const present = source[start + 1] as number;
  const hundredths = source[start + 2] as number;
  let at = start + 20;
  for (let i = 0; i < VITAL_ORDER.length; i++) {
    if ((present & (1 << i)) === 0) continue;
    const name = VITAL_ORDER[i] as VitalName;
    if (hundredths & (1 << i)) {
      vitals[name] = ((((source[at] as number) | ((source[at + 1] as number) << 8)) << 16) >> 16) / 100;
      at += 2;
    } else {
      vitals[name] = readDouble(source, at);
      at += 8;
    }
  }
  return at;
}

function flagsOf(context: AssignedReading['context'], status: AssignedReading['status']): number {
  const { oxygen, consciousness } = context;
  const level = consciousness === undefined ? 0 : CONSCIOUSNESS.indexOf(consciousness) + 1;
  return triState(oxygen) | (triState(status.leadsOff) << 2) | (status.battery === undefined ? 0 : 16) | (level << 5);
}

const triState = (value: boolean | undefined): number => (value === undefined ? 0 : value ? 2 : 1);

function contextOf(flags: number): AssignedReading['context'] {
  const context: { oxygen?: boolean; consciousness?: Consciousness } = {};
  if (flags & 0b11) context.oxygen = (flags & 0b10) !== 0;
  const consciousness = CONSCIOUSNESS[(flags >> 5) - 1];
  if (consciousness !== undefined) context.consciousness = consciousness;
  return context;
}

// A typed-array pair turns a double into bytes about twice as fast as Buffer.writeDoubleLE; asserted little-endian below.
const double = new Float64Array(1);
const bytes = new Uint8Array(double.buffer);
if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) throw new Error('this machine is big-endian; the log is not');

function writeDouble(target: Buffer, at: number, value: number): number {
  double[0] = value;
  for (let i = 0; i < 8; i++) target[at + i] = bytes[i] as number;
  return at + 8;
}

function readDouble(source: Buffer, at: number): number {
  for (let i = 0; i < 8; i++) bytes[i] = source[at + i] as number;
  return double[0] as number;
}

function writeId(target: Buffer, at: number, id: string): number {
  if (id.length > 255) throw new RangeError('an id is longer than 255 characters');
  target[at] = id.length;
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i);
    if (code > 0x7f) throw new RangeError('an id is not ASCII');
    target[at + 1 + i] = code;
  }
  return at + 1 + id.length;
}
