/**
 * Whether a password is found by trying what people choose: known passwords, words, names, keyboards, dates, and what is
 * made of them. With the lists of zxcvbn, and with words that stand to reason here.
 */
export async function isGuessable(password: string, own: readonly string[]): Promise<boolean> {
  judge ??= loaded();
  // Only its beginning: what is weak for so long is not saved by what follows, and the time it takes is bounded.
  const { guesses } = (await judge).check(password.slice(0, JUDGED_MAX), [...HOUSE_WORDS, ...own]);
  return guesses < GUESSES_MIN;
}

/** A third of a second each, as our hashing makes them, is a year's work for one machine. */
const GUESSES_MIN = 1e8;
const JUDGED_MAX = 64;

/** NIST SP 800-63B §5.1.1.2, context-specific words; `docs/security-rules.md` speaks of them. */
export const HOUSE_WORDS = [
  ...[
    'healthsync',
    'hospital',
    'clinic',
    'health',
    'patient',
    'ward',
    'icu',
    'monitor',
    'alarm',
    'vitals',
    'emergency',
  ],
  ...['nurse', 'doctor', 'physician', 'admin', 'administrator', 'operator', 'kiosk', 'security', 'privacy', 'welcome'],
  ...['krankenhaus', 'klinik', 'station', 'arzt', 'pflege', 'passwort', 'willkommen', 'hopital', 'infirmiere'],
];

let judge: ReturnType<typeof loaded> | undefined;

/** Loaded when the first password is set: 50,000 known ones that nobody else needs in memory. */
async function loaded() {
  const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs: graphs }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ]);
  return new ZxcvbnFactory({ dictionary, graphs });
}
