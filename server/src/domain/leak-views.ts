import type { LeakedKind } from './leak.ts';
import { createMatcher, type Matcher, type NeedleTable } from './leak-matcher.ts';
import type { Needle } from './leak-needles.ts';

/** One thing that was read, as the several things it may say. */
export interface LeakViews {
  push(chunk: Uint8Array): void;
  end(): void;
}

export interface SeenLeak {
  readonly what: LeakedKind;
  readonly patientId?: string;
  readonly encoding: string;
  /** Bytes read so far when it was found. */
  readonly offset: number;
}

/** Reads bytes on; keeps what it needs of a piece for the next one. */
interface View {
  push(chunk: Uint8Array): void;
  end(): void;
}

/** Longer than a name, each letter of it escaped. */
const EDGE = 512;

/** A piece of base64 or of hexadecimal digits this long may say something; a shorter one is a word. */
const RUN_MIN = 10;

/**
 * The bytes as they stand, and as everything that programs turn text into on its way: UTF-8 with Latin-1 where it is no
 * UTF-8, UTF-16 in both orders, percent and other escapes, base64 (also for URLs, also across lines, from any of its four
 * places), hexadecimal. Pieces may be cut anywhere.
 */
export function createLeakViews(table: NeedleTable, onLeak: (leak: SeenLeak) => void): LeakViews {
  let offset = 0;
  const told = new Set<Needle>();
  const matcherFor = (encoding: string): Matcher =>
    createMatcher(table, (needle) => {
      // Once for each thing that is read: a file with a name on every line is one leak.
      if (told.has(needle)) return;
      told.add(needle);
      const { what, patientId } = needle;
      onLeak({ what, encoding, offset, ...(patientId !== undefined && { patientId }) });
    });
  const textOf = (encoding: string): Text => utf8(matcherFor(encoding));
  const views: readonly View[] = [
    asIs(textOf('plain')),
    unescaped(textOf('escaped')),
    runs(
      { digitOf: BASE64, bits: 6 },
      [0, 1, 2, 3].map(() => textOf('base64')),
    ),
    runs(
      { digitOf: HEX, bits: 4 },
      [0, 1].map(() => textOf('hexadecimal')),
    ),
    // Letters up to U+00FF are found as they stand: the zero beside each separates, and what separates does not count.
    ...(table.isWide
      ? (['le', 'be'] as const).flatMap((order) =>
          [0, 1].map((skip) => utf16(matcherFor(`utf-16${order}`), order, skip)),
        )
      : []),
  ];

  return {
    push(chunk) {
      offset += chunk.length;
      for (const one of views) one.push(chunk);
    },
    end() {
      for (const one of views) one.end();
    },
  };
}

function asIs(text: Text): View {
  return {
    push: (chunk) => text.pushAll(chunk),
    end: () => text.end(),
  };
}

/** Bytes as letters, for one matcher. */
interface Text {
  push(byte: number): void;
  pushAll(bytes: Uint8Array): void;
  /** Something else begins. */
  separate(): void;
  end(): void;
}

/** UTF-8 (RFC 3629); a byte that is none is taken as Latin-1. */
function utf8({ push: emit, pushAscii, separate, reset }: Matcher): Text {
  let held: number[] = [];
  let missing = 0;
  function spill(): void {
    if (missing === 0) return;
    const bytes = held;
    held = [];
    missing = 0;
    for (const byte of bytes) emit(byte);
  }
  function push(byte: number): void {
    if (missing > 0) {
      if ((byte & 0xc0) === 0x80) {
        held.push(byte);
        if (--missing > 0) return;
        const [first = 0, ...rest] = held;
        const bits = held.length === 2 ? first & 0x1f : held.length === 3 ? first & 0x0f : first & 0x07;
        held = [];
        const code = rest.reduce((sum, one) => sum * 64 + (one & 0x3f), bits);
        emit(code > 0x10ffff ? 0 : code);
        return;
      }
      spill();
    }
    missing = byte < 0xc2 || byte > 0xf4 ? 0 : byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    if (missing === 0) emit(byte);
    else held = [byte];
  }
  return {
    push,
    pushAll(bytes) {
      for (let at = 0; at < bytes.length; ) {
        if (missing === 0) at = pushAscii(bytes, at);
        if (at < bytes.length) push(bytes[at++] ?? 0);
      }
    },
    separate() {
      spill();
      separate();
    },
    end() {
      spill();
      reset();
    },
  };
}

