import { type DeviceId, parseReadingId, type ReadingId } from './ids.ts';
import { parseInstant } from './instant.ts';
import type { Problem, ProblemCode } from './problem.ts';
import type { Consciousness, Reading } from './reading.ts';
import { isNoMeasurement } from './sentinel.ts';
import { conversion, toCanonical, unitsOf } from './unit.ts';
import { VITAL_NAMES, VITALS, type VitalDefinition, type VitalName } from './vital.ts';

/**
 * From unknown JSON to a reading, with every problem named at its field.
 *
 * What is wrong with the envelope (`id`, `at`, `deviceId`, an unknown field) costs the whole reading: who, when or what
 * is in doubt. What is wrong with one entry of `vitals`, `context` or `status` costs that entry alone: a dislodged probe
 * that shows SpO₂ 255 must not hide a heart rate of 170. Such a reading is `ok` with what is `refused` named beside it;
 * the source is told, and an operator sees it. If nothing is left after that, the reading is rejected.
 *
 * Text in which a key comes twice is refused before: here each comes once.
 */
export function parseReading(value: unknown, context: ParseContext): ParsedReading {
  const found: Found = { envelope: [], refused: [], measuredNothing: false };
  if (!isObject(value)) {
    note(found.envelope, 'invalid-shape', '', 'expected a JSON object');
    return rejected(found);
  }
  for (const key in value) if (!ENVELOPE.has(key)) noteUnknown(found.envelope, '', key, ENVELOPE);

  const id = readId(value.id, found.envelope);
  const atMs = readAt(value.at, context, found.envelope);
  checkDevice(value.deviceId, context.deviceId, found.envelope);
  const vitals = readVitals(value.vitals, found);
  const readContext = readPart('context', value.context, CONTEXT, found);
  const status = readPart('status', value.status, STATUS, found);

  if (id === undefined || atMs === undefined || found.envelope.length > 0) return rejected(found, id);
  if (isEmpty(vitals) && isEmpty(readContext) && isEmpty(status)) {
    if (found.refused.length > 0) return rejected(found, id);
    // Sentinels alone are kept: they show that the device lives, and that it measures nothing.
    if (!found.measuredNothing) {
      note(found.envelope, 'no-values', '', 'expected at least one vital, context or status');
      return rejected(found, id);
    }
  }
  return {
    kind: 'ok',
    reading: { id, deviceId: context.deviceId, atMs, vitals, context: readContext, status },
    refused: found.refused,
  };
}

export interface ParseContext {
  /** The device that authenticated. */
  readonly deviceId: DeviceId;
  /** When the reading was received, by our clock. */
  readonly nowMs: number;
  /** How far the device's clock may be ahead of ours. */
  readonly clockAheadMaxMs: number;
}

export type ParsedReading =
  | {
      readonly kind: 'ok';
      readonly reading: Reading;
      /** Entries that were left out, each with its reason; empty for a reading that is wholly in order. */
      readonly refused: readonly Problem[];
    }
  | { readonly kind: 'rejected'; readonly readingId?: ReadingId; readonly problems: readonly Problem[] };

/** Before this no device of ours measured anything: a clock that lost its battery shows 1970 or 1980. */
const OLDEST_MS = Date.UTC(2000, 0, 1);

/** A message with more things wrong is not one somebody will mend one by one; also bounds what one message can cost. */
const PROBLEMS_MAX = 32;

const ENVELOPE: ReadonlySet<string> = new Set(['id', 'deviceId', 'at', 'vitals', 'context', 'status']);
const VALUE: ReadonlySet<string> = new Set(['value', 'unit']);
const NAMES: ReadonlySet<string> = new Set(VITAL_NAMES);
const CONSCIOUSNESS: ReadonlySet<unknown> = new Set(['A', 'C', 'V', 'P', 'U'] satisfies Consciousness[]);

interface Found {
  readonly envelope: Problem[];
  readonly refused: Problem[];
  /** A vital was there, and said that nothing was measured. */
  measuredNothing: boolean;
}

