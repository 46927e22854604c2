import { type Repeating, repeat } from '../pacing/repeating.ts';
import type { Accounts, StoredToken } from '../ports/accounts.ts';
import type { AccountMail } from './account-notices.ts';

/**
 * Tells whoever made a key that it ends soon, in time to make the next: so many days before, each once (OWASP ASVS
 * 6.4.5). Of a key that was made for less than twice that, its end was near from the beginning.
 */
export function watchKeyEnds(parts: {
  readonly accounts: Pick<Accounts, 'keysEnding' | 'noteEndTold'>;
  readonly mail: AccountMail;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}): Repeating {
  const { accounts, mail, now, onError } = parts;

  async function look(): Promise<void> {
    // The nearest first: who is told of three days, because nothing ran before, need not hear of fourteen.
    for (const days of DAYS_BEFORE)
      for (const key of await accounts.keysEnding({ days, nowMs: now() })) await tell(key, days).catch(onError);
  }

  async function tell({ sha256, userId, createdAtMs, expiresAtMs }: StoredToken, days: number): Promise<void> {
    await mail(userId, {
      // The same of every server that looks: it is told once.
      id: `account.${userId}.key-ends.${sha256.slice(0, ID_LENGTH)}`,
      rule: 'key-ends',
      subject: 'HealthSync: a key of yours ends soon',
      text: `A key for scripts that you made on ${dayOf(createdAtMs)} ends on ${dayOf(expiresAtMs)}. What signs in with it is refused from then on: make the next under "My account", "Sessions and keys", put it in the place of this one, and end this one.`,
      atMs: expiresAtMs - days * DAY_MS,
    });
    // After it was ordered: who is told twice is told once, by its id; who is not told never hears of it.
    await accounts.noteEndTold(sha256, days);
  }

  return repeat(look, { everyMs: EVERY_MS, onError });
}

const DAY_MS = 86_400_000;
const DAYS_BEFORE = [3, 14];
/** Days count: an hour is soon enough, also after a start. */
const EVERY_MS = 3_600_000;
const ID_LENGTH = 16;

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
