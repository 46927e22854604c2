import { type JsonPath, parseJsonPath, reach } from './json-path.ts';
import type { Problem } from './problem.ts';
import type { Consciousness } from './reading.ts';
import { isNoMeasurement } from './sentinel.ts';
import type { VitalName } from './vital.ts';

/** How one vendor's JSON becomes a reading: data, compiled once to plain functions. `contracts` holds its JSON Schema. */
export interface MappingProfile {
  readonly name: string;
  readonly description: string;
  readonly id: { readonly path: string } | { readonly compose: readonly string[] };
  readonly at: { readonly path: string; readonly form: 'rfc3339' | 'epoch-s' | 'epoch-ms' };
  readonly values: readonly MappedValue[];
  readonly context?: {
    readonly oxygen?: MappedFlag;
    readonly consciousness?: { readonly path: string; readonly map: Readonly<Record<string, Consciousness>> };
  };
  readonly status?: {
    readonly leadsOff?: MappedFlag;
    /** What the device sends when full: 100 where it sends percent. */
    readonly battery?: { readonly path: string; readonly full: number };
  };
}

export interface MappedValue {
  readonly vital: VitalName;
  readonly path: string;
  /** UCUM, or where the message says so, with the vendor's words for it. */
  readonly unit: string | { readonly path: string; readonly map?: Readonly<Record<string, string>> };
  /** The standard's code for what stands there; the linter holds it against the vital. */
  readonly code?: { readonly system: 'loinc' | 'mdc'; readonly value: string };
  /** What this device sends where it measured nothing, besides the usual sentinels. */
  readonly noValue?: readonly Scalar[];
  /** Anything else there means that the value is not valid: no measurement. */
  readonly validWhen?: { readonly path: string; readonly is: readonly Scalar[] };
}

export interface MappedFlag {
  readonly path: string;
  readonly true: readonly Scalar[];
  readonly false: readonly Scalar[];
}
export type Scalar = string | number | boolean | null;

/** The vendor's message in our form, for `parseReading` to judge like any other; and what could not be mapped. */
export interface Mapped {
  readonly value: unknown;
  readonly refused: readonly Problem[];
}
export type MapMessage = (message: unknown) => Mapped;

/** Undefined where a path cannot be read; `lintProfile` says which. */
export function compileProfile(profile: MappingProfile): MapMessage | undefined {
  try {
    return compile(profile);
  } catch (error) {
    if (error instanceof UnreadablePath) return undefined;
    throw error;
  }
}

function compile(profile: MappingProfile): MapMessage {
  const readId = compileId(profile);
  const readAt = compileAt(profile);
  const vitals = profile.values.map(compileValue);
  const { oxygen, consciousness } = profile.context ?? {};
  const { leadsOff, battery } = profile.status ?? {};
  const readOxygen = oxygen && compileFlag(oxygen);
  const readConsciousness = consciousness && compileWord(consciousness);
  const readLeadsOff = leadsOff && compileFlag(leadsOff);
  const readBattery = battery && compileLevel(battery);

  return (message) => {
    const refused: Problem[] = [];
    const reading = {
      id: readId(message),
      at: readAt(message),
      vitals: {} as Record<string, unknown>,
      context: { oxygen: readOxygen?.(message) ?? null, consciousness: readConsciousness?.(message) ?? null },
      status: { leadsOff: readLeadsOff?.(message) ?? null, battery: readBattery?.(message) ?? null },
    };
    for (const readValue of vitals) readValue(message, reading.vitals, refused);
    return { value: reading, refused };
  };
}

type Read = (message: unknown) => unknown;

function compileId({ id }: MappingProfile): Read {
  const paths = ('compose' in id ? id.compose : [id.path]).map(pathOf);
  return (message) => {
    const parts = paths.map((path) => valueAt(message, path));
    const isWhole = parts.every((part) => (typeof part === 'string' && part !== '') || typeof part === 'number');
    return isWhole ? parts.join('-') : undefined;
  };
}

function compileAt({ at }: MappingProfile): Read {
  const path = pathOf(at.path);
  if (at.form === 'rfc3339') return (message) => valueAt(message, path);
  const msPerUnit = at.form === 'epoch-s' ? 1000 : 1;
  return (message) => {
    const atMs = Math.round(numberOf(valueAt(message, path)) * msPerUnit);
    // 0001-01-01 to 9999-12-31, which is what RFC 3339 can write.
    return atMs >= -62_135_596_800_000 && atMs <= 253_402_300_799_999 ? new Date(atMs).toISOString() : undefined;
  };
}

/** Puts the value, or "no measurement", or nothing into `vitals`. */
function compileValue(
  mapped: MappedValue,
): (message: unknown, vitals: Record<string, unknown>, refused: Problem[]) => void {
  const path = pathOf(mapped.path);
  const noValue = new Set<unknown>(mapped.noValue);
  const readUnit = compileUnit(mapped.unit);
  const valid = mapped.validWhen && { path: pathOf(mapped.validWhen.path), is: new Set<unknown>(mapped.validWhen.is) };

  return (message, vitals, refused) => {
    const reached = reach(message, path);
    if (reached.kind === 'absent') return;
    if (reached.kind === 'ambiguous') {
      const detail = 'expected one element of this code, found several';
      refused.push({ code: 'mapping-failed', field: `vitals.${mapped.vital}`, detail });
      return;
    }
    const { value } = reached;
    const isValid = valid === undefined || valid.is.has(valueAt(message, valid.path));
    const quantity = quantityOf(value);
    const isNothing = isNoMeasurement(quantity) || noValue.has(value) || noValue.has(quantity);
    vitals[mapped.vital] = isNothing || !isValid ? null : { value: quantity, unit: readUnit(message) };
  };
}

function compileUnit(unit: MappedValue['unit']): Read {
  if (typeof unit === 'string') return () => unit;
  const path = pathOf(unit.path);
  const map = new Map(Object.entries(unit.map ?? {}));
  return (message) => {
    const given = valueAt(message, path);
    return typeof given === 'string' ? (map.get(given) ?? given) : undefined;
  };
}

function compileFlag(flag: MappedFlag): Read {
  const path = pathOf(flag.path);
  return (message) => {
    const given = valueAt(message, path) as Scalar;
    return flag.true.includes(given) ? true : flag.false.includes(given) ? false : undefined;
  };
}

function compileWord({
  path,
  map,
}: {
  readonly path: string;
  readonly map: Readonly<Record<string, Consciousness>>;
}): Read {
  const compiled = pathOf(path);
  const words = new Map(Object.entries(map));
  return (message) => words.get(String(valueAt(message, compiled)));
}

function compileLevel({ path, full }: { readonly path: string; readonly full: number }): Read {
  const compiled = pathOf(path);
  return (message) => {
    const level = numberOf(valueAt(message, compiled)) / full;
    return level >= 0 && level <= 1 ? level : undefined;
  };
}

function valueAt(message: unknown, path: JsonPath): unknown {
  const reached = reach(message, path);
  return reached.kind === 'found' ? reached.value : undefined;
}

/** Vendors send numbers as text too; only plain decimal text is a number. Anything else is left for the parser to refuse. */
function quantityOf(value: unknown): unknown {
  const number = numberOf(value);
  return Number.isNaN(number) ? value : number;
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d{1,15}(\.\d{1,10})?$/.test(value) ? Number(value) : Number.NaN;
}

function pathOf(text: string): JsonPath {
  const path = parseJsonPath(text);
  if (path === undefined) throw new UnreadablePath(text);
  return path;
}

class UnreadablePath extends Error {}
