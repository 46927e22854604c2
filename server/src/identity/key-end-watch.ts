import { type Repeating, repeat } from '../pacing/repeating.ts';
import type { Accounts, StoredToken } from '../ports/accounts.ts';
import type { AccountMail } from './account-notices.ts';

interface KeyEndParts {
  readonly accounts: Pick<Accounts, 'keysEnding' | 'noteEndTold'>;
  readonly mail: AccountMail;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

/**
 * Tells whoever made a key that it ends soon, in time to make the next: so many days before, each once (OWASP ASVS
 * 6.4.5). Of a key that was made for less than twice that, its end was near from the beginning.
 */
export function watchKeyEnds(parts: KeyEndParts): Repeating {
  return repeat(() => tellOfKeyEnds(parts), { everyMs: EVERY_MS, onError: parts.onError });
}

/** One round. */
export async function tellOfKeyEnds({ accounts, mail, now, onError }: KeyEndParts): Promise<void> {
  // The nearest first: who is told of three days, because nothing ran before, need not hear of fourteen.
  // After it was ordered: who is told twice is told once, by its id; who is not told would never hear of it.
  for (const days of DAYS_BEFORE)
    for (const key of await accounts.keysEnding({ days, nowMs: now() }))
      await mail(key.userId, wordsOf(key, days)).then(() => accounts.noteEndTold(key.sha256, days), onError);
}

function wordsOf({ sha256, userId, createdAtMs, expiresAtMs }: StoredToken, days: number): Parameters<AccountMail>[1] {
  const [made, end] = [dayOf(createdAtMs), dayOf(expiresAtMs)];
  return {
    // The same of every server that looks: it is told once.
    id: `account.${userId}.key-ends.${sha256.slice(0, ID_LENGTH)}`,
    rule: 'key-ends',
    subject: 'HealthSync: a key of yours ends soon',
    text: `A key for scripts that you made on ${made} ends on ${end}. What signs in with it is refused from then on: make the next under "My account", "Sessions and keys", put it in the place of this one, and end this one.`,
    atMs: expiresAtMs - days * DAY_MS,
  };
}

const DAY_MS = 86_400_000;
const DAYS_BEFORE = [3, 14];
/** Days count: an hour is soon enough, also after a start. */
const EVERY_MS = 3_600_000;
const ID_LENGTH = 16;

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