/**
 * `%41`, `=41` (quoted-printable, with soft line ends), `\u0041`, `\x41`, `\101` (bytes in octal, as PostgreSQL, git and C
 * write them), `&#65;` and `&#x41;`, and `+` for a blank.
 */
function unescaped({ push: emit, end }: Text): View {
  let held: number[] = [];
  const emitCode = (code: number): void => {
    // No name has letters beyond the first plane.
    // As UTF-8, so that a letter written so and one that is not read alike.
    for (const byte of utf8Bytes(code > 0xffff ? 0 : code)) emit(byte);
  };
  function spill(): void {
    const bytes = held;
    held = [];
    for (const byte of bytes) emit(byte);
  }
  function push(byte: number): void {
    if (held.length === 0) {
      if (LEADS.includes(byte)) held = [byte];
      else emit(byte === PLUS ? BLANK : byte);
      return;
    }
    const text = String.fromCharCode(...held, byte);
    const [whole, one, wide, octal, decimal] = ESCAPE.exec(text) ?? [];
    if (whole !== undefined) {
      held = [];
      if (one !== undefined) emit(Number.parseInt(one, 16));
      if (octal !== undefined) emit(Number.parseInt(octal, 8));
      if (wide !== undefined) emitCode(Number.parseInt(wide, 16));
      if (decimal !== undefined) emitCode(Number(decimal));
      // Otherwise a soft line end: the line goes on.
    } else if (BEGUN.test(text)) held.push(byte);
    else {
      spill();
      push(byte);
    }
  }
  return {
    push(chunk) {
      // What has no escape near is said by the bytes as they stand.
      let done = 0;
      for (const [from, to] of escapesIn(chunk)) {
        if (from > done) end();
        for (let i = Math.max(from, done); i < to; i++) push(chunk[i] ?? 0);
        done = to;
      }
      if (done < chunk.length) end();
    },
    end() {
      spill();
      end();
    },
  };
}

