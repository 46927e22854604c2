import type { LeakedKind } from './leak.ts';
import { foldText } from './leak-fold.ts';

/** What is looked for: letters that follow each other, whatever stands between words. */
export interface Needle {
  readonly codes: readonly number[];
  readonly what: LeakedKind;
  /** Absent for a canary. */
  readonly patientId?: string;
  /** Found only as whole words: `Anna Weber` is not in `Johanna Weberling`. */
  readonly isWhole: boolean;
}

export interface Identifiers {
  readonly patientId: string;
  readonly familyName?: string;
  readonly givenName?: string;
  readonly mrn?: string;
}

export interface Needles {
  readonly needles: readonly Needle[];
  /** Patients of whom nothing can be looked for. */
  readonly tooCommon: number;
  /** Some name has letters beyond U+00FF. */
  readonly isWide: boolean;
}

const isWideName = (name: string): boolean => Array.from(name).some((letter) => (letter.codePointAt(0) ?? 0) > 0xff);

/** Shorter ones come about by themselves: `An Li` in a word of base64, seven digits in any list of times. */
const NAME_MIN = 7;
const PART_MIN = 2;
const MRN_MIN = 7;
/** Of digits alone a number must be longer: an eight-digit one is also a date, ten thousand patients have many. */
const DIGITS_MIN = 10;

/** How forms and exports write what stands between the two parts of a name. */
const GIVEN_BETWEEN = ['', 'givenname', 'given', 'givenvalue', 'firstname', 'vorname'];
const FAMILY_BETWEEN = ['', 'familyname', 'family', 'familyvalue', 'lastname', 'surname', 'nachname'];

/**
 * Of made-up patients every part by itself: nobody is called so. Of real ones the whole name in either order, also as
 * fields of a record, and a record number that is no word and no common number. A family name alone is a word: `Baker`.
 */
export function needlesOf(
  patients: readonly Identifiers[],
  canaries: readonly Identifiers[],
  staffNames: readonly string[] = [],
): Needles {
  const needles: Needle[] = [];
  for (const { familyName, givenName, mrn } of canaries)
    for (const part of [familyName, givenName, mrn])
      if (part !== undefined) needles.push({ codes: foldText(part), what: 'canary', isWhole: false });
  let tooCommon = 0;
  const staff = pairsOf(staffNames);
  for (const patient of patients) {
    const { familyName = '', givenName = '' } = patient;
    // Somebody who works here may be called so, and their name stands in many places rightly.
    const isStaff = staff.has(textOf(givenName + familyName)) || staff.has(textOf(familyName + givenName));
    const found = [...(isStaff ? [] : namesOf(patient)), ...numbersOf(patient)];
    if (found.length === 0) tooCommon++;
    needles.push(...found);
  }
  const isWide = patients.some(({ familyName = '', givenName = '' }) => isWideName(familyName + givenName));
  return { needles, tooCommon, isWide };
}

const textOf = (name: string): string => String.fromCodePoint(...foldText(name));

/** Of each name any two words that follow each other: `Dr. Anna Weber` is Anna Weber. */
function pairsOf(names: readonly string[]): ReadonlySet<string> {
  return new Set(
    names.flatMap((name) => {
      const words = name.trim().split(/\s+/);
      return words.slice(1).map((word, at) => textOf(`${words[at] ?? ''}${word}`));
    }),
  );
}

function namesOf({ patientId, familyName, givenName }: Identifiers): readonly Needle[] {
  const family = foldText(familyName ?? '');
  const given = foldText(givenName ?? '');
  if (family.length < PART_MIN || given.length < PART_MIN || family.length + given.length < NAME_MIN) return [];
  const needle = (codes: readonly number[]): Needle => ({ codes, what: 'name', patientId, isWhole: true });
  return [
    ...GIVEN_BETWEEN.map((between) => needle([...family, ...foldText(between), ...given])),
    ...FAMILY_BETWEEN.map((between) => needle([...given, ...foldText(between), ...family])),
  ];
}

function numbersOf({ patientId, mrn }: Identifiers): readonly Needle[] {
  const codes = foldText(mrn ?? '');
  const isDigits = codes.every((code) => code >= 48 && code <= 57);
  if (codes.length < (isDigits ? DIGITS_MIN : MRN_MIN)) return [];
  if (!codes.some((code) => code >= 48 && code <= 57)) return [];
  return [{ codes, what: 'record-number', patientId, isWhole: true }];
}