function readId(value: unknown, problems: Problem[]): ReadingId | undefined {
  const id = parseReadingId(value);
  if (id === undefined)
    note(problems, 'invalid-id', 'id', 'expected 1 to 64 printable ASCII characters without spaces');
  return id;
}

function readAt(value: unknown, context: ParseContext, problems: Problem[]): number | undefined {
  const atMs = typeof value === 'string' ? parseInstant(value) : undefined;
  if (atMs === undefined) {
    note(problems, 'invalid-time', 'at', 'expected RFC 3339 with a zone, such as 2026-11-22T01:02:03.456Z');
    return undefined;
  }
  if (atMs - context.nowMs > context.clockAheadMaxMs) {
    const seconds = Math.round(context.clockAheadMaxMs / 1000);
    note(problems, 'clock-ahead', 'at', `expected at most ${seconds} s after our clock: set the device's clock`);
  } else if (atMs < OLDEST_MS) {
    note(problems, 'too-old', 'at', "expected 2000-01-01 or later: set the device's clock");
  }
  return atMs;
}

function checkDevice(value: unknown, deviceId: DeviceId, problems: Problem[]): void {
  if (value === undefined || value === deviceId) return;
  note(problems, 'foreign-device', 'deviceId', 'expected the id of the device that authenticated, or none');
}

function readVitals(value: unknown, found: Found): { [Name in VitalName]?: number } {
  const vitals: { [Name in VitalName]?: number } = {};
  if (value === undefined) return vitals;
  if (!isObject(value)) {
    note(found.envelope, 'invalid-shape', 'vitals', 'expected an object');
    return vitals;
  }
  for (const key in value) {
    if (!NAMES.has(key)) noteUnknown(found.refused, 'vitals.', key, NAMES);
    else readVital(key as VitalName, value[key], vitals, found);
  }
  refuseContradiction(vitals, found.refused);
  return vitals;
}

function readVital(name: VitalName, value: unknown, into: { [Name in VitalName]?: number }, found: Found): void {
  if (typeof value === 'number' && !isNoMeasurement(value)) {
    keepPlausible(name, value, into, found);
  } else if (isNoMeasurement(value)) {
    found.measuredNothing = true;
  } else if (isObject(value)) {
    readQuantity(name, value, into, found);
  } else {
    note(found.refused, 'invalid-shape', `vitals.${name}`, 'expected a number, or an object of value and unit');
  }
}

/** `{ "value": 98.2, "unit": "[degF]" }` */
function readQuantity(
  name: VitalName,
  quantity: JsonObject,
  into: { [Name in VitalName]?: number },
  found: Found,
): void {
  const { value, unit } = quantity;
  const stranger = Object.keys(quantity).find((key) => !VALUE.has(key));
  const way = typeof unit === 'string' ? conversion(name, unit) : undefined;
  if (stranger !== undefined) {
    noteUnknown(found.refused, `vitals.${name}.`, stranger, VALUE);
  } else if (isNoMeasurement(value)) {
    // Before the unit is judged: a device that measured nothing may well leave the unit empty too.
    found.measuredNothing = true;
  } else if (typeof value !== 'number') {
    note(found.refused, 'invalid-shape', `vitals.${name}.value`, 'expected a number');
  } else if (way === undefined) {
    const expected = `expected a UCUM unit of this vital: ${unitsOf(name).join(' ')}`;
    note(found.refused, 'unknown-unit', `vitals.${name}.unit`, expected);
  } else {
    keepPlausible(name, toCanonical(value, way), into, found);
  }
}

function keepPlausible(name: VitalName, value: number, into: { [Name in VitalName]?: number }, found: Found): void {
  const { plausible, unit }: VitalDefinition = VITALS[name];
  // Written so that a value that is no number (1e400 is read as infinite) fails it. + 0 makes −0 a plain 0.
  if (value >= plausible.min && value <= plausible.max) into[name] = value + 0;
  else
    note(found.refused, 'implausible-value', `vitals.${name}`, `expected ${plausible.min} to ${plausible.max} ${unit}`);
}

