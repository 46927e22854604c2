/**
 * A text for one SMS. What the GSM alphabet lacks is written plainly where it can be (`Ł` as `L`), because a single other
 * letter leaves room for 70 characters instead of 160 (3GPP TS 23.038 §6.2.1). The first line says what matters, and the
 * last how to answer: both stay. Lines between them stay while there is room in one segment.
 */
export function smsText({ text, hint }: { readonly text: string; readonly hint?: string }): string {
  const [first = '', ...others] = plain(text)
    .trim()
    .split(/\s*\n+\s*/);
  const last = hint === undefined ? [] : [hint];
  const lines = [first];
  for (const line of others) if (segmentsOf([...lines, line, ...last].join('\n')) === 1) lines.push(line);
  const whole = [...lines, ...last].join('\n');
  if (segmentsOf(whole) <= SEGMENTS_MAX) return whole;
  // Counted in the wider alphabet, so that it fits in either.
  const room = SEGMENTS_MAX * 67 - (hint === undefined ? 0 : hint.length + 1) - 3;
  return [`${first.slice(0, room).replace(/[\ud800-\udbff]$/, '')}...`, ...last].join('\n');
}

/** Longer than this nobody reads on a lock screen; our own texts have one. */
const SEGMENTS_MAX = 3;

/** 160 septets or 70 UTF-16 units; of several, each loses some to the header that joins them (TS 23.040 §9.2.3.24.1). */
export function segmentsOf(text: string): number {
  const septets = septetsOf(text);
  const [length, single, joined] = septets === undefined ? [text.length, 70, 67] : [septets, 160, 153];
  return length <= single ? 1 : Math.ceil(length / joined);
}

/** Undefined: not all of it is in the GSM alphabet. */
function septetsOf(text: string): number | undefined {
  let count = 0;
  for (const letter of text) {
    if (BASIC.has(letter)) count++;
    else if (EXTENDED.has(letter)) count += 2;
    else return undefined;
  }
  return count;
}

/** All or nothing: one letter that stays makes room for none of the others. */
function plain(text: string): string {
  const exact = text.normalize('NFC');
  const plainer = [...exact].map(plainLetter).join('');
  return septetsOf(plainer) === undefined ? exact : plainer;
}

function plainLetter(letter: string): string {
  if (BASIC.has(letter) || EXTENDED.has(letter)) return letter;
  const same = SAME[letter] ?? letter.normalize('NFKD').replace(/\p{Mark}/gu, '');
  return septetsOf(same) === undefined ? letter : same;
}

/** TS 23.038 §6.2.1, without the escape. */
const BASIC: ReadonlySet<string> = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
/** TS 23.038 §6.2.1.1: two septets each. */
const EXTENDED: ReadonlySet<string> = new Set('^{}\\[~]|€');

/** What decomposition does not reach. */
const SAME: Readonly<Record<string, string>> = {
  '‘': "'",
  '’': "'",
  '‚': "'",
  '“': '"',
  '”': '"',
  '„': '"',
  '–': '-',
  '—': '-',
  '−': '-',
  '‐': '-',
  '‑': '-',
  '·': '-',
  '•': '-',
  '×': 'x',
  '≥': '>=',
  '≤': '<=',
  '→': '->',
  '°': ' deg ',
  '\u00a0': ' ',
  '\u202f': ' ',
  '\t': ' ',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  Đ: 'D',
  ı: 'i',
  œ: 'oe',
  Œ: 'OE',
  þ: 'th',
  ð: 'd',
};
