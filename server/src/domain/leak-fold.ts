/**
 * What a letter counts as when names are compared: without marks and case, so that `Žižka`, `ZIZKA` and `žižka` are one;
 * digits as they are; everything else separates. 0: separates. -1: counts as nothing (a mark on the letter before).
 */
export function foldCode(code: number): number {
  if (code < 128) return ASCII[code] ?? 0;
  if (code > 0xffff) return foldSlowly(code);
  const known = folded[code] ?? UNKNOWN;
  if (known !== UNKNOWN) return known;
  const found = foldSlowly(code);
  folded[code] = found;
  return found;
}

const UNKNOWN = -2;
/** Filled as letters are met: of most texts only a few hundred are. */
const folded = new Int32Array(0x10000).fill(UNKNOWN);

/** The same for the first 128, to be looked up without a call. */
export const ASCII = Uint8Array.from({ length: 128 }, (_, code) => {
  if (code >= 65 && code <= 90) return code + 32;
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) ? code : 0;
});

/** The first letter of what it comes to without marks (`ﬁ` is found as `f`: nobody's name is written so). */
function foldSlowly(code: number): number {
  const text = String.fromCodePoint(code);
  if (/^\p{M}$/u.test(text)) return -1;
  const [first] = text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  return first !== undefined && /^[\p{L}\p{N}]$/u.test(first) ? (first.codePointAt(0) ?? 0) : 0;
}

/** A name or number as it is looked for: only what counts. */
export function foldText(text: string): readonly number[] {
  return Array.from(text, (letter) => foldCode(letter.codePointAt(0) ?? 0)).filter((code) => code > 0);
}