/**
 * A diastolic pressure above the systolic: one of them is wrong, and nobody can say which, so neither is kept. Equal ones
 * are kept: an arterial line that has gone flat is an arrest, not an artefact.
 */
function refuseContradiction(vitals: { [Name in VitalName]?: number }, refused: Problem[]): void {
  if (vitals.systolic === undefined || vitals.diastolic === undefined || vitals.diastolic <= vitals.systolic) return;
  note(refused, 'inconsistent-values', 'vitals.diastolic', 'expected at most the systolic pressure');
  note(refused, 'inconsistent-values', 'vitals.systolic', 'expected at least the diastolic pressure');
  delete vitals.systolic;
  delete vitals.diastolic;
}

/** How one entry of `context` or `status` is checked, and what it should have been. */
interface Entry {
  readonly isRight: (value: unknown) => boolean;
  readonly expected: string;
}
const FLAG: Entry = { isRight: (value) => typeof value === 'boolean', expected: 'expected true or false' };
const CONTEXT: ReadonlyMap<string, Entry> = new Map([
  ['oxygen', FLAG],
  ['consciousness', { isRight: (value) => CONSCIOUSNESS.has(value), expected: 'expected one of A C V P U' }],
]);
const STATUS: ReadonlyMap<string, Entry> = new Map([
  ['leadsOff', FLAG],
  [
    'battery',
    {
      isRight: (value) => typeof value === 'number' && value >= 0 && value <= 1,
      expected: 'expected 0 (empty) to 1 (full)',
    },
  ],
]);

/** `null` is "not known", as it is for a vital. */
function readPart<Part extends 'context' | 'status'>(
  part: Part,
  value: unknown,
  entries: ReadonlyMap<string, Entry>,
  found: Found,
): Reading[Part] {
  const read: Record<string, unknown> = {};
  if (value === undefined) return read;
  if (!isObject(value)) {
    note(found.envelope, 'invalid-shape', part, 'expected an object');
    return read;
  }
  for (const key in value) {
    const entry = entries.get(key);
    const given = value[key];
    if (entry === undefined) noteUnknown(found.refused, `${part}.`, key, entries);
    else if (given === null) continue;
    else if (entry.isRight(given)) read[key] = given;
    else note(found.refused, 'invalid-shape', `${part}.${key}`, entry.expected);
  }
  // Every key was found in `entries`, and its value passed that entry's check.
  return read as Reading[Part];
}

function rejected({ envelope, refused }: Found, readingId?: ReadingId): ParsedReading {
  const problems = envelope.concat(refused).slice(0, PROBLEMS_MAX);
  return readingId === undefined ? { kind: 'rejected', problems } : { kind: 'rejected', readingId, problems };
}

function note(problems: Problem[], code: ProblemCode, field: string, detail: string): void {
  if (problems.length < PROBLEMS_MAX) problems.push({ code, field, detail });
}

/** A field name is the sender's own text: only one that looks like a name is repeated. */
function noteUnknown(problems: Problem[], parent: string, key: string, known: { keys(): Iterable<string> }): void {
  // Thousands fit into one reading: what is not told costs nothing.
  if (problems.length >= PROBLEMS_MAX) return;
  const name = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(key) ? key : '?';
  note(problems, 'invalid-shape', `${parent}${name}`, `unknown field: expected only ${[...known.keys()].join(', ')}`);
}

/** The names are those we ask for; none of them is trusted to be there. */
type JsonObject = {
  readonly [Name in 'id' | 'deviceId' | 'at' | 'vitals' | 'context' | 'status' | 'value' | 'unit']?: unknown;
} & {
  readonly [key: string]: unknown;
};

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: object): boolean {
  for (const _ in value) return false;
  return true;
}
