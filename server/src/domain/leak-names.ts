/**
 * Names for made-up patients: they sound like names, and nobody bears them. Two of five syllables each, some 2^46 of each
 * kind, so that whatever text they turn up in has them from here. `random`: in [0, 1).
 */
export function canaryIdentity(random: () => number): {
  readonly familyName: string;
  readonly givenName: string;
  readonly mrn: string;
  readonly birthDate: string;
} {
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? '';
  const name = (syllables: number): string => {
    const text = Array.from({ length: syllables }, () => pick(ONSETS) + pick(VOWELS)).join('') + pick(CODAS);
    return text.charAt(0).toUpperCase() + text.slice(1);
  };
  const digits = Array.from({ length: 9 }, () => Math.floor(random() * 10)).join('');
  return {
    familyName: name(5),
    givenName: name(4),
    mrn: `QX${digits}${pick(ONSETS).toUpperCase().charAt(0)}`,
    birthDate: `19${30 + Math.floor(random() * 60)}-0${1 + Math.floor(random() * 9)}-1${Math.floor(random() * 9)}`,
  };
}

const ONSETS = [
  'b',
  'br',
  'd',
  'dr',
  'f',
  'g',
  'gl',
  'h',
  'k',
  'kv',
  'l',
  'm',
  'n',
  'p',
  'pl',
  'q',
  'r',
  's',
  'st',
  't',
  'v',
  'vr',
  'w',
  'z',
];
const VOWELS = ['a', 'e', 'i', 'o', 'u', 'ai', 'ou', 'y'];
const CODAS = ['n', 'rt', 's', 'th', 'x', 'lm', 'nd', 'k'];