/** Two hexadecimal digits; of a letter beyond, four or `&#x…;`; octal; decimal; or a soft line end. */
const ESCAPE =
  /^(?:(?:[%=]|\\x)([\da-f]{2})|(?:\\u(?=[\da-f]{4}$)|&#x(?=[\da-f]{1,6};$))([\da-f]+);?|\\([0-3][0-7]{2})|&#(\d{1,7});|=\r?\n)$/i;
/** What may become one. */
const BEGUN = /^(?:[%=][\da-f]?|=\r|\\(?:u[\da-f]{0,3}|x[\da-f]?|[0-3][0-7]?)?|&(?:#(?:x[\da-f]{0,6}|\d{0,7})?)?)$/i;

/** Where it is worth looking: around whatever is written like an escape, and at both ends, in order and apart. */
function escapesIn(chunk: Uint8Array): readonly (readonly [from: number, to: number])[] {
  const places = [0, chunk.length];
  for (const lead of LEADS)
    for (let at = chunk.indexOf(lead); at >= 0; at = chunk.indexOf(lead, at + 1))
      if (isEscape(lead, chunk[at + 1] ?? 0, chunk[at + 2] ?? 0)) places.push(at);
  const spans: [number, number][] = [];
  for (const place of places.sort((a, b) => a - b)) {
    const [from, to] = [Math.max(0, place - EDGE), Math.min(chunk.length, place + EDGE)];
    const last = spans.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = to;
    else spans.push([from, to]);
  }
  return spans;
}

/**
 * Runs of digits of some base as the bytes they stand for: base64 (RFC 4648 §4 and §5) and hexadecimal. Where a run begins
 * is not always where the text does: it is read from each place. Line ends within are passed over, as in mail (RFC 2045).
 */
function runs({ digitOf, bits }: { readonly digitOf: Int8Array; readonly bits: number }, texts: readonly Text[]): View {
  /** The first of a run wait until there are enough. */
  const early = new Int32Array(RUN_MIN);
  let run = 0;
  const values = new Int32Array(texts.length);
  const have = new Int32Array(texts.length);
  function digit(one: number, at: number): void {
    for (let place = 0; place < texts.length && place <= at; place++) {
      const value = (((values[place] ?? 0) << bits) | one) & 0xffff;
      values[place] = value;
      const bitsNow = (have[place] ?? 0) + bits;
      have[place] = bitsNow >= 8 ? bitsNow - 8 : bitsNow;
      if (bitsNow >= 8) texts[place]?.push((value >> (bitsNow - 8)) & 0xff);
    }
  }
  function over(): void {
    if (run > RUN_MIN) {
      for (const text of texts) text.separate();
      values.fill(0);
      have.fill(0);
    }
    run = 0;
  }
  return {
    push(chunk) {
      const length = chunk.length;
      for (let i = 0; i < length; i++) {
        const byte = chunk[i] as number;
        const one = digitOf[byte] as number;
        if (one < 0) {
          if (run > 0 && byte !== CR && byte !== LF) over();
          continue;
        }
        if (run < RUN_MIN) early[run++] = one;
        else {
          if (run === RUN_MIN) for (let first = 0; first < RUN_MIN; first++) digit(early[first] as number, first);
          digit(one, run++);
        }
      }
    },
    end() {
      over();
      for (const text of texts) text.end();
    },
  };
}

function isEscape(lead: number, next: number, afterNext: number): boolean {
  if (lead === AMPERSAND) return next === HASH;
  if (lead === BACKSLASH) return next === U || next === X || (isOctal(next) && isOctal(afterNext));
  return (hexOf(next) >= 0 && hexOf(afterNext) >= 0) || (lead === EQUALS && (next === CR || next === LF));
}

const isOctal = (byte: number): boolean => byte >= 0x30 && byte <= 0x37;

/** RFC 2781. Only where there is a zero byte: letters of most names have one. */
function utf16(matcher: Matcher, order: 'le' | 'be', skip: number): View {
  /** Bytes that came, and the last of them: half a letter, where it is not the end of one. */
  let count = 0;
  let last = 0;
  return {
    push(chunk) {
      if (!chunk.includes(0)) {
        matcher.separate();
        count += chunk.length;
        last = chunk.at(-1) ?? last;
        return;
      }
      for (let i = 0; i < chunk.length; i++) {
        const byte = chunk[i] ?? 0;
        if (((count - skip) & 1) === 1 && count > skip)
          matcher.push(order === 'le' ? last | (byte << 8) : (last << 8) | byte);
        last = byte;
        count++;
      }
    },
    end() {
      matcher.reset();
      count = 0;
    },
  };
}

const PERCENT = 0x25;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const AMPERSAND = 0x26;
const HASH = 0x23;
const LEADS = [PERCENT, EQUALS, BACKSLASH, AMPERSAND];
const PLUS = 0x2b;
const U = 0x75;
const X = 0x78;
const BLANK = 0x20;
const CR = 0x0d;
const LF = 0x0a;

const HEX = new Int8Array(256).fill(-1);
const BASE64 = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 10; digit++) {
  HEX[48 + digit] = digit;
  BASE64[48 + digit] = 52 + digit;
}
for (let letter = 0; letter < 26; letter++) {
  BASE64[65 + letter] = letter;
  BASE64[97 + letter] = 26 + letter;
  if (letter < 6) HEX[65 + letter] = HEX[97 + letter] = 10 + letter;
}
BASE64[0x2b] = BASE64[0x2d] = 62;
BASE64[0x2f] = BASE64[0x5f] = 63;
const hexOf = (byte: number): number => HEX[byte] ?? -1;

function utf8Bytes(code: number): readonly number[] {
  if (code < 0x80) return [code];
  if (code < 0x800) return [0xc0 | (code >> 6), 0x80 | (code & 0x3f)];
  return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
}
