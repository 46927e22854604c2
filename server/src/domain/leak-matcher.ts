import { ASCII, foldCode } from './leak-fold.ts';
import type { Needle, Needles } from './leak-needles.ts';

/** As many letters at the end of a needle are hashed: fewer and every word would be looked at closer. */
const WINDOW = 6;
/** Longer than any needle: a power of two, so that places are cut out of a number by its last bits. */
const RING = 512;
/** Some millions: with a hundred thousand needles one letter in forty is looked at closer. */
const BITS = 22;

/** All that is looked for, laid out for being found in one pass. Made once for a scan, shared by all its matchers. */
export interface NeedleTable {
  readonly byHash: ReadonlyMap<number, readonly Needle[]>;
  /** One bit for each hash that some needle ends with. */
  readonly seen: Uint8Array;
  readonly count: number;
  /** Some name has letters beyond U+00FF. */
  readonly isWide: boolean;
}

export function needleTable({ needles, isWide }: Pick<Needles, 'needles' | 'isWide'>): NeedleTable {
  const byHash = new Map<number, Needle[]>();
  const seen = new Uint8Array(2 ** BITS / 8);
  let count = 0;
  for (const needle of needles) {
    const { codes } = needle;
    if (codes.length < WINDOW || codes.length > RING - 8) continue;
    let hash = 0;
    for (const code of codes.slice(-WINDOW)) hash = (Math.imul(hash, BASE) + code) | 0;
    const known = byHash.get(hash);
    if (known === undefined) byHash.set(hash, [needle]);
    else known.push(needle);
    const bit = bitOf(hash);
    seen[bit >> 3] = (seen[bit >> 3] ?? 0) | (1 << (bit & 7));
    count++;
  }
  return { byHash, seen, count, isWide };
}

const BASE = 0x01000193;
/** BASE to the power of WINDOW: what leaves the window is taken out of the hash by it. */
const LEAVING = Array.from({ length: WINDOW }).reduce<number>((power) => Math.imul(power, BASE), 1);
const GOLDEN = 0x9e3779b1;
const bitOf = (hash: number): number => Math.imul(hash, GOLDEN) >>> (32 - BITS);

export type OnMatch = (needle: Needle) => void;

/**
 * Finds needles in text that comes letter by letter, however it was cut into pieces: it remembers the last few hundred
 * letters that count, and where words begin (a rolling hash over the last six, Karp & Rabin 1987, then letter by letter).
 * What separates words is left out, so that a name is found across a line's end, a hyphen or a field's quotation marks.
 */
export function createMatcher({ byHash, seen }: NeedleTable, onMatch: OnMatch) {
  const ring = new Int32Array(RING);
  /** Whether something separates this letter from the one before. */
  const begins = new Uint8Array(RING);
  let length = 0;
  let hash = 0;
  let isSeparated = true;
  /** Found, and waiting for the word to end. */
  let waiting: Needle[] = [];

  function separate(): void {
    if (waiting.length > 0) {
      for (const needle of waiting) onMatch(needle);
      waiting = [];
    }
    isSeparated = true;
  }

  function push(code: number): void {
    const letter = foldCode(code);
    if (letter <= 0) {
      if (letter === 0) separate();
      return;
    }
    // The word goes on: what was found was the beginning of another.
    if (waiting.length > 0) waiting = [];
    const at = length & (RING - 1);
    const leaving = ring[(length - WINDOW) & (RING - 1)] ?? 0;
    ring[at] = letter;
    begins[at] = isSeparated ? 1 : 0;
    isSeparated = false;
    length++;
    hash = (Math.imul(hash, BASE) + letter - Math.imul(leaving, LEAVING)) | 0;
    const bit = bitOf(hash);
    if (((seen[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0) look();
  }

  function look(): void {
    for (const needle of byHash.get(hash) ?? []) {
      const { codes, isWhole } = needle;
      const first = length - codes.length;
      if (first < 0 || (isWhole && begins[first & (RING - 1)] !== 1)) continue;
      let same = codes.length - 1;
      while (same >= 0 && codes[same] === ring[(first + same) & (RING - 1)]) same--;
      if (same >= 0) continue;
      if (isWhole) waiting.push(needle);
      else onMatch(needle);
    }
  }

  /**
   * As `push` for each byte from there on, as far as they are ASCII; answers where it stopped. Most bytes come this way,
   * so that it keeps what it counts in variables of its own.
   */
  function pushAscii(bytes: Uint8Array, from: number): number {
    const end = bytes.length;
    let at = from;
    let rolling = hash;
    let many = length;
    let isApart = isSeparated;
    let isWaiting = waiting.length > 0;
    for (; at < end; at++) {
      const code = bytes[at] as number;
      if (code > 127) break;
      const letter = ASCII[code] as number;
      if (letter === 0) {
        if (isWaiting) separate();
        isWaiting = false;
        isApart = true;
        continue;
      }
      if (isWaiting) waiting = [];
      isWaiting = false;
      const place = many & (RING - 1);
      const leaving = ring[(many - WINDOW) & (RING - 1)] as number;
      ring[place] = letter;
      begins[place] = isApart ? 1 : 0;
      isApart = false;
      many++;
      rolling = (Math.imul(rolling, BASE) + letter - Math.imul(leaving, LEAVING)) | 0;
      const bit = Math.imul(rolling, GOLDEN) >>> (32 - BITS);
      if (((seen[bit >> 3] as number) & (1 << (bit & 7))) !== 0) {
        hash = rolling;
        length = many;
        look();
        isWaiting = waiting.length > 0;
      }
    }
    hash = rolling;
    length = many;
    isSeparated = isApart;
    return at;
  }

  return {
    push,
    pushAscii,
    /** Something else begins: what was half found is none. */
    separate,
    reset(): void {
      separate();
      length = 0;
      hash = 0;
      // What leaves the window before it is full is nothing.
      ring.fill(0);
    },
  };
}

export type Matcher = ReturnType<typeof createMatcher>;
