import { isList, isObject, isSame, type Json, memberOf, setMember } from './json.ts';
import { uuidFrom } from './random.ts';

interface Intrinsic {
  readonly min: number;
  readonly max: number;
  /** Undefined: it cannot take these. */
  apply(values: readonly Json[], random: () => number): Json | undefined;
}

/** Lists as Step Functions bounds them. */
const RANGE_MAX = 1_000;

/**
 * States Language, appendix B. Not here, and so refused when a definition is loaded: States.Hash, States.Base64Encode
 * and States.Base64Decode, which no decision of ours needs.
 */
const FUNCTIONS = {
  'States.Format': { min: 1, max: 100, apply: ([template, ...rest]) => format(template, rest) },
  'States.StringToJson': { min: 1, max: 1, apply: ([text]) => (typeof text === 'string' ? parse(text) : undefined) },
  'States.JsonToString': { min: 1, max: 1, apply: ([value]) => JSON.stringify(value) },
  'States.Array': { min: 0, max: 100, apply: (values) => values },
  'States.ArrayPartition': { min: 2, max: 2, apply: ([list, size]) => partition(list, size) },
  'States.ArrayContains': {
    min: 2,
    max: 2,
    apply: ([list, value]) => (isList(list) ? list.some((one) => isSame(one, value as Json)) : undefined),
  },
  'States.ArrayRange': { min: 3, max: 3, apply: ([first, last, step]) => range(first, last, step) },
  'States.ArrayGetItem': {
    min: 2,
    max: 2,
    apply: ([list, index]) => (isList(list) && isIndex(index) ? list[index] : undefined),
  },
  'States.ArrayLength': { min: 1, max: 1, apply: ([list]) => (isList(list) ? list.length : undefined) },
  'States.ArrayUnique': {
    min: 1,
    max: 1,
    apply: ([list]) =>
      isList(list) ? list.filter((one, at) => list.findIndex((other) => isSame(one, other)) === at) : undefined,
  },
  'States.JsonMerge': { min: 3, max: 3, apply: ([first, second, isDeep]) => merge(first, second, isDeep) },
  'States.MathRandom': { min: 2, max: 2, apply: ([from, to], random) => randomBetween(from, to, random) },
  'States.MathAdd': { min: 2, max: 2, apply: ([first, second]) => add(first, second) },
  'States.StringSplit': { min: 2, max: 2, apply: ([text, by]) => split(text, by) },
  'States.UUID': { min: 0, max: 0, apply: (_, random) => uuidFrom(random) },
} as const satisfies Readonly<Record<string, Intrinsic>>;

export type IntrinsicName = keyof typeof FUNCTIONS;
export const INTRINSICS: Readonly<Record<IntrinsicName, Intrinsic>> = FUNCTIONS;

function format(template: Json | undefined, values: readonly Json[]): string | undefined {
  if (typeof template !== 'string' || values.some((value) => typeof value === 'object' && value !== null))
    return undefined;
  let used = 0;
  const text = template.replaceAll(/\\([\s\S])|\{\}/g, (_, escaped?: string) => {
    if (escaped !== undefined) return escaped;
    const value = values[used++];
    return typeof value === 'string' ? value : JSON.stringify(value ?? null);
  });
  return used === values.length ? text : undefined;
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function partition(list: Json | undefined, size: Json | undefined): Json | undefined {
  if (!isList(list) || !isIndex(size) || size === 0) return undefined;
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size));
}

function range(first: Json | undefined, last: Json | undefined, step: Json | undefined): Json | undefined {
  if (!isInteger(first) || !isInteger(last) || !isInteger(step) || step === 0) return undefined;
  const count = Math.floor((last - first) / step) + 1;
  if (count > RANGE_MAX) return undefined;
  return Array.from({ length: Math.max(0, count) }, (_, at) => first + at * step);
}

/** Step Functions merges shallowly only; `true` is refused there too. */
function merge(first: Json | undefined, second: Json | undefined, isDeep: Json | undefined): Json | undefined {
  if (!isObject(first) || !isObject(second) || isDeep !== false) return undefined;
  const merged = { ...first };
  for (const name of Object.keys(second)) setMember(merged, name, memberOf(second, name) as Json);
  return merged;
}

/** From `from` on, below `to`. */
function randomBetween(from: Json | undefined, to: Json | undefined, random: () => number): Json | undefined {
  if (!isInteger(from) || !isInteger(to) || to <= from) return undefined;
  return from + Math.floor(random() * (to - from));
}

function add(first: Json | undefined, second: Json | undefined): Json | undefined {
  return isInteger(first) && isInteger(second) ? first + second : undefined;
}

/** Each character of `by` splits; nothing between two of them counts for nothing. */
function split(text: Json | undefined, by: Json | undefined): Json | undefined {
  if (typeof text !== 'string' || typeof by !== 'string') return undefined;
  const found: string[] = [];
  let part = '';
  for (const character of text) {
    if (!by.includes(character)) part += character;
    else {
      if (part !== '') found.push(part);
      part = '';
    }
  }
  return part === '' ? found : [...found, part];
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isIndex = (value: unknown): value is number => isInteger(value) && value >= 0;
